//! The command line `baton`: loads, starts, signs and explains the next kernel.
//!
//! Data flows one way: files → formats → verdict (`baton_verify`) → [`plan`], which is pure → `baton_sys`.
//! The binary is a shell around [`run`].

#![deny(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
pub mod output;

pub mod certs;
pub mod cli;
pub mod cmdline;
pub mod crash;
pub mod der;
pub mod dump;
pub mod exec;
pub mod failure;
pub mod form;
pub mod gate;
pub mod inspect;
pub mod kernel_verdict;
pub mod keystore;
pub mod kind;
pub mod load;
pub mod machine;
pub mod manifest;
pub mod p7s;
pub mod parse;
pub mod parts;
pub mod pe_edit;
pub mod pem;
pub mod plan;
pub mod policy;
pub mod read;
pub mod revocations;
pub mod saved_state;
pub mod sign;
pub mod status;
pub mod trust_summary;
pub mod verify;

use cli::{Command, CrashCommand, GateCommand};
use failure::Result;
use failure::exit::Exit;

/// Reads the command line and does what it says; gives the exit code.
#[must_use]
pub fn run() -> Exit {
    let args: Vec<_> = std::env::args_os().collect();
    let cli = match parse::parse(&args) {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    let exit = match dispatch(&cli.command) {
        Ok(()) => Exit::Done,
        Err(failure) => {
            output::failure::print(&failure, cli.command.json());
            failure.exit()
        }
    };
    output::text::end(exit)
}

fn dispatch(command: &Command) -> Result<()> {
    match command {
        Command::Load(args) => load::run(&args.kernel, &args.options, false)
            .map(|loaded| loaded.print(&args.options, None)),
        Command::Exec(args) => exec::exec(args),
        Command::Unload(args) => exec::unload(args, false),
        Command::Status(args) => status::run(args),
        Command::Crash(CrashCommand::Load(args)) => crash::load::run(args),
        Command::Crash(CrashCommand::Unload(args)) => exec::unload(args, true),
        Command::Dump(command) => dump::run(command),
        Command::Crash(CrashCommand::Status(args)) => crash::status::run(args),
        Command::Gate(GateCommand::Build(args)) => gate::build(args),
        Command::Policy(command) => policy::run(command),
        Command::Sign(args) => sign::run(args),
        Command::Manifest(args) => manifest::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Verify(args) => verify::run(args),
    }
}
