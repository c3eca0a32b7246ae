//! Builds what is installed, installs it, and makes packages of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

pub mod capture;
pub mod deb;
pub mod gate;
pub mod install;
pub mod program;

/// What programs are built for.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The root of the checkout.
///
/// # Errors
/// When this crate lay in no directory, which can't be.
pub fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("xtask lies in no directory")?
        .to_path_buf())
}

/// The exit code of a program that ends so; an error is printed first.
#[must_use]
pub fn exit_code(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The cargo that runs us.
#[must_use]
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Where cargo keeps the sources of crates from elsewhere, in a directory for each registry.
///
/// # Errors
/// When nothing says where cargo's home is.
pub fn registry() -> Result<PathBuf> {
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let cargo_home = cargo_home.context("neither CARGO_HOME nor HOME is set")?;
    Ok(cargo_home.join("registry/src"))
}

/// Flags that keep the paths of the sources out of what is compiled, so that it is the same wherever they lie.
fn without_paths(root: &Path) -> Result<Vec<String>> {
    let mut flags = Vec::new();
    // Each registry has a directory of its own, whose name is no business of the program's.
    if let Ok(directories) = std::fs::read_dir(registry()?) {
        for directory in directories {
            flags.push(format!(
                "--remap-path-prefix={}=crates",
                directory?.path().display()
            ));
        }
    }
    flags.push(format!("--remap-path-prefix={}=baton", root.display()));
    Ok(flags)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("can't start {:?}", command.get_program()))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
