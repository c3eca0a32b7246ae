//! Builds the capture program: static, since it is alone in its initramfs, and small, since that lies in
//! the memory that is reserved for a crash.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{TARGET, cargo, run};

/// Builds it from the sources in `root` into `root/target/capture`.
///
/// # Errors
/// When cargo fails, or the result can't be copied.
pub fn build(root: &Path) -> Result<PathBuf> {
    let target_dir = root.join("target/capture-build");
    run(Command::new(cargo())
        .current_dir(root)
        .args(["build", "--locked", "--package", "baton-capture"])
        .args(["--bin", "baton-capture", "--profile", "capture"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env_remove("CARGO_ENCODED_RUSTFLAGS"))
    .context("building baton-capture")?;
    let directory = root.join("target/capture");
    std::fs::create_dir_all(&directory)?;
    let program = directory.join("baton-capture");
    std::fs::copy(
        target_dir.join(TARGET).join("capture/baton-capture"),
        &program,
    )?;
    Ok(program)
}
