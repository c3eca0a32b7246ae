//! The programs that must be installed on this machine, by the package that brings them.

use std::process::Command;

use anyhow::{Result, bail};

use crate::exec;
use crate::fetch::apt::Apt;
use crate::fetch::cache::Cache;

/// What needs a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The demo, and all else.
    Demo,
    /// All but the demo.
    Suite,
    /// Baton's own packages, which are built for the long matrix alone.
    Packages,
}

/// A program, or the path of a file, the Debian package it is in, and what needs it.
const TOOLS: &[(&str, &str, Need)] = &[
    ("qemu-system-x86_64", "qemu-system-x86", Need::Demo),
    ("mformat", "mtools", Need::Demo),
    ("mke2fs", "e2fsprogs", Need::Demo),
    ("sbsign", "sbsigntool", Need::Demo),
    ("osslsigncode", "osslsigncode", Need::Suite),
    ("evmctl", "ima-evm-utils", Need::Suite),
    ("softhsm2-util", "softhsm2", Need::Suite),
    ("pkcs11-tool", "opensc", Need::Suite),
    ("shellcheck", "shellcheck", Need::Suite),
    ("script", "bsdutils", Need::Suite),
    ("openssl", "openssl", Need::Demo),
    ("xz", "xz-utils", Need::Demo),
    ("zstd", "zstd", Need::Demo),
    ("lz4", "lz4", Need::Suite),
    ("gzip", "gzip", Need::Demo),
    ("objcopy", "binutils", Need::Demo),
    ("dpkg-deb", "dpkg", Need::Demo),
    ("cc", "build-essential", Need::Demo),
    ("depmod", "kmod", Need::Demo),
    ("mkfs.xfs", "xfsprogs", Need::Suite),
    ("mkfs.btrfs", "btrfs-progs", Need::Suite),
    ("mkfs.vfat", "dosfstools", Need::Suite),
    ("sfdisk", "fdisk", Need::Demo),
    ("tar", "tar", Need::Suite),
    ("git", "git", Need::Suite),
    ("flex", "flex", Need::Suite),
    ("bison", "bison", Need::Suite),
    ("bc", "bc", Need::Suite),
    ("/usr/include/libelf.h", "libelf-dev", Need::Suite),
    ("/usr/include/openssl/ssl.h", "libssl-dev", Need::Suite),
    ("mmdebstrap", "mmdebstrap", Need::Suite),
    ("dh", "debhelper", Need::Packages),
    ("dpkg-buildpackage", "dpkg-dev", Need::Packages),
    ("dpkg-scanpackages", "dpkg-dev", Need::Packages),
];

/// Sees that every tool is there: installs the missing ones as root, else names them.
pub fn ensure(cache: &Cache, need: Need) -> Result<()> {
    let missing = missing(need);
    if missing.is_empty() {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "packages are missing; as root: apt-get install --no-install-recommends {}",
            missing.join(" ")
        );
    }
    eprintln!("installing {}", missing.join(" "));
    let apt = Apt::for_tools(cache)?;
    apt.update()?;
    apt.install(&missing)?;
    match self::missing(need) {
        left if left.is_empty() => Ok(()),
        left => bail!("still missing after installing: {}", left.join(" ")),
    }
}

fn missing(need: Need) -> Vec<&'static str> {
    let mut packages: Vec<_> = TOOLS
        .iter()
        .filter(|(program, _, by)| *by <= need && !exec::is_installed(program))
        .map(|(_, package, _)| *package)
        .collect();
    if !has_venv() {
        packages.push("python3-venv");
    }
    packages
}

/// Python's venv module is there without ensurepip, which it needs, where Debian's package is missing.
fn has_venv() -> bool {
    exec::run(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_ok()
}
