//! Baton's units: whether they are installed, and start by themselves.

use crate::crash::owners::DIRECTORIES;
use baton_sys::Root;
use baton_sys::file::names_in;

/// What loads the next kernel for reboots.
pub const LOAD: &str = "baton-load.service";
/// What notes that a kernel came up, and takes over what `systemctl kexec` loads by itself.
pub const BOOT_COUNT: &str = crate::boot_count::UNIT;
/// What loads the capture at boot.
pub const CRASH: &str = "baton-crash.service";

/// A unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// What it is called.
    pub name: &'static str,
    /// There is a file of it.
    pub is_installed: bool,
    /// Something wants it started.
    pub is_enabled: bool,
}

impl Unit {
    /// Looks for it.
    #[must_use]
    pub fn read(root: &Root, name: &'static str) -> Unit {
        let mut directories = DIRECTORIES.iter();
        Unit {
            name,
            is_installed: directories.any(|it| root.exists(&format!("{it}/{name}"))),
            is_enabled: is_wanted(root, name),
        }
    }

    /// Whether something is to be said of it. That a plain reboot becomes a kexec is the owner's choice.
    #[must_use]
    pub fn is_expected(&self) -> bool {
        self.is_installed && (self.is_enabled || self.name != LOAD)
    }
}

/// Whether a unit stands in a directory of what another one wants (systemd.unit(5)).
fn is_wanted(root: &Root, name: &str) -> bool {
    DIRECTORIES.iter().any(|directory| {
        let wants = names_in(&root.join(directory));
        let mut wants = wants
            .into_iter()
            .filter(|it| it.ends_with(".wants") || it.ends_with(".requires"));
        wants.any(|wants| {
            let links = names_in(&root.join(directory).join(wants));
            links.iter().any(|it| it == name)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_a_reboot_a_kexec_is_expected_only_where_it_is_chosen() {
        for (name, is_installed, is_enabled, is_expected) in [
            (LOAD, true, true, true),
            (LOAD, true, false, false),
            (LOAD, false, true, false),
            (BOOT_COUNT, true, false, true),
            (CRASH, true, false, true),
            (CRASH, false, false, false),
        ] {
            let unit = Unit {
                name,
                is_installed,
                is_enabled,
            };
            assert_eq!(unit.is_expected(), is_expected, "{unit:?}");
        }
    }
}
