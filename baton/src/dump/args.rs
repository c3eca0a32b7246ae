//! The command line of `baton dump`.

use crate::failure::Result;
use crate::failure::dump::DumpFailure;
use crate::output::file;
use baton_kdump::convert::PageStructs;
use baton_kdump::encode::Compression;
use baton_kdump::filter::{Level, OnDoubt};
use clap::{Args, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// `baton dump …`
#[derive(Debug, Subcommand)]
pub enum DumpCommand {
    /// List dumps with their time, kernel, panic, size and completeness
    List(ListArgs),
    /// Show what crashed, when and why, and how much of its memory the dump holds
    #[command(after_help = FORMATS_HELP)]
    Info(InfoArgs),
    /// Print the kernel log of the kernel that crashed
    #[command(after_help = FORMATS_HELP)]
    Dmesg(DmesgArgs),
    /// Read every page of a dump, and compare the dump with its digest (DUMP.sha256, or the partition's)
    Check(CheckArgs),
    /// Convert a dump to another format or compression, or leave out more of its memory
    #[command(after_help = CONVERT_HELP, override_usage = CONVERT_USAGE)]
    Convert(ConvertArgs),
}

const FORMATS_HELP: &str = "\
A dump is an ELF core or kdump-compressed (zlib, lzo, snappy, zstd), flattened or not, as makedumpfile, QEMU
and Baton write them; for a split dump, name all parts. A directory stands for the one dump in it. A dump is complete if it has every page that it should
have and no other flaw.";

const CONVERT_USAGE: &str = "\
baton dump convert [OPTIONS] <IN>... <OUT>
       baton dump convert [OPTIONS] <IN>... --output <FILE>";

const CONVERT_HELP: &str = "\
A level is the sum of what is left out: 1 zero pages, 2 page cache without private data, 4 all page cache,
8 memory of processes, 16 free memory; 31 leaves out all of these. A page whose type isn't certain is kept,
with a warning, unless --on-doubt says otherwise. Broken and offline memory is never read.
From an incomplete dump everything that exists is written, marked as incomplete, and the exit code is 1; lost
pages are left out and counted.";

impl DumpCommand {
    /// Whether the output is to be JSON.
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

/// The places to search for dumps.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Directories that hold dumps, and partitions that dumps are written to [default: those in
    /// /etc/baton/crash.toml, or /var/crash]
    #[arg(value_name = "PLACE")]
    pub places: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The dump to describe.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// The dump, or its directory
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The log to print.
#[derive(Debug, Args)]
pub struct DmesgArgs {
    /// The dump, or its directory
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Also show who logged each message: a thread (T) or a CPU (C)
    #[arg(long)]
    pub callers: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The dump to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The dump, or its directory
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The number of threads [default: one for each CPU]
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

/// The dump to convert, and the result.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// The dump to read (for a split dump, all parts); without --output, the last one is the dump to write
    #[arg(value_name = "IN", required = true)]
    files: Vec<PathBuf>,
    /// The dump to write; flattened if this is `-`, a FIFO or a device that can't seek
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write N files instead of one, FILE.1 to FILE.N, each with a part of the pages, as makedumpfile --split does
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=100))]
    split: Option<u16>,
    /// Replace the file to write if it exists
    #[arg(long)]
    pub force: bool,
    /// The format to write
    #[arg(long, value_enum, default_value = "kdump")]
    pub format: DumpFormat,
    /// The compression of pages: zstd, zstd:LEVEL, zlib, zlib:LEVEL or none
    #[arg(long, value_name = "HOW", default_value = "zstd")]
    pub compress: Compression,
    /// What to leave out, from 0 (only broken memory) to 31
    #[arg(long, value_name = "LEVEL", default_value = "0", value_parser = level)]
    pub level: Level,
    /// What becomes of pages of which it can't be told whether the level leaves them out: keep them, drop them, or, if
    /// there are any, write the kernel log alone (keep, drop, log-only)
    #[arg(long, value_name = "WHAT", default_value = "keep")]
    pub on_doubt: OnDoubt,
    /// Leave out page structures (struct page) that describe only pages that are left out, too, from level 2 on: 1.6 % of
    /// the memory. crash then warns, and its `kmem -f` and `kmem -p` lack those pages
    #[arg(long)]
    pub leave_out_structs: bool,
    /// The number of threads [default: one for each CPU]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl ConvertArgs {
    /// Which page structures are dumped.
    ///
    /// # Errors
    /// When the format can't do without some.
    pub fn page_structs(&self) -> Result<PageStructs> {
        match (self.leave_out_structs, self.format) {
            (false, _) => Ok(PageStructs::All),
            (true, DumpFormat::Kdump | DumpFormat::Flattened) => Ok(PageStructs::OfDumped),
            (true, DumpFormat::Elf) => Err(DumpFailure::StructsOfElf.into()),
        }
    }

    /// The files to read and the file to write.
    ///
    /// # Errors
    /// When either is missing.
    pub fn files(&self) -> Result<(&[PathBuf], &Path)> {
        match (&self.output, &self.files[..]) {
            (Some(output), files) => Ok((files, output)),
            (None, [files @ .., output]) if !files.is_empty() => Ok((files, output)),
            (None, _) => Err(DumpFailure::NoOutput.into()),
        }
    }
}

impl ConvertArgs {
    /// The files that are written in place of `output`, if the dump is split.
    ///
    /// # Errors
    /// When it can't be.
    pub fn parts(&self, output: &Path) -> Result<Vec<PathBuf>> {
        let Some(count) = self.split else {
            return Ok(Vec::new());
        };
        let with = match self.format {
            DumpFormat::Elf => Some("--format elf"),
            DumpFormat::Flattened => Some("--format flattened"),
            DumpFormat::Kdump => file::is_stdout(output).then_some("standard output"),
        };
        if let Some(with) = with {
            return Err(DumpFailure::Unsplittable { with }.into());
        }
        Ok((1..=count).map(|it| part(output, it)).collect())
    }
}

/// The name of a part.
fn part(output: &Path, number: u16) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn level(text: &str) -> std::result::Result<Level, String> {
    let number: u8 = text
        .parse()
        .map_err(|_| "a dump level is a number from 0 to 31".to_owned())?;
    Level::try_from(number).map_err(|error| error.to_string())
}
