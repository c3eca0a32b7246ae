//! The command line of `baton doctor`.

use crate::crash::args::CaptureSources;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// Starting another kernel by choice, and the keys that this depends on
    Load,
    /// Surviving a crash
    Crash,
}

/// Options of doctor.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Look at one of the two alone
    #[arg(value_enum, value_name = "WHAT")]
    pub only: Option<Only>,
    /// The gate to use [default: the installed one]
    #[arg(long, value_name = "FILE", env = "BATON_GATE")]
    pub gate: Option<PathBuf>,
    /// What the capture initramfs would be made from.
    #[command(flatten)]
    pub sources: CaptureSources,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Look at the machine described below this directory (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
}
