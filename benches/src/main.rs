//! Figures: timings against peers, and the size of what must be trusted.

mod bench;
mod figures;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures Baton.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the size of the gate and of the code that must be trusted, beside others'
    Figures {
        /// Write the gate's to docs/figures.md, too
        #[arg(long)]
        write: bool,
    },
    /// Count a checkout's lines of code, crate by crate, and its import circles
    Code {
        /// The checkout; this one unless given
        directory: Option<PathBuf>,
    },
    /// Time Baton against openssl and kexec-tools
    Bench {
        /// Only this
        part: Option<bench::Part>,
        #[command(flatten)]
        args: bench::Args,
    },
}

fn main() -> ExitCode {
    baton_xtask::exit_code(run(Cli::parse().command))
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Figures { write } => figures::print(&baton_xtask::root()?, write),
        Command::Code { directory } => {
            let here = baton_xtask::root()?;
            figures::code::print(&directory.unwrap_or(here))
        }
        Command::Bench { part, args } => bench::run(part, &args),
    }
}
