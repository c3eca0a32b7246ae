//! The command line of `baton dump`.

use crate::exit;
use clap::{Args, Subcommand};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Where dumps are kept when nothing else is said.
pub const DEFAULT_FOLDER: &str = "/var/crash";

/// `baton dump …`
#[derive(Debug, Subcommand)]
pub enum DumpCommand {
    /// List the dumps that are kept: when, which kernel, why, how large, whether complete
    List(ListArgs),
    /// Say what crashed, when and why, and how much of it the dump holds
    #[command(after_help = FORMATS_HELP)]
    Info(InfoArgs),
    /// Print the kernel log of the kernel that crashed
    #[command(after_help = FORMATS_HELP)]
    Dmesg(DmesgArgs),
    /// Read every page of a dump, and compare it with the digest beside it (DUMP.sha256)
    #[command(after_help = exit::help())]
    Check(CheckArgs),
}

const FORMATS_HELP: &str = "\
A dump is an ELF core or kdump-compressed (zlib, lzo, snappy, zstd), flattened or not, as makedumpfile and
Baton write them; of a split dump all parts are named.";

impl DumpCommand {
    /// Whether the command was told to speak JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match self {
            DumpCommand::List(args) => args.json,
            DumpCommand::Info(args) => args.json,
            DumpCommand::Dmesg(args) => args.json,
            DumpCommand::Check(args) => args.json,
        }
    }
}

/// Where to look for dumps.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Folders that dumps are kept in
    #[arg(value_name = "DIR", default_value = DEFAULT_FOLDER)]
    pub folders: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Which dump to tell of.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// The dump
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Which log to print.
#[derive(Debug, Args)]
pub struct DmesgArgs {
    /// The dump
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Also say who logged each message: a thread (T) or a CPU (C)
    #[arg(long)]
    pub callers: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Which dump to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The dump
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// How many threads share the work [default: one for each CPU]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
