//! Our own programs, built for the test machines.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{build, capture, gate};

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
    let init = build::static_program(root, "baton-guest", "baton-guest")?;
    let ours = build_ours(root).map_err(|error| format!("{error:#}"));
    Ok(Programs { init, ours })
}

fn build_ours(root: &Path) -> Result<Ours> {
    Ok(Ours {
        baton: build::static_program(root, "baton", "baton")?,
        capture: None,
        stub: gate::build(root)?.image,
    })
}
