//! Builds our own programs as the test machines need them: static, since there are no libraries.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::exec;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The root of the checkout.
pub fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("xtask lies in no folder")?
        .to_path_buf())
}

/// The cargo that runs us.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A program of the workspace, linked statically.
pub fn static_program(root: &Path, package: &str, program: &str) -> Result<PathBuf> {
    let target_dir = root.join("target/static");
    exec::run(
        Command::new(cargo())
            .current_dir(root)
            .args([
                "build",
                "--release",
                "--locked",
                "--package",
                package,
                "--bin",
                program,
            ])
            .args(["--target", TARGET, "--target-dir"])
            .arg(&target_dir)
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            // Optimising across crates takes most of the time, and tests gain nothing by it.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env_remove("CARGO_ENCODED_RUSTFLAGS"),
    )
    .with_context(|| format!("building {package}"))?;
    Ok(target_dir.join(TARGET).join("release").join(program))
}
