//! The programs that must be installed on this machine, by the package that brings them.

use std::process::Command;

use anyhow::{Result, bail};

use crate::apt::Apt;
use crate::cache::Cache;
use crate::exec;

/// A program, and the Debian package it is in.
const TOOLS: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("mformat", "mtools"),
    ("mke2fs", "e2fsprogs"),
    ("sbsign", "sbsigntool"),
    ("osslsigncode", "osslsigncode"),
    ("openssl", "openssl"),
    ("xz", "xz-utils"),
    ("zstd", "zstd"),
    ("lz4", "lz4"),
    ("gzip", "gzip"),
    ("objcopy", "binutils"),
    ("dpkg-deb", "dpkg"),
    ("cc", "build-essential"),
    ("depmod", "kmod"),
    ("mkfs.xfs", "xfsprogs"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("mkfs.vfat", "dosfstools"),
    ("sfdisk", "fdisk"),
    ("tar", "tar"),
    ("mmdebstrap", "mmdebstrap"),
];

/// Sees that every tool is there: installs the missing ones as root, else names them.
pub fn ensure(cache: &Cache) -> Result<()> {
    let missing = missing();
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
    match self::missing() {
        left if left.is_empty() => Ok(()),
        left => bail!("still missing after installing: {}", left.join(" ")),
    }
}

fn missing() -> Vec<&'static str> {
    let mut packages: Vec<_> = TOOLS
        .iter()
        .filter(|(program, _)| !exec::is_installed(program))
        .map(|(_, package)| *package)
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

/// The release of cargo-deny that deny.toml is written for.
const CARGO_DENY: &str = "0.20.2";

/// Sees that `cargo deny` is there, which no Debian release has: cargo builds it, once.
pub fn cargo_deny() -> Result<()> {
    let cargo = || Command::new(crate::build::cargo());
    if exec::run(cargo().args(["deny", "--version"])).is_ok() {
        return Ok(());
    }
    eprintln!("building cargo-deny {CARGO_DENY} (once)");
    exec::run(cargo().args([
        "install",
        "--locked",
        "--quiet",
        "cargo-deny",
        "--version",
        CARGO_DENY,
    ]))
}
