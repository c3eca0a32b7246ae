//! The command line of `baton exec`.

use clap::Args;

/// How to start the loaded kernel.
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// Start it at once after writing dirty data to the disks, without stopping services
    #[arg(long)]
    pub now: bool,
    /// Print one JSON object where it fails
    #[arg(long)]
    pub json: bool,
}
