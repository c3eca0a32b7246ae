//! The command line `baton`: loads, starts, signs and explains the next kernel.
//!
//! Data flows one way: files → formats → verdict (`baton_verify`) → [`load::plan`], which is pure → `baton_sys`.
//! The binary is a shell around [`run`].

#![deny(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
pub mod output;

pub mod arch;
pub mod boot_count;
pub mod calendar;
pub mod certificate;
pub mod cli;
pub mod crash;
pub mod digest;
pub mod doctor;
pub mod dump;
pub mod encode;
pub mod entries;
pub mod exec;
pub mod failure;
pub mod finding;
pub mod gate;
pub mod handover;
pub mod input;
pub mod inspect;
pub mod kexec;
pub mod keys;
pub mod kind;
pub mod load;
pub mod machine;
pub mod manifest;
pub mod pkcs7;
pub mod policy;
pub mod readiness;
pub mod setup;
pub mod sign;
pub mod sign_all;
pub mod status;
pub mod store;
pub mod timing;
pub mod unload;
pub mod verdict;
pub mod verify;

#[cfg(test)]
mod schema;

use failure::exit::Exit;
use std::ffi::OsString;

/// Reads the command line and does what it says; gives the exit code.
#[must_use]
pub fn run() -> u8 {
    let args: Vec<_> = std::env::args_os().collect();
    match args.split_first() {
        Some((_, words)) if kexec::is_called(&args) => kexec::run::run(words),
        _ => run_own(&args).code(),
    }
}

fn run_own(args: &[OsString]) -> Exit {
    let cli = match cli::parse::parse(args) {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    output::terminal::choose(cli.color);
    let exit = match cli.command.run() {
        Ok(()) => Exit::Done,
        Err(failure) => {
            output::failure::print(&failure, cli.command.json());
            failure.exit()
        }
    };
    output::text::end(exit)
}
