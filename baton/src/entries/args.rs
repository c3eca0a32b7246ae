//! The command line of `baton entries`.

use clap::Args;
use std::path::PathBuf;

/// Options of entries.
#[derive(Debug, Args)]
pub struct EntriesArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Look at the machine described below this directory (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
}
