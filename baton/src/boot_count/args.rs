//! The command line of `baton boot-count`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `baton boot-count …`
#[derive(Debug, Subcommand)]
pub enum BootCountCommand {
    /// Show which kernels were started and didn't come up so far
    Show(BootCountOptions),
    /// Forget it, so that they are loaded again
    Reset(ResetArgs),
    /// Count that what is loaded is about to be started (for the unit baton-boot-count.service)
    Attempt(BootCountOptions),
    /// Note that the running kernel came up (for the unit baton-boot-count.service)
    Good(BootCountOptions),
}

impl BootCountCommand {
    /// Whether the output is to be JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match self {
            BootCountCommand::Show(options)
            | BootCountCommand::Attempt(options)
            | BootCountCommand::Good(options) => options.json,
            BootCountCommand::Reset(args) => args.options.json,
        }
    }
}

/// Options of all of them.
#[derive(Debug, Args)]
pub struct BootCountOptions {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// The machine below this directory (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
}

/// Options of the reset.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The kernel, by its entry's ID or its path; without it, all
    pub kernel: Option<String>,
    /// Options.
    #[command(flatten)]
    pub options: BootCountOptions,
}
