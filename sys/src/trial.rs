//! Checks in advance whether a file system can be mounted, and what a path on it is.
//!
//! The mount is attached nowhere (fsmount(2)), so that it is invisible, no other mount hides a part of it, and it
//! disappears when it is dropped. Nothing on it can be written.

use crate::file::FileKind;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// `MOUNT_ATTR_NOSYMFOLLOW` of include/uapi/linux/mount.h, since Linux 5.14.
const NO_SYMLINKS: MountAttrFlags = MountAttrFlags::from_bits_retain(0x0020_0000);

/// A file system mounted for inspection.
#[derive(Debug)]
pub struct Trial(OwnedFd);

/// Why a file system isn't mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotMounted {
    /// It can't be tried: this process isn't permitted to, or the running kernel doesn't know the type.
    Untried(Errno),
    /// The kernel or the file system refuses.
    Refused {
        /// The option that is unknown or has an invalid value, if the refusal is about one.
        option: Option<String>,
        /// The file system's message, or else that of the errno.
        why: String,
    },
}

/// What a path on a file system is, as far as creating files in it is concerned. Links aren't followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The path is a directory.
    Directory,
    /// The path doesn't exist, but its parent directory does.
    Missing,
    /// The path doesn't exist, and neither does this directory above it.
    MissingParent(PathBuf),
    /// This component of the path is a symbolic link.
    Link(PathBuf),
    /// This component of the path isn't a directory.
    Other(PathBuf, FileKind),
    /// The path is an immutable directory (`chattr +i`).
    Immutable,
    /// The path is a directory encrypted with its own key (fscrypt).
    Encrypted,
}

/// The option that keeps a read-only mount from writing to the device: the journal isn't replayed.
fn without_replay(kind: &str) -> Option<&'static str> {
    match kind {
        "ext4" => Some("noload"),
        "xfs" => Some("norecovery"),
        "btrfs" => Some("rescue=nologreplay"),
        _ => None,
    }
}

impl Trial {
    /// Mounts the file system on a device with these options. `writable` says whether the file system is already
    /// mounted for writing elsewhere: then the kernel returns the same instance, and options that apply to the whole
    /// file system keep the values of that mount.
    ///
    /// # Errors
    /// When the file system can't be mounted.
    pub fn mount(
        device: &Path,
        kind: &str,
        options: &str,
        writable: bool,
    ) -> Result<Trial, NotMounted> {
        let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).map_err(NotMounted::Untried)?;
        let refused = |option: Option<&str>, error| refused(&context, option, error);
        fsconfig_set_string(&context, "source", device).map_err(|e| refused(None, e))?;
        for option in options.split(',').filter(|option| !option.is_empty()) {
            set(&context, option).map_err(|e| refused(Some(option), e))?;
        }
        if !writable {
            set(&context, "ro").map_err(|e| refused(None, e))?;
            if let Some(option) = without_replay(kind) {
                set(&context, option).map_err(|e| refused(None, e))?;
            }
        }
        fsconfig_create(&context).map_err(|e| refused(None, e))?;
        let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NOEXEC
            | NO_SYMLINKS;
        let mounted = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes);
        mounted.map(Trial).map_err(NotMounted::Untried)
    }

    /// Looks up a path from the file system's root.
    ///
    /// # Errors
    /// The error of openat(2) or statx(2) for a component that exists.
    pub fn look(&self, path: &Path) -> std::io::Result<Lookup> {
        look(self.0.as_fd(), path)
    }
}

/// Looks up a path from the directory with this path.
///
/// # Errors
/// As [`Trial::look`].
pub fn look_below(directory: &Path, path: &Path) -> std::io::Result<Lookup> {
    look(std::fs::File::open(directory)?, path)
}

/// Looks up a path from an open directory.
fn look(root: impl AsFd, path: &Path) -> std::io::Result<Lookup> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = rustix::fs::openat(root, ".", flags, Mode::empty())?;
    let mut so_far = PathBuf::from("/");
    let mut parts = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .peekable();
    while let Some(part) = parts.next() {
        so_far.push(part);
        at = match rustix::fs::openat(&at, part.as_os_str(), flags, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT) if parts.peek().is_none() => return Ok(Lookup::Missing),
            Err(Errno::NOENT) => return Ok(Lookup::MissingParent(so_far)),
            Err(error) => return Err(error.into()),
        };
        match FileType::from_raw_mode(rustix::fs::fstat(&at)?.st_mode) {
            FileType::Directory => {}
            FileType::Symlink => return Ok(Lookup::Link(so_far)),
            other => return Ok(Lookup::Other(so_far, kind(other))),
        }
    }
    let found = rustix::fs::statx(&at, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
    Ok(match found.stx_attributes {
        set if set.contains(StatxAttributes::IMMUTABLE) => Lookup::Immutable,
        set if set.contains(StatxAttributes::ENCRYPTED) => Lookup::Encrypted,
        _ => Lookup::Directory,
    })
}

fn kind(kind: FileType) -> FileKind {
    match kind {
        FileType::RegularFile => FileKind::Regular,
        FileType::BlockDevice => FileKind::Block,
        FileType::CharacterDevice => FileKind::Character,
        FileType::Fifo => FileKind::Fifo,
        FileType::Socket => FileKind::Socket,
        _ => FileKind::Other,
    }
}

/// Sets an option, split as mount(2) splits it (vfs_parse_monolithic_sep of fs/fs_context.c).
fn set(context: &OwnedFd, option: &str) -> rustix::io::Result<()> {
    match option.split_once('=') {
        Some((name, value)) => fsconfig_set_string(context, name, value),
        None => fsconfig_set_flag(context, option),
    }
}

/// The reason for a refusal. A process that may not mount at all fails in fsopen(2); one that may not use the device
/// fails here.
fn refused(context: &OwnedFd, option: Option<&str>, error: Errno) -> NotMounted {
    match error {
        Errno::PERM => NotMounted::Untried(error),
        _ => NotMounted::Refused {
            option: option.map(str::to_owned),
            why: said(context).unwrap_or_else(|| std::io::Error::from(error).to_string()),
        },
    }
}

/// The kernel's message about its last refusal: lines such as `e ext4: Unknown parameter 'x'`, one for each read
/// (fscontext_read of fs/fsopen.c). Not every file system gives one.
fn said(context: &OwnedFd) -> Option<String> {
    let mut last = None;
    let mut line = [0; 1024];
    while let Ok(length) = rustix::io::read(context, &mut line) {
        let text = String::from_utf8_lossy(line.get(..length)?).into_owned();
        if let Some(error) = text.strip_prefix("e ") {
            last = Some(error.trim_end().to_owned());
        }
    }
    last
}

#[cfg(test)]
#[path = "trial_tests.rs"]
mod tests;
