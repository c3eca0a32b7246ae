//! The program `baton`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(baton_cli::run().code())
}
