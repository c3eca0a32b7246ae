//! `baton dump`: dumps of kernels that crashed.

pub mod args;
mod convert;
mod open;
mod progress;

use crate::failure::Result;
use args::DumpCommand;

/// Carries out the command.
///
/// # Errors
/// When a dump can't be read or written.
pub fn run(command: &DumpCommand) -> Result<()> {
    match command {
        DumpCommand::Convert(args) => convert::run(args),
    }
}
