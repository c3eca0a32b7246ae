//! Programs of others that read and write crash dumps, newer than this system's.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::exec;
use crate::fetch::apt::{Apt, Releases};
use crate::fetch::cache::{Cache, Entry};
use crate::fetch::newer;

/// A program, and the package that it is in.
const PROGRAMS: &[(&str, &str)] = &[
    ("makedumpfile", "makedumpfile"),
    ("kdumpid", "libkdumpfile-utils"),
    ("crash", "crash"),
];

/// Where they are.
#[derive(Debug, Clone)]
pub struct Peers(PathBuf);

impl Peers {
    /// Fetches them, once.
    pub fn fetch(cache: &Cache) -> Result<Peers> {
        Ok(Peers(cache.once(Entry::DumpPeers, |draft| {
            let apt = Apt::for_downloads(cache, Releases::WithNewest)?;
            for (_, package) in PROGRAMS {
                newer::unpack(&apt, package, &draft.join(package))?;
            }
            Ok(())
        })?))
    }

    /// makedumpfile, which filters dumps.
    pub fn makedumpfile(&self) -> Command {
        self.program("makedumpfile")
    }

    /// kdumpid, which opens a dump with libkdumpfile and says what it is.
    pub fn kdumpid(&self) -> Command {
        self.program("kdumpid")
    }

    /// crash, which reads a dump with the kernel's debug symbols.
    pub fn crash(&self) -> Command {
        self.program("crash")
    }

    fn program(&self, name: &str) -> Command {
        let package = PROGRAMS.iter().find(|(program, _)| *program == name);
        let tree = self.0.join(package.map_or(name, |(_, package)| package));
        newer::command(&tree, &format!("usr/bin/{name}"))
    }
}

/// What a program wrote to both of its outputs; an error, with that, if it failed.
pub fn said(command: &mut Command) -> Result<String> {
    let out = command.output()?;
    let mut text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&out.stderr));
    if !out.status.success() {
        bail!(
            "{} failed ({}): {}",
            exec::words(command),
            out.status,
            text.trim()
        );
    }
    Ok(text)
}
