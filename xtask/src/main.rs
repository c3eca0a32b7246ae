//! Builds and signs the gate, runs the virtual machines and the demo. See ARCHITECTURE.md.

mod apt;
mod bench;
mod build;
mod cache;
mod capture;
mod console;
mod cpio;
mod demo;
mod differential;
mod disk;
mod exec;
mod extras;
mod figures;
mod forge;
mod gate;
mod image;
mod keys;
mod kvm;
mod lab;
mod machine;
mod modules;
mod packages;
mod payload;
mod peers;
mod programs;
mod python;
mod scenario;
mod screen;
mod sources;
mod symbols;
mod tools;
mod vm;
mod vmlinux;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Baton's own errands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch what the virtual machines are made of, and install missing tools (as root)
    Setup,
    /// Build the gate's stub into target/gate
    Gate {
        /// Build these sources instead of the ones this program is from
        #[arg(long)]
        root: Option<PathBuf>,
    },
    /// Build the capture program into target/capture
    Capture,
    /// Show the size of the gate and of the code that must be trusted, beside others'
    Figures,
    /// Run the scenarios in virtual machines
    Vm {
        /// The long matrix
        #[arg(long)]
        full: bool,
        /// Only scenarios whose name holds this
        #[arg(long)]
        filter: Option<String>,
        /// Machines at once; as many as processors and memory allow, if not given
        #[arg(long)]
        jobs: Option<usize>,
        /// Name them and run none
        #[arg(long)]
        list: bool,
    },
    /// Compare Authenticode digests and verdicts with sbverify's and osslsigncode's
    Differential,
    /// Time Baton against openssl and kexec-tools
    Bench {
        /// Only this
        part: Option<bench::Part>,
        #[command(flatten)]
        args: bench::Args,
    },
    /// Show a hand-over, step by step
    Demo,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Setup => {
            lab::fetch(&cache::Cache::open()?).map(|fetched| println!("{}", fetched.cost))
        }
        Command::Gate { root } => {
            let stub = gate::build(&root.map_or_else(build::root, Ok)?)?;
            println!("{}\n{}", stub.image.display(), stub.program.display());
            Ok(())
        }
        Command::Capture => {
            println!("{}", capture::build(&build::root()?)?.display());
            Ok(())
        }
        Command::Figures => {
            let root = build::root()?;
            figures::print(&root, &gate::build(&root)?)
        }
        Command::Vm {
            full,
            filter,
            jobs,
            list,
        } => {
            let lab = lab::Lab::set_up()?;
            let wanted = |name: &str| filter.as_deref().is_none_or(|part| name.contains(part));
            let scenarios: Vec<_> = scenario::all(&lab)
                .into_iter()
                .filter(|s| wanted(&s.name) && (full || !s.full || filter.is_some()))
                .collect();
            if list {
                scenarios.iter().for_each(|s| println!("{}", s.name));
                return Ok(());
            }
            scenario::runner::run(&lab, scenarios, jobs)
        }
        Command::Differential => differential::run(),
        Command::Bench { part, args } => bench::run(part, &args),
        Command::Demo => demo::run(),
    }
}
