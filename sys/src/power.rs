//! Syncing, rebooting, switching off.

use rustix::system::{RebootCommand, reboot};
use std::io;

/// Writes all that is dirty to the disks (sync(2) waits for it on Linux).
pub fn sync() {
    rustix::fs::sync();
}

/// Jumps to the loaded kernel at once: reboot(2) with `LINUX_REBOOT_CMD_KEXEC`. Returns only when it
/// failed.
#[must_use]
pub fn reboot_into_loaded() -> io::Error {
    came_back(RebootCommand::Kexec)
}

/// Starts the machine anew through its firmware, at once. Returns only when it failed.
#[must_use]
pub fn restart() -> io::Error {
    came_back(RebootCommand::Restart)
}

/// Stops the machine, at once. Returns only when it failed.
#[must_use]
pub fn halt() -> io::Error {
    came_back(RebootCommand::Halt)
}

/// Switches the machine off, at once. Returns only when it failed.
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

/// Has the kernel do what this key of its magic ones does (Documentation/admin-guide/sysrq.rst): `b`
/// resets the machine without asking any driver, where [`restart`] waits for all of them.
///
/// # Errors
/// When the kernel has no such keys, or `/proc` isn't mounted.
pub fn sysrq(key: char) -> io::Result<()> {
    std::fs::write("/proc/sysrq-trigger", key.to_string())
}
