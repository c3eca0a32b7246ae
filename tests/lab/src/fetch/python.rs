//! Environments of Python with packages of its index.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::exec;
use crate::fetch::cache::{Cache, Entry};

/// An environment with these packages, made once.
pub fn environment(cache: &Cache, entry: Entry<'_>, packages: &[&str]) -> Result<PathBuf> {
    cache.once(entry, |draft| {
        exec::run(Command::new("python3").args(["-m", "venv"]).arg(draft))?;
        let mut pip = command(draft);
        pip.args(["-m", "pip", "install", "--quiet"]);
        pip.arg("--disable-pip-version-check").args(packages);
        exec::run(&mut pip).with_context(|| {
            let packages = packages.join(", ");
            format!("installing {packages} from the Python package index")
        })
    })
}

/// The environment's own Python.
pub fn command(environment: &Path) -> Command {
    Command::new(environment.join("bin/python3"))
}
