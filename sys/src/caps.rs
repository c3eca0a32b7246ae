//! The capabilities of this process.

use crate::{ReadError, Root};

/// `CAP_SYS_BOOT` of include/uapi/linux/capability.h: what kexec and reboot need.
const CAP_SYS_BOOT: u32 = 22;

/// Whether this process may load kernels and reboot.
///
/// # Errors
/// When `/proc/self/status` can't be read.
pub fn may_boot(root: &Root) -> Result<bool, ReadError> {
    let status = root.read_text("proc/self/status")?.unwrap_or_default();
    Ok(has_sys_boot(&status))
}

/// Whether the `CapEff:` line of `/proc/self/status` has `CAP_SYS_BOOT`.
#[must_use]
pub fn has_sys_boot(status: &str) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << CAP_SYS_BOOT) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_with_all_capabilities_may_boot() {
        assert!(has_sys_boot("Name:\tx\nCapEff:\t000001ffffffffff\n"));
    }

    #[test]
    fn a_container_without_sys_boot_may_not() {
        assert!(!has_sys_boot("CapEff:\t00000000a80425fb\n"));
        assert!(!has_sys_boot(""));
    }
}
