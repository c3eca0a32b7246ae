//! Mounting file systems without mount(8).

use rustix::mount::{MountFlags, UnmountFlags};
use std::ffi::CString;
use std::io;
use std::path::Path;

/// `MS_NOSYMFOLLOW` of include/uapi/linux/mount.h, since Linux 5.10; ignored before.
const NO_SYMLINKS: MountFlags = MountFlags::from_bits_retain(256);

/// A mount option that the kernel takes as a flag.
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

/// Mounts a device's file system for writing, with symbolic links, programs and device nodes on it disabled.
///
/// # Errors
/// The error of mount(2).
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

/// Mounts a pseudo file system of the kernel (`proc`, `sysfs` or `devtmpfs`), unless it is mounted already.
///
/// # Errors
/// The error of mkdir(2) or mount(2).
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

/// Unmounts a file system, which leaves it clean.
///
/// # Errors
/// The error of umount(2).
pub fn unmount(place: &Path) -> io::Result<()> {
    Ok(rustix::mount::unmount(place, UnmountFlags::empty())?)
}
