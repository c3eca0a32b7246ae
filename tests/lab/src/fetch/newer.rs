//! Programs that are newer than this system's: unpacked with all of their libraries, and run with those.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::fetch::apt::{self, Apt};

/// Where a package's libraries are.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// Unpacks a package and its libraries of the newest release.
pub fn unpack(apt: &Apt, package: &str, into: &Path) -> Result<()> {
    let mut wanted = apt.libraries(package, apt::NEWEST)?;
    wanted.push(package.to_owned());
    let newest = wanted.iter().map(|name| format!("{name}/{}", apt::NEWEST));
    apt.unpack_all(&newest.collect::<Vec<_>>(), into)
}

/// Where the libraries of such a tree are, and the dynamic linker.
pub fn libraries(tree: &Path) -> PathBuf {
    tree.join(LIBRARIES)
}

/// A program of that, started by the dynamic linker that came with it, which finds its libraries.
pub fn command(tree: &Path, program: &str) -> Command {
    let libraries = libraries(tree);
    let mut path = libraries.clone().into_os_string();
    // systemd's programs share a library that nobody else is to use.
    path.push(":");
    path.push(libraries.join("systemd"));
    let mut command = Command::new(libraries.join("ld-linux-x86-64.so.2"));
    command.arg("--library-path").arg(path);
    command.arg(tree.join(program));
    command
}
