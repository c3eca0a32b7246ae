//! The command line of `baton dump`.

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use baton_kdump::encode::Compression;
use baton_kdump::filter::Level;
use clap::{Args, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

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
    /// Read every page of a dump, and compare it with its digest (DUMP.sha256, or the partition's)
    Check(CheckArgs),
    /// Write a dump in another format, compressed otherwise, or with less of the memory
    #[command(after_help = CONVERT_HELP, override_usage = CONVERT_USAGE)]
    Convert(ConvertArgs),
}

const FORMATS_HELP: &str = "\
A dump is an ELF core or kdump-compressed (zlib, lzo, snappy, zstd), flattened or not, as makedumpfile, QEMU
and Baton write them; of a split dump all parts are named. It is complete if every page is in it that should
be, and nothing else is wrong with it.";

const CONVERT_USAGE: &str = "\
baton dump convert [OPTIONS] <IN>... <OUT>
       baton dump convert [OPTIONS] <IN>... --output <FILE>";

const CONVERT_HELP: &str = "\
Levels are sums of what is left out: 1 pages of zeros, 2 page cache without private data, 4 all page
cache, 8 memory of processes, 16 free memory; 31 is all of it. What can't be told for certain is kept,
and said. Broken and offline memory is never read.
Of a dump that isn't complete, what there is is written, marked as incomplete, and the exit code is 1; pages
that are lost are left out and counted.";

impl DumpCommand {
    /// Whether the command was told to speak JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match self {
            DumpCommand::List(args) => args.json,
            DumpCommand::Info(args) => args.json,
            DumpCommand::Dmesg(args) => args.json,
            DumpCommand::Check(args) => args.json,
            DumpCommand::Convert(args) => args.json,
        }
    }
}

/// Where to look for dumps.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Folders that dumps are kept in, and partitions that they are written to [default: those in
    /// /etc/baton/crash.toml, or /var/crash]
    #[arg(value_name = "PLACE")]
    pub places: Vec<PathBuf>,
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

/// The format of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DumpFormat {
    /// kdump-compressed, as makedumpfile writes it
    Kdump,
    /// An ELF core, uncompressed
    Elf,
    /// kdump-compressed, as a stream that `makedumpfile -R` or this command puts in order
    Flattened,
}

/// What to convert, and into what.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// The dump to read (of a split dump, all parts), and, without --output, as the last one the dump to
    /// write
    #[arg(value_name = "IN", required = true)]
    files: Vec<PathBuf>,
    /// The dump to write; `-`, a FIFO and a device without offsets get it flattened
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file to write, if it is there
    #[arg(long)]
    pub force: bool,
    /// The format to write
    #[arg(long, value_enum, default_value = "kdump")]
    pub format: DumpFormat,
    /// How pages are compressed: zstd, zstd:LEVEL, zlib, zlib:LEVEL or none
    #[arg(long, value_name = "HOW", default_value = "zstd")]
    pub compress: Compression,
    /// What is left out, from 0 (nothing but broken memory) to 31
    #[arg(long, value_name = "LEVEL", default_value = "0", value_parser = level)]
    pub level: Level,
    /// How many threads share the work [default: one for each CPU]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl ConvertArgs {
    /// What to read, and what to write.
    ///
    /// # Errors
    /// When nothing is left to be written or read.
    pub fn files(&self) -> Result<(&[PathBuf], &Path)> {
        match (&self.output, &self.files[..]) {
            (Some(output), files) => Ok((files, output)),
            (None, [files @ .., output]) if !files.is_empty() => Ok((files, output)),
            (None, _) => Err(Failure::new(
                Exit::Usage,
                "usage",
                "no dump to write is named; name it with --output",
            )),
        }
    }
}

fn level(text: &str) -> std::result::Result<Level, String> {
    let number: u8 = text
        .parse()
        .map_err(|_| "a dump level is a number from 0 to 31".to_owned())?;
    Level::try_from(number).map_err(|error| error.to_string())
}
