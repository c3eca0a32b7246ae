//! The disk with what is installed later: Baton's packages, the same once more with a higher version, and a repository of
//! the distribution's own packages.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use fs_err as fs;

use crate::exec;
use crate::fetch::cache::Cache;
use crate::fetch::tools::{self, Need};
use crate::image::disk;

/// Its file system's label.
pub const LABEL: &str = "packages";

/// Where the packages of a higher version are on it.
pub const UPGRADED: &str = "upgraded";

/// Baton's packages, where this run has built them.
static BUILT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Builds Baton's packages from the sources in `root`, once in a run; whoever else wants them waits.
pub fn packages(cache: &Cache, root: &Path) -> Result<Vec<PathBuf>> {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if built.is_empty() {
        tools::ensure(cache, Need::Packages)?;
        *built = baton_xtask::deb::build(root).context("building Baton's packages")?;
    }
    Ok(built.clone())
}

/// Makes the disk in `directory`, with Baton's packages, and those in `later`.
pub fn make(packages: &[PathBuf], later: &Path, directory: &Path) -> Result<PathBuf> {
    let tree = directory.join(LABEL);
    let upgraded = tree.join(UPGRADED);
    fs::create_dir_all(&upgraded)?;
    for entry in fs::read_dir(later)? {
        let path = entry?.path();
        fs::copy(&path, tree.join(path.file_name().unwrap_or_default()))?;
    }
    // Before Baton's packages are there, which aren't taken from the repository.
    let index = exec::output(
        Command::new("dpkg-scanpackages")
            .current_dir(&tree)
            .args(["--multiversion", "."]),
    )?;
    fs::write(tree.join("Packages"), index)?;
    for package in packages {
        let name = format!("{}.deb", field(package, "Package")?);
        fs::copy(package, tree.join(&name))?;
        raise(package, &upgraded.join(name), &directory.join("raised"))?;
    }
    let image = directory.join(format!("{LABEL}.img"));
    disk::ext4(&image, &tree)?;
    fs::remove_dir_all(tree)?;
    Ok(image)
}

fn field(package: &Path, name: &str) -> Result<String> {
    let mut command = Command::new("dpkg-deb");
    let value = exec::output(command.arg("--field").arg(package).arg(name))?;
    Ok(value.trim().to_owned())
}

/// Packs a package anew, with a higher version.
fn raise(package: &Path, to: &Path, work: &Path) -> Result<()> {
    let mut unpack = Command::new("dpkg-deb");
    exec::run(unpack.arg("--raw-extract").arg(package).arg(work))?;
    let version = field(package, "Version")?;
    let control = work.join("DEBIAN/control");
    // Packages of one source depend on each other by their version.
    let text = fs::read_to_string(&control)?.replace(&version, &format!("{version}+raised"));
    fs::write(&control, text)?;
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--root-owner-group", "-Zgzip", "-z1", "--build"]);
    exec::run(pack.arg(work).arg(to))?;
    ensure!(field(to, "Version")? != version, "{version} wasn't raised");
    Ok(fs::remove_dir_all(work)?)
}
