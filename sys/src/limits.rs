//! Limits on kexec: sysctls (Documentation/admin-guide/sysctl/kernel.rst) and the largest size of files.

use crate::{ReadError, Root};

/// The values of the sysctls under `kernel.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// `kexec_load_disabled`: loading is off until the next reboot.
    pub disabled: bool,
    /// `kexec_load_limit_reboot`: the loads that are left, `None` if there is no limit.
    pub reboot_left: Option<u32>,
    /// `kexec_load_limit_panic`: the crash loads that are left, `None` if there is no limit.
    pub panic_left: Option<u32>,
}

impl Limits {
    /// Reads the sysctls. One that this kernel doesn't have sets no limit.
    ///
    /// # Errors
    /// When one is there and can't be read.
    pub fn read(root: &Root) -> Result<Limits, ReadError> {
        let left = |name: &str| -> Result<Option<u32>, ReadError> {
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

    /// The loads that are left for normal or for crash loads.
    #[must_use]
    pub fn left(&self, crash: bool) -> Option<u32> {
        if crash {
            self.panic_left
        } else {
            self.reboot_left
        }
    }
}

/// The largest kernel or initrd that any kernel reads, in bytes: `KEXEC_FILE_SIZE_MAX` of
/// kernel/kexec_file.c since Linux 6.0.
pub const LARGEST_FILE: u64 = 4 << 30;

/// The same limit before Linux 6.0, when kexec asked kernel_read_file for at most `INT_MAX` bytes.
const LARGEST_FILE_BEFORE_6: u64 = i32::MAX as u64;

/// The largest kernel or initrd that the running kernel reads, in bytes. If its release isn't known, the largest
/// that any kernel reads.
///
/// # Errors
/// When its release is there and can't be read.
pub fn largest_file(root: &Root) -> Result<u64, ReadError> {
    let release = root.read_text("proc/sys/kernel/osrelease")?;
    Ok(release.as_deref().map_or(LARGEST_FILE, largest_file_of))
}

/// The largest kernel or initrd that a kernel of this release reads, in bytes.
#[must_use]
pub fn largest_file_of(release: &str) -> u64 {
    let major = release.split('.').next();
    match major.and_then(|major| major.trim().parse::<u32>().ok()) {
        Some(..6) => LARGEST_FILE_BEFORE_6,
        _ => LARGEST_FILE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn kernels_before_6_0_read_half_as_much() {
        assert_eq!(largest_file_of("5.10.0-32-amd64"), (2 << 30) - 1);
        assert_eq!(largest_file_of("5.19.17\n"), (2 << 30) - 1);
        assert_eq!(largest_file_of("6.0.0"), 4 << 30);
        assert_eq!(largest_file_of("7.2.13-rt"), 4 << 30);
        assert_eq!(largest_file(&TestRoot::new().root()).unwrap(), 4 << 30);
    }

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
