//! Kernels with debug symbols, which crash(8) needs: hundreds of megabytes each, fetched where something
//! asks for one.

use fs_err::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::exec;
use crate::fetch::apt::{Apt, Releases};
use crate::fetch::cache::{Cache, Entry};
use crate::fetch::packages::Kernel;

/// One at a time: two machines may ask for the same.
static FETCHING: Mutex<()> = Mutex::new(());

/// The ELF kernel with symbols, in the cache.
pub fn vmlinux(cache: &Cache, kernel: &Kernel) -> Result<PathBuf> {
    let _one = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = cache.once(Entry::Symbols(&kernel.release), |draft| {
        eprintln!(
            "fetching the debug symbols of Linux {} (once)",
            kernel.label
        );
        let apt = Apt::for_downloads(cache, Releases::WithNewest)?;
        let package = apt.download(&format!("linux-image-{}-dbg", kernel.release), draft)?;
        let member = member(&package)?;
        extract(&package, &member, &draft.join("vmlinux"))?;
        Ok(std::fs::remove_file(package)?)
    })?;
    Ok(directory.join("vmlinux"))
}

/// The kernel's name in the package: the one that is no symbolic link.
fn member(package: &Path) -> Result<String> {
    let list = exec::output(Command::new("dpkg-deb").arg("--contents").arg(package))?;
    let mut files = list.lines().filter(|line| line.starts_with('-'));
    let line = files.find(|line| line.contains("/vmlinux"));
    let line = line.context("the package of debug symbols has no vmlinux")?;
    let name = line.split_whitespace().nth(5);
    Ok(name.context("dpkg-deb lists files otherwise")?.to_owned())
}

/// One file of a package: unpacking it whole would take ten times the room.
fn extract(package: &Path, member: &str, into: &Path) -> Result<()> {
    let mut tar = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(Stdio::piped())
        .spawn()?;
    let archive = tar.stdout.take().context("no pipe")?;
    let status = Command::new("tar")
        .args(["-x", "-O", "-f", "-", "--occurrence=1", member])
        .stdin(archive)
        .stdout(File::create(into)?.into_file())
        .status()?;
    // It is cut off as soon as tar has what it wants.
    tar.wait()?;
    ensure!(status.success(), "tar ended with {status}");
    Ok(())
}
