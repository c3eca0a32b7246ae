//! Which part of `baton dump` is meant.

use super::args::DumpCommand;
use super::{check, convert, dmesg, info, list};
use crate::failure::Result;

/// Carries out the command.
///
/// # Errors
/// When a dump can't be read or isn't sound.
pub fn run(command: &DumpCommand) -> Result<()> {
    match command {
        DumpCommand::List(args) => list::run(args),
        DumpCommand::Info(args) => info::run(args),
        DumpCommand::Dmesg(args) => dmesg::run(args),
        DumpCommand::Check(args) => check::run(args),
        DumpCommand::Convert(args) => convert::run(args),
    }
}
