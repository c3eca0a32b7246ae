//! Syncing and rebooting.

use std::io;

/// Writes all that is dirty to the disks (sync(2) waits for it on Linux).
pub fn sync() {
    rustix::fs::sync();
}

/// Jumps to the loaded kernel at once: reboot(2) with `LINUX_REBOOT_CMD_KEXEC`. Returns only when it
/// failed.
#[must_use]
pub fn reboot_into_loaded() -> io::Error {
    match rustix::system::reboot(rustix::system::RebootCommand::Kexec) {
        Ok(()) => io::Error::other("reboot(2) came back"),
        Err(e) => e.into(),
    }
}
