//! Which part of `baton keys` is meant.

use super::args::{ExportArgs, KeysCommand};
use super::{enroll, list, new, show};
use crate::failure::Result;
use crate::machine::saved_state;
use crate::output::file::save_private;
use crate::output::json;
use serde::Serialize;
use std::path::Path;

/// Carries out the command.
///
/// # Errors
/// Why it failed.
pub fn run(command: &KeysCommand) -> Result<()> {
    match command {
        KeysCommand::List(args) => list::run(args),
        KeysCommand::Show(args) => show::run(args),
        KeysCommand::New(args) => new::run(args),
        KeysCommand::Enroll(args) => enroll::run(args),
        KeysCommand::Export(args) => export(args),
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Exported<'a> {
    /// The file that was written.
    saved: &'a Path,
}

/// The same file as `baton status --save` writes.
fn export(args: &ExportArgs) -> Result<()> {
    save_private(&args.file, saved_state::text()?.as_bytes(), args.force)?;
    if args.json {
        json::print(&Exported { saved: &args.file });
    } else {
        say!(
            "{}: what loads are judged by on this machine, as `baton status --save` writes it; give it to --saved-state",
            args.file.display()
        );
    }
    Ok(())
}
