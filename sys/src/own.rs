//! Directories into which nobody else can have put anything. Entries are checked and removed through a descriptor of
//! the directory, so that they can't be exchanged between the check and the removal.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, statat, unlinkat};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::Path;

/// The mode bits that let the group or others write.
const FOR_OTHERS: u32 = 0o022;

/// A directory that belongs to this process's user and to which nobody else can write.
#[derive(Debug)]
pub struct OwnDirectory(OwnedFd);

/// An entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name.
    pub name: String,
    /// Whether the entry is a regular file that belongs to this process's user.
    pub is_own_file: bool,
}

impl OwnDirectory {
    /// Opens a directory; a symbolic link isn't followed.
    ///
    /// # Errors
    /// The error of openat(2); `PermissionDenied` if somebody else owns the directory or can write to it.
    pub fn open(path: &Path) -> io::Result<OwnDirectory> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(rustix::fs::CWD, path, flags, Mode::empty())?;
        let found = fstat(&directory)?;
        if is_own(found.st_uid) && found.st_mode & FOR_OTHERS == 0 {
            Ok(OwnDirectory(directory))
        } else {
            Err(io::Error::new(
                ErrorKind::PermissionDenied,
                "others own it or can write to it",
            ))
        }
    }

    /// The entries of the directory.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == "." || name == ".." {
                continue;
            }
            let found = statat(&self.0, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
            let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
            entries.push(Entry {
                name,
                is_own_file: is_file && is_own(found.st_uid),
            });
        }
        Ok(entries)
    }

    /// Removes a file from the directory.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Waits until removals have reached the disk.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }
}

fn is_own(owner: u32) -> bool {
    owner == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn entries_are_listed_and_removed() {
        let t = TestRoot::new()
            .with("own/file", "")
            .with("own/directory/x", "")
            .link("own/link", "file");
        let own = OwnDirectory::open(&t.root().join("own")).unwrap();
        let mut entries = own.entries().unwrap();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let listed: Vec<_> = entries
            .iter()
            .map(|it| (it.name.as_str(), it.is_own_file))
            .collect();
        assert_eq!(
            listed,
            [("directory", false), ("file", true), ("link", false)]
        );
        own.remove_file("file").unwrap();
        own.sync().unwrap();
        assert!(own.remove_file("directory").is_err(), "it is no file");
        assert!(!t.root().join("own/file").exists());
    }

    #[test]
    fn a_link_and_a_directory_of_others_are_none() {
        let t = TestRoot::new().with("own/file", "").link("link", "own");
        let open = |name: &str| OwnDirectory::open(&t.root().join(name));
        assert!(open("link").is_err());
        assert!(open("own/file").is_err());
        for mode in [0o777, 0o1777, 0o770, 0o702] {
            set_permissions(t.root().join("own"), Permissions::from_mode(mode)).unwrap();
            let error = open("own").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{mode:o}");
        }
        set_permissions(t.root().join("own"), Permissions::from_mode(0o755)).unwrap();
        open("own").unwrap();
        // Only root can give a directory away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(t.root().join("own"), Some(12345), None).unwrap();
            let error = open("own").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        }
    }
}
