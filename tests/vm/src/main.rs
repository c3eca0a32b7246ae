//! Virtual machines with real firmware and kernels: the scenarios, the demo, and what both are made of.

mod demo;
mod runner;
mod scenario;
mod scenarios;

use std::process::ExitCode;

use anyhow::Result;
use baton_lab::fetch::cache::Cache;
use baton_lab::setup::{self, Lab};
use clap::{Args, Parser, Subcommand};

/// Runs virtual machines.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch what the virtual machines are made of, and install missing tools (as root)
    Setup,
    /// Run the scenarios in virtual machines
    Vm(Wanted),
    /// Show a kexec through the gate, step by step
    Demo,
}

#[derive(Args)]
struct Wanted {
    /// The long matrix
    #[arg(long)]
    full: bool,
    /// Only scenarios whose names hold one of these, with commas between
    #[arg(long, value_delimiter = ',')]
    filter: Vec<String>,
    /// Machines at once; as many as processors and memory allow, if not given
    #[arg(long)]
    jobs: Option<usize>,
    /// Name them and run none
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    baton_xtask::exit_code(match Cli::parse().command {
        Command::Setup => set_up(),
        Command::Vm(wanted) => run(&wanted),
        Command::Demo => demo::run(),
    })
}

fn set_up() -> Result<()> {
    let fetched = setup::fetch(&Cache::open()?)?;
    println!("{}", fetched.cost);
    Ok(())
}

fn run(wanted: &Wanted) -> Result<()> {
    let mut lab = Lab::set_up()?;
    let is_named = |name: &str| wanted.filter.iter().any(|part| name.contains(part));
    let scenarios: Vec<_> = scenarios::all(&lab)
        .into_iter()
        .filter(|it| match wanted.filter.as_slice() {
            [] => wanted.full || !it.full,
            _ => is_named(&it.name),
        })
        .collect();
    if wanted.list {
        scenarios.iter().for_each(|it| println!("{}", it.name));
        return Ok(());
    }
    if scenarios.iter().any(|it| it.built) {
        lab.add_built_kernels()?;
    }
    runner::run(&lab, scenarios, wanted.jobs)
}
