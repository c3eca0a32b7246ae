//! Our own programs, built for the test machines: static, since there are no libraries.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use baton_xtask::{TARGET, capture, cargo, gate};

use crate::exec;

/// The programs under test.
pub struct Ours {
    /// `baton`, linked statically: it runs here and in the guests.
    pub baton: PathBuf,
    /// What captures a crash; the demo has none.
    pub capture: Option<PathBuf>,
    /// The gate's stub.
    pub stub: PathBuf,
}

/// What was built.
pub struct Programs {
    /// The guests' init, without which nothing can be tested.
    pub init: PathBuf,
    /// The rest, or why it couldn't be built.
    pub ours: Result<Ours, String>,
}

/// Builds them from the sources in `root`.
pub fn build(root: &Path) -> Result<Programs> {
    let mut programs = build_for_demo(root)?;
    programs.ours = programs.ours.and_then(|ours| {
        let capture = capture::build(root).map_err(|error| format!("{error:#}"))?;
        Ok(Ours {
            capture: Some(capture),
            ..ours
        })
    });
    Ok(programs)
}

/// The same without what captures a crash.
pub fn build_for_demo(root: &Path) -> Result<Programs> {
    let init = static_program(root, "baton-guest", "baton-guest")?;
    let ours = build_ours(root).map_err(|error| format!("{error:#}"));
    Ok(Programs { init, ours })
}

fn build_ours(root: &Path) -> Result<Ours> {
    Ok(Ours {
        baton: static_program(root, "baton", "baton")?,
        capture: None,
        stub: gate::build(root)?.image,
    })
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
