//! The command line of `baton crash`.

use crate::load::args::LoadOptions;
use crate::unload::args::UnloadArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Where the capture program lies when nothing else is said.
pub const DEFAULT_CAPTURE: &str = "/usr/lib/baton/capture";

/// `baton crash …`
#[derive(Debug, Subcommand)]
pub enum CrashCommand {
    /// Load a kernel to take over after a panic: one of your own, or one that writes a dump
    Load(Box<CrashLoadArgs>),
    /// Unload the crash kernel
    Unload(UnloadArgs),
    /// Say whether a crash now would be captured, where to, and what is missing
    Status(CrashStatusArgs),
}

impl CrashCommand {
    /// Whether the output is to be JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match self {
            CrashCommand::Load(args) => args.options.json,
            CrashCommand::Unload(args) => args.json,
            CrashCommand::Status(args) => args.json,
        }
    }
}

/// What to load for a crash.
#[derive(Debug, Args)]
pub struct CrashLoadArgs {
    /// The kernel to load, of any format that `baton load` takes. Without it the running kernel is loaded,
    /// with a capture initramfs that is made here, as CONFIG says
    pub kernel: Option<PathBuf>,
    /// Where the capture initramfs is made from.
    #[command(flatten)]
    pub sources: CaptureSources,
    /// Also write the capture initramfs to a file
    #[arg(long, value_name = "FILE", conflicts_with = "kernel", group = "saved")]
    pub save_initrd: Option<PathBuf>,
    /// Load only if what would be loaded isn't loaded already
    #[arg(long, conflicts_with_all = ["kernel", "dry_run"])]
    pub if_changed: bool,
    /// What goes with it, and how.
    #[command(flatten)]
    pub options: LoadOptions,
}

/// Where a capture initramfs is made from.
#[derive(Debug, Clone, Args)]
pub struct CaptureSources {
    /// Where dumps go and how they are written; without it the file system of /var/crash is used
    /// [default: /etc/baton/crash.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The capture program
    #[arg(long, value_name = "FILE", env = "BATON_CAPTURE", default_value = DEFAULT_CAPTURE)]
    pub capture: PathBuf,
}

/// Options of the status of crash dumps.
#[derive(Debug, Args)]
pub struct CrashStatusArgs {
    /// What the capture initramfs would be made from now.
    #[command(flatten)]
    pub sources: CaptureSources,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Look at the machine described below this directory (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
}
