//! The command line of `baton status`.

use clap::Args;
use std::path::PathBuf;

/// Options of status.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Look at the machine described below this directory (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
    /// Also save what loads are judged by on this machine to a file, for `--saved-state` on another
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    pub save: Option<PathBuf>,
    /// Replace the file that is to be saved to, if it is there
    #[arg(long, requires = "save")]
    pub force: bool,
}
