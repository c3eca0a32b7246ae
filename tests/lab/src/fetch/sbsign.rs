//! systemd-sbsign, which signs with keys that are elsewhere in the same two steps as `baton sign`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::fetch::apt::{Apt, Releases};
use crate::fetch::cache::{Cache, Entry};
use crate::fetch::newer;

/// The package that it is in.
const PACKAGE: &str = "systemd-repart";

/// Where it is.
#[derive(Debug, Clone)]
pub struct SystemdSbsign(PathBuf);

impl SystemdSbsign {
    /// Fetches it, once.
    pub fn fetch(cache: &Cache) -> Result<SystemdSbsign> {
        Ok(SystemdSbsign(cache.once(
            Entry::SystemdSbsign,
            |draft| {
                let apt = Apt::for_downloads(cache, Releases::WithNewest)?;
                newer::unpack(&apt, PACKAGE, draft)
            },
        )?))
    }

    /// The program.
    pub fn command(&self) -> Command {
        newer::command(&self.0, "usr/lib/systemd/systemd-sbsign")
    }
}
