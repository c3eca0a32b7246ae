//! Watchdogs: timers that reset the machine unless somebody feeds them (Documentation/watchdog/watchdog-api.rst), as
//! `/sys/class/watchdog` shows them (Documentation/ABI/testing/sysfs-class-watchdog).

use crate::Root;
use crate::file::names_in;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A watchdog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watchdog {
    /// What its driver calls it, as `iTCO_wdt`.
    pub identity: String,
    /// Somebody has started it.
    pub is_active: bool,
    /// How long it waits to be fed; `None` if it doesn't say.
    pub timeout: Option<Duration>,
    /// The directory of the device that it is a part of; `None` where its driver doesn't say.
    pub device: Option<PathBuf>,
    /// Its node in `/dev`.
    pub node: PathBuf,
}

/// The identity of the one that the kernel makes of its own timers, which end with the kernel
/// (drivers/watchdog/softdog.c).
pub const SOFTWARE: &str = "Software Watchdog";

/// What the kernel calls IPMI's watchdog, which has its node and no place in the class
/// (drivers/char/ipmi/ipmi_watchdog.c).
pub const IPMI: &str = "ipmi_watchdog";

/// All watchdogs; none where `/sys` isn't mounted.
#[must_use]
pub fn all(root: &Root) -> Vec<Watchdog> {
    let names = names_in(&root.join("sys/class/watchdog"));
    let mut all: Vec<_> = names.iter().map(|name| of_class(root, name)).collect();
    all.extend(ipmi(root));
    all
}

fn of_class(root: &Root, name: &str) -> Watchdog {
    let directory = format!("sys/class/watchdog/{name}");
    let text = |file: &str| {
        let text = root.read_text(&format!("{directory}/{file}")).ok()??;
        Some(text.trim().to_owned())
    };
    let device = root.join(&directory).join("device");
    Watchdog {
        identity: text("identity").unwrap_or_else(|| name.to_owned()),
        is_active: text("state").as_deref() == Some("active"),
        timeout: text("timeout")
            .and_then(|it| it.parse().ok())
            .map(Duration::from_secs),
        device: device.exists().then_some(device),
        node: Path::new("/dev").join(name),
    }
}

/// Its module is in use while its node is open. It waits 10 s unless it is told otherwise.
fn ipmi(root: &Root) -> Option<Watchdog> {
    let module = format!("sys/module/{IPMI}");
    let users = root.read_number(&format!("{module}/refcnt")).ok()??;
    let timeout = root.read_number(&format!("{module}/parameters/timeout"));
    let timeout = timeout.ok().flatten().and_then(|it| u64::try_from(it).ok());
    Some(Watchdog {
        identity: IPMI.to_owned(),
        is_active: users > 0,
        timeout: Some(Duration::from_secs(timeout.unwrap_or(10))),
        device: Some(root.join(module)),
        node: PathBuf::from("/dev/watchdog"),
    })
}

/// An open watchdog: it runs.
#[derive(Debug)]
pub struct OpenWatchdog(File);

impl OpenWatchdog {
    /// Opens it, which starts it.
    ///
    /// # Errors
    /// When it isn't there, or somebody else has it open.
    pub fn open(node: &Path) -> io::Result<OpenWatchdog> {
        OpenOptions::new().write(true).open(node).map(OpenWatchdog)
    }

    /// Feeds it.
    ///
    /// # Errors
    /// The error of the driver.
    pub fn feed(&mut self) -> io::Result<()> {
        // Any byte but that which stops it.
        self.0.write_all(&[0])
    }

    /// Stops it, unless its driver was told that nobody may (`nowayout`).
    ///
    /// # Errors
    /// The error of the driver.
    pub fn stop(&mut self) -> io::Result<()> {
        self.0.write_all(b"V")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn watchdogs_say_what_they_are_and_whether_they_run() {
        let at = |file: &str| format!("sys/class/watchdog/{file}");
        let root = TestRoot::new()
            .with(&at("watchdog0/identity"), "iTCO_wdt\n")
            .with(&at("watchdog0/state"), "active\n")
            .with(&at("watchdog0/timeout"), "30\n")
            .with(&at("watchdog0/device/modalias"), "platform:iTCO_wdt\n")
            .with(&at("watchdog1/identity"), "Software Watchdog\n")
            .with(&at("watchdog1/state"), "inactive\n");
        let found = all(&root.root());
        let [hardware, software] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(hardware.identity, "iTCO_wdt");
        assert!(hardware.is_active && hardware.device.is_some());
        assert_eq!(hardware.timeout, Some(Duration::from_secs(30)));
        assert_eq!(hardware.node, Path::new("/dev/watchdog0"));
        assert!(!software.is_active && software.device.is_none());
    }

    #[test]
    fn that_of_ipmi_runs_while_its_module_is_in_use() {
        let used = |count: &str| {
            let root = TestRoot::new().with("sys/module/ipmi_watchdog/refcnt", count);
            all(&root.root())
        };
        assert!(used("1\n")[0].is_active && !used("0\n")[0].is_active);
        assert!(all(&TestRoot::new().root()).is_empty());
    }

    #[test]
    fn a_watchdog_is_fed_and_stopped_by_what_is_written_to_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut watchdog = OpenWatchdog::open(file.path()).unwrap();
        watchdog.feed().unwrap();
        watchdog.feed().unwrap();
        watchdog.stop().unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), b"\0\0V");
    }
}
