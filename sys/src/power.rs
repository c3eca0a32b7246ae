//! Syncing, rebooting and powering off.

use rustix::system::{RebootCommand, reboot};
use std::io;

/// Writes all dirty data to the disks (sync(2) waits for it on Linux).
pub fn sync() {
    rustix::fs::sync();
}

/// Jumps to the loaded kernel at once: reboot(2) with `LINUX_REBOOT_CMD_KEXEC`. Returns only on
/// failure.
#[must_use]
pub fn reboot_into_loaded() -> io::Error {
    came_back(RebootCommand::Kexec)
}

/// Restarts the machine through its firmware at once. Returns only on failure.
#[must_use]
pub fn restart() -> io::Error {
    came_back(RebootCommand::Restart)
}

/// Halts the machine at once. Returns only on failure.
#[must_use]
pub fn halt() -> io::Error {
    came_back(RebootCommand::Halt)
}

/// Powers the machine off at once. Returns only on failure.
#[must_use]
pub fn power_off() -> io::Error {
    came_back(RebootCommand::PowerOff)
}

fn came_back(command: RebootCommand) -> io::Error {
    match reboot(command) {
        Ok(()) => io::Error::other("reboot(2) came back"),
        Err(e) => e.into(),
    }
}

/// Triggers a magic SysRq key (Documentation/admin-guide/sysrq.rst). `b` resets the machine without involving any
/// driver, whereas [`restart`] waits for all of them.
///
/// # Errors
/// When the kernel lacks SysRq, or `/proc` isn't mounted.
pub fn sysrq(key: char) -> io::Result<()> {
    std::fs::write("/proc/sysrq-trigger", key.to_string())
}
