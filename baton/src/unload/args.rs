//! The command line of `baton unload` and `baton crash unload`.

use clap::Args;

/// Options of unload.
#[derive(Debug, Args)]
pub struct UnloadArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
