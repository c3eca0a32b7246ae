//! Builds the `baton` program as it is installed: linked to the system's C library, the same bytes wherever the
//! sources lie.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{TARGET, cargo, run, without_paths};

/// Builds it from the sources in `root` into `root/target/program`.
///
/// # Errors
/// When cargo fails, or the result can't be copied.
pub fn build(root: &Path) -> Result<PathBuf> {
    let target_dir = root.join("target/program-build");
    run(Command::new(cargo())
        .current_dir(root)
        .args(["build", "--release", "--locked", "--package", "baton"])
        .args(["--bin", "baton", "--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", without_paths(root)?.join("\x1f")))
    .context("building baton")?;
    let directory = root.join("target/program");
    std::fs::create_dir_all(&directory)?;
    let program = directory.join("baton");
    std::fs::copy(target_dir.join(TARGET).join("release/baton"), &program)?;
    Ok(program)
}
