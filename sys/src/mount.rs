//! Mounting file systems, for a program that runs where there is no mount(8).

use rustix::mount::{MountFlags, UnmountFlags};
use std::ffi::CString;
use std::io;
use std::path::Path;

/// `MS_NOSYMFOLLOW` of include/uapi/linux/mount.h, since Linux 5.10; ignored before.
const NO_SYMLINKS: MountFlags = MountFlags::from_bits_retain(256);

/// How a file system is mounted, as far as the kernel takes it as flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `sync`
    Synchronous,
    /// `dirsync`
    DirectorySync,
    /// `noatime`
    NoAccessTime,
    /// `nodiratime`
    NoDirectoryAccessTime,
    /// `relatime`
    RelativeAccessTime,
    /// `strictatime`
    StrictAccessTime,
    /// `lazytime`
    LazyTime,
}

impl Flag {
    fn bits(self) -> MountFlags {
        match self {
            Flag::Synchronous => MountFlags::SYNCHRONOUS,
            Flag::DirectorySync => MountFlags::DIRSYNC,
            Flag::NoAccessTime => MountFlags::NOATIME,
            Flag::NoDirectoryAccessTime => MountFlags::NODIRATIME,
            Flag::RelativeAccessTime => MountFlags::RELATIME,
            Flag::StrictAccessTime => MountFlags::STRICTATIME,
            Flag::LazyTime => MountFlags::LAZYTIME,
        }
    }
}

/// Mounts a device's file system for writing, so that nothing on it is followed, run or taken for a
/// device.
///
/// # Errors
/// What mount(2) says.
pub fn data(device: &Path, place: &Path, kind: &str, flags: &[Flag], data: &str) -> io::Result<()> {
    let mut all = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC | NO_SYMLINKS;
    for flag in flags {
        all |= flag.bits();
    }
    let data = CString::new(data)?;
    Ok(rustix::mount::mount(
        device,
        place,
        kind,
        all,
        Some(data.as_c_str()),
    )?)
}

/// Mounts what the kernel shows of itself: `proc`, `sysfs`, `devtmpfs`. One that is there is fine.
///
/// # Errors
/// What mkdir(2) and mount(2) say.
pub fn kernel_file_system(kind: &str, place: &Path) -> io::Result<()> {
    match std::fs::create_dir(place) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    match rustix::mount::mount(kind, place, kind, MountFlags::empty(), None) {
        Err(rustix::io::Errno::BUSY) => Ok(()),
        result => Ok(result?),
    }
}

/// Unmounts, so that the file system is clean.
///
/// # Errors
/// What umount(2) says.
pub fn unmount(place: &Path) -> io::Result<()> {
    Ok(rustix::mount::unmount(place, UnmountFlags::empty())?)
}
