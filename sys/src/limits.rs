//! The sysctls that limit kexec (Documentation/admin-guide/sysctl/kernel.rst).

use crate::Root;
use std::io;

/// What the sysctls under `kernel.` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// `kexec_load_disabled`: loading is off until the next reboot.
    pub disabled: bool,
    /// `kexec_load_limit_reboot`: loads left, `None` when there is no limit.
    pub reboot_left: Option<u32>,
    /// `kexec_load_limit_panic`: crash loads left, `None` when there is no limit.
    pub panic_left: Option<u32>,
}

impl Limits {
    /// Reads the sysctls; those that this kernel doesn't have limit nothing.
    ///
    /// # Errors
    /// When one is there and can't be read.
    pub fn read(root: &Root) -> io::Result<Limits> {
        let left = |name: &str| -> io::Result<Option<u32>> {
            // -1 means "no limit".
            Ok(root
                .read_number(&format!("proc/sys/kernel/{name}"))?
                .and_then(|n| u32::try_from(n).ok()))
        };
        Ok(Limits {
            disabled: root.read_number("proc/sys/kernel/kexec_load_disabled")? == Some(1),
            reboot_left: left("kexec_load_limit_reboot")?,
            panic_left: left("kexec_load_limit_panic")?,
        })
    }

    /// Loads left for a normal or a crash load.
    #[must_use]
    pub fn left(&self, crash: bool) -> Option<u32> {
        if crash {
            self.panic_left
        } else {
            self.reboot_left
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn minus_one_and_a_missing_sysctl_limit_nothing() {
        let t = TestRoot::new()
            .with("proc/sys/kernel/kexec_load_limit_reboot", "-1\n")
            .with("proc/sys/kernel/kexec_load_disabled", "0\n");
        assert_eq!(Limits::read(&t.root()).unwrap(), Limits::default());
    }

    #[test]
    fn each_kind_of_load_has_its_own_limit() {
        let t = TestRoot::new()
            .with("proc/sys/kernel/kexec_load_disabled", "1\n")
            .with("proc/sys/kernel/kexec_load_limit_reboot", "3\n")
            .with("proc/sys/kernel/kexec_load_limit_panic", "0\n");
        let limits = Limits::read(&t.root()).unwrap();
        assert!(limits.disabled);
        assert_eq!(limits.left(false), Some(3));
        assert_eq!(limits.left(true), Some(0));
    }
}
