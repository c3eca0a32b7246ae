//! Figures: timings against peers, and the size of what must be trusted.

mod bench;
mod figures;

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
        Command::Bench { part, args } => bench::run(part, &args),
    }
}
