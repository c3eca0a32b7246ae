//! The program `baton`, which is `kexec` where it is called so; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(baton_cli::run())
}
