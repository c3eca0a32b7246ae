//! The watchdogs that run: unless a capture feeds them, they reset the machine in the middle of a dump.

use super::needs::Needs;
use baton_sys::Root;
use baton_sys::watchdog::{self, IPMI, SOFTWARE, Watchdog};

/// What a capture does of the watchdogs that run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Watchdogs {
    /// The identities of those that it feeds.
    pub fed: Vec<String>,
    /// What a person should know of the others.
    pub notes: Vec<String>,
}

impl Watchdogs {
    /// Finds them, and adds their drivers' modules.
    #[must_use]
    pub fn find(root: &Root, needs: &mut Needs<'_>) -> Watchdogs {
        let mut found = Watchdogs::default();
        let counts = |it: &Watchdog| it.is_active && it.identity != SOFTWARE;
        for watchdog in watchdog::all(root).into_iter().filter(counts) {
            let identity = watchdog.identity.as_str();
            let added = needs.all_or_nothing(|needs| match (identity, &watchdog.device) {
                (IPMI, _) => needs.ipmi_watchdog(root),
                (_, Some(device)) => needs.watchdog(device, identity),
                (_, None) => needs.open_watchdogs(root, identity),
            });
            match added {
                Ok(()) => found.fed.push(watchdog.identity),
                Err(problem) => found.notes.push(note(&watchdog, &problem.to_string())),
            }
        }
        found
    }
}

fn note(watchdog: &Watchdog, problem: &str) -> String {
    let seconds = watchdog.timeout.map_or_else(
        || "soon".to_owned(),
        |timeout| format!("{} s", timeout.as_secs()),
    );
    format!(
        "the watchdog {} is running and can't be fed during a capture: it resets the machine {seconds} after a crash ({problem})",
        watchdog.identity
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::{Fake, RELEASE};
    use baton_sys::modules::Index;

    fn find(fake: &Fake) -> (Watchdogs, Vec<String>) {
        let index = Index::read(&fake.root(), RELEASE).unwrap().unwrap();
        let mut needs = Needs::new(&index, true);
        let found = Watchdogs::find(&fake.root(), &mut needs);
        (found, needs.into_order())
    }

    /// A watchdog that runs, whose device has this driver.
    fn running(identity: &str, module: &str) -> Fake {
        let at = |file: &str| format!("sys/class/watchdog/watchdog0/{file}");
        let fake = Fake::new()
            .with_modules()
            .file(&at("identity"), format!("{identity}\n"))
            .file(&at("state"), "active\n")
            .file(&at("timeout"), "30\n");
        let device = "sys/devices/pci0000:00/0000:00:1f.0/watchdog.0.auto";
        let fake = fake.file(&format!("{device}/uevent"), "");
        with_driver(fake, device, module).link(&at("device"), device)
    }

    /// The driver of a device is from this module.
    fn with_driver(fake: Fake, device: &str, module: &str) -> Fake {
        let driver = format!("sys/bus/any/drivers/{module}");
        let of_module = format!("sys/module/{module}");
        fake.file(&format!("{driver}/uevent"), "")
            .file(&format!("{of_module}/initstate"), "live\n")
            .link(&format!("{driver}/module"), &of_module)
            .link(&format!("{device}/driver"), &driver)
    }

    #[test]
    fn one_that_runs_is_fed_and_its_driver_is_brought_along() {
        let (found, modules) = find(&running("iTCO_wdt", "iTCO_wdt"));
        assert_eq!(found.fed, ["iTCO_wdt"]);
        assert!(found.notes.is_empty(), "{found:?}");
        assert_eq!(modules, ["iTCO_wdt"]);
    }

    #[test]
    fn what_makes_its_device_is_brought_along_before_it() {
        let fake = running("iTCO_wdt", "iTCO_wdt");
        let fake = with_driver(fake, "sys/devices/pci0000:00/0000:00:1f.0", "lpc_ich");
        let (found, modules) = find(&fake);
        assert_eq!(found.fed, ["iTCO_wdt"]);
        assert_eq!(modules, ["lpc_ich", "iTCO_wdt"]);
    }

    #[test]
    fn one_that_does_not_say_which_device_it_is_is_known_by_its_driver_being_in_use() {
        let at = |file: &str| format!("sys/class/watchdog/watchdog0/{file}");
        let fake = Fake::new()
            .with_modules()
            .file(&at("identity"), "i6300ESB timer\n")
            .file(&at("state"), "active\n")
            .file("sys/module/iTCO_wdt/refcnt", "1\n")
            // In use, and no watchdog's.
            .file("sys/module/nvme/refcnt", "2\n");
        let (found, modules) = find(&fake);
        assert_eq!(found.fed, ["i6300ESB timer"]);
        assert_eq!(modules, ["iTCO_wdt"]);
    }

    #[test]
    fn one_whose_driver_the_kernel_lacks_is_told() {
        let (found, modules) = find(&running("hpwdt", "hpwdt"));
        assert!(found.fed.is_empty() && modules.is_empty(), "{found:?}");
        let note = &found.notes[0];
        assert!(note.contains("hpwdt") && note.contains("30 s"), "{note}");
    }

    #[test]
    fn neither_one_that_is_stopped_nor_one_of_software_counts() {
        let stopped = running("iTCO_wdt", "iTCO_wdt")
            .file("sys/class/watchdog/watchdog0/state", "inactive\n")
            .file(
                "sys/class/watchdog/watchdog1/identity",
                "Software Watchdog\n",
            )
            .file("sys/class/watchdog/watchdog1/state", "active\n");
        assert_eq!(find(&stopped), (Watchdogs::default(), Vec::new()));
    }
}
