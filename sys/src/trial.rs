//! Trying whether a file system can be mounted, and what a path on it is, before it counts.
//!
//! What is mounted is attached nowhere (fsmount(2)), so that nobody sees it, nothing that is mounted on top
//! hides a part of it, and it is gone when it is dropped. Nothing on it can be written.

use crate::file::Kind;
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

/// A file system that is mounted for a look.
#[derive(Debug)]
pub struct Trial(OwnedFd);

/// Why it isn't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotMounted {
    /// It can't be tried here: not by this process, or the running kernel doesn't know this type.
    Untried(Errno),
    /// The kernel or the file system refuses: the option, where it is one, and the reason.
    Refused {
        /// The option that it doesn't know, or not with this value.
        option: Option<String>,
        /// In the file system's words, else in the system's.
        why: String,
    },
}

/// What a path on a file system is to someone who makes files in it, following no link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// A directory.
    Directory,
    /// Not there, but the directory that it would be in is.
    Missing,
    /// Not there, and neither is this directory on the way to it.
    MissingParent(PathBuf),
    /// This part of it is a symbolic link.
    Link(PathBuf),
    /// This part of it is something else than a directory.
    Other(PathBuf, Kind),
    /// A directory that can't be changed (`chattr +i`).
    Immutable,
    /// A directory that is encrypted with a key of its own (fscrypt).
    Encrypted,
}

/// What a file system is told so that mounting it for reading writes nothing: journals aren't replayed.
fn without_replay(kind: &str) -> Option<&'static str> {
    match kind {
        "ext4" => Some("noload"),
        "xfs" => Some("norecovery"),
        "btrfs" => Some("rescue=nologreplay"),
        _ => None,
    }
}

impl Trial {
    /// Mounts a device's file system with these options of its own. `writable` says whether it is mounted for
    /// writing already: then the kernel gives the same file system once more, and what it was mounted with
    /// holds where options are about all of it.
    ///
    /// # Errors
    /// Why not.
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

    /// What a path is, from the file system's root.
    ///
    /// # Errors
    /// What openat(2) and statx(2) say of a part that is there.
    pub fn look(&self, path: &Path) -> std::io::Result<Lookup> {
        look(self.0.as_fd(), path)
    }
}

/// What a path is, from a directory that can be reached by its own.
///
/// # Errors
/// As [`Trial::look`].
pub fn look_below(directory: &Path, path: &Path) -> std::io::Result<Lookup> {
    look(std::fs::File::open(directory)?, path)
}

/// What a path is, from a directory that is open.
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

fn kind(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::Regular,
        FileType::BlockDevice => Kind::Block,
        FileType::CharacterDevice => Kind::Character,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        _ => Kind::Other,
    }
}

/// As mount(2) splits options (vfs_parse_monolithic_sep of fs/fs_context.c).
fn set(context: &OwnedFd, option: &str) -> rustix::io::Result<()> {
    match option.split_once('=') {
        Some((name, value)) => fsconfig_set_string(context, name, value),
        None => fsconfig_set_flag(context, option),
    }
}

/// A process that may not mount is told so by fsopen(2); one that may not use the device is told here.
fn refused(context: &OwnedFd, option: Option<&str>, error: Errno) -> NotMounted {
    match error {
        Errno::PERM => NotMounted::Untried(error),
        _ => NotMounted::Refused {
            option: option.map(str::to_owned),
            why: said(context).unwrap_or_else(|| std::io::Error::from(error).to_string()),
        },
    }
}

/// What the kernel says of its last refusal: lines such as `e ext4: Unknown parameter 'x'`, one a read
/// (fscontext_read of fs/fsopen.c). Not every file system says something.
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
