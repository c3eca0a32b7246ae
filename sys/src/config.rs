//! A kernel's configuration, if a readable copy is installed: `/boot/config-RELEASE`, or `config` beside its modules, where
//! Fedora and small capture kernels have it.
//!
//! `/proc/config.gz` isn't read: every distribution that signs its kernels and has it also installs such a file, and
//! reading it would take a decompressor.

use crate::{ReadError, Root};

/// A kernel configuration as text.
#[derive(Debug, Clone, Default)]
pub struct KernelConfig(String);

impl KernelConfig {
    /// Makes a configuration from the text of a `.config`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> KernelConfig {
        KernelConfig(text.into())
    }

    /// The configuration of the running kernel; `None` if none is installed.
    ///
    /// # Errors
    /// When a file exists and can't be read.
    pub fn of_running(root: &Root) -> Result<Option<KernelConfig>, ReadError> {
        let Some(release) = root.read_text("proc/sys/kernel/osrelease")? else {
            return Ok(None);
        };
        KernelConfig::of_release(root, release.trim())
    }

    /// The configuration of an installed kernel; `None` if none is installed.
    ///
    /// # Errors
    /// When a file exists and can't be read.
    pub fn of_release(root: &Root, release: &str) -> Result<Option<KernelConfig>, ReadError> {
        let places = [
            format!("boot/config-{release}"),
            format!("lib/modules/{release}/config"),
            format!("usr/lib/modules/{release}/config"),
        ];
        for place in places {
            if let Some(text) = root.read_text(&place)? {
                return Ok(Some(KernelConfig(text)));
            }
        }
        Ok(None)
    }

    /// Whether `CONFIG_name` is `y`.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        let line = format!("CONFIG_{name}=y");
        self.0.lines().any(|l| l == line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn an_option_is_set_only_when_it_says_y() {
        let config = KernelConfig::new("CONFIG_KEXEC_SIG=y\n# CONFIG_KEXEC_SIG_FORCE is not set\n");
        assert!(config.is_set("KEXEC_SIG"));
        assert!(!config.is_set("KEXEC_SIG_FORCE"));
        assert!(!config.is_set("KEXEC"));
    }

    #[test]
    fn the_configuration_is_that_of_the_running_release() {
        let t = TestRoot::new()
            .with("proc/sys/kernel/osrelease", "6.1.0-1-amd64\n")
            .with("boot/config-6.1.0-1-amd64", "CONFIG_KEXEC_SIG=y\n");
        let config = KernelConfig::of_running(&t.root()).unwrap().unwrap();
        assert!(config.is_set("KEXEC_SIG"));
    }

    #[test]
    fn a_configuration_beside_the_modules_counts_where_boot_has_none() {
        let t = TestRoot::new().with("usr/lib/modules/6.1-small/config", "CONFIG_PROC_VMCORE=y\n");
        let found = |release| KernelConfig::of_release(&t.root(), release).unwrap();
        assert!(found("6.1-small").unwrap().is_set("PROC_VMCORE"));
        assert!(found("6.1").is_none());
    }
}
