//! `baton dump`: works with dumps of crashed kernels.

pub mod args;
mod check;
mod convert;
mod digest;
mod dmesg;
mod find;
mod info;
mod list;
mod open;
mod progress;
mod raw;
mod time;

use crate::failure::Result;
use args::DumpCommand;

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
