//! The command line of `baton dump`.

use baton_kdump::encode::Compression;
use baton_kdump::filter::Level;
use clap::{Args, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// `baton dump …`
#[derive(Debug, Subcommand)]
pub enum DumpCommand {
    /// Write a dump in another format, compressed otherwise, or with less of the memory
    #[command(after_help = CONVERT_HELP)]
    Convert(ConvertArgs),
}

impl DumpCommand {
    /// Whether the command was told to speak JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match self {
            DumpCommand::Convert(args) => args.json,
        }
    }
}

const CONVERT_HELP: &str = "\
Levels are sums of what is left out: 1 pages of zeros, 2 page cache without private data, 4 all page
cache, 8 memory of processes, 16 free memory; 31 is all of it. What can't be told for certain is kept,
and said. Broken and offline memory is never read.";

/// The format of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DumpFormat {
    /// kdump-compressed, as makedumpfile writes it
    Kdump,
    /// An ELF core, uncompressed
    Elf,
    /// kdump-compressed, as a stream that makedumpfile -R or `baton dump convert` puts in order
    Flattened,
}

/// What to convert, and into what.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// The dump to read
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// The dump to write; `-` writes it to standard output, flattened
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// The format to write
    #[arg(long, value_enum, default_value = "kdump")]
    pub format: DumpFormat,
    /// How pages are compressed: zstd, zstd:LEVEL, zlib, zlib:LEVEL or none
    #[arg(long, value_name = "HOW", default_value = "zstd:1")]
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

fn level(text: &str) -> Result<Level, String> {
    let number: u8 = text
        .parse()
        .map_err(|_| "a dump level is a number from 0 to 31".to_owned())?;
    Level::try_from(number).map_err(|error| error.to_string())
}
