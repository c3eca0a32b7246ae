//! Which part of `baton crash` is meant.

use super::args::CrashCommand;
use super::record::RECORD;
use super::{load, status};
use crate::failure::Result;
use crate::unload;
use baton_sys::Root;

/// Carries out the command.
///
/// # Errors
/// Why it failed.
pub fn run(command: &CrashCommand) -> Result<()> {
    match command {
        CrashCommand::Load(args) => load::run(args),
        CrashCommand::Unload(args) => {
            unload::run::run(args, true)?;
            RECORD.forget(&Root::system())
        }
        CrashCommand::Status(args) => status::run(args),
    }
}
