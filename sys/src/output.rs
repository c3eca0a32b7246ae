//! Writing files: what the standard library lacks for replacing a file and for writing to a device.

use crate::appraisal::{IMA, MAX_XATTR};
use crate::file::PIPE_TIMEOUT;
use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, OFlags, RenameFlags, XattrFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;
use std::time::{Duration, Instant};

/// The name of the access control list (linux/xattr.h: XATTR_NAME_POSIX_ACL_ACCESS).
const ACL: &CStr = c"system.posix_acl_access";
/// Attributes with signatures and digests of a file's content and inode (linux/xattr.h: XATTR_NAME_IMA and
/// XATTR_NAME_EVM). They would be wrong for other content, and the kernel recreates them.
const OF_CONTENT: [&CStr; 2] = [IMA, c"security.evm"];

/// A file's owner, mode and extended attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    owner: u32,
    group: u32,
    mode: u32,
    extended: Vec<(CString, Vec<u8>)>,
}

impl Attributes {
    /// Reads the attributes of a file, following symbolic links.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn of(path: &Path) -> io::Result<Attributes> {
        let metadata = std::fs::metadata(path)?;
        let mut extended = Vec::new();
        let mut names = Vec::with_capacity(MAX_XATTR);
        match rustix::fs::listxattr(path, spare_capacity(&mut names)) {
            // The file system has no extended attributes.
            Err(Errno::OPNOTSUPP) => {}
            result => drop(result?),
        }
        for name in split(&names) {
            let mut value = Vec::with_capacity(MAX_XATTR);
            rustix::fs::getxattr(path, &*name, spare_capacity(&mut value))
                .map_err(|e| kept(&name, e))?;
            extended.push((name, value));
        }
        extended.retain(|(name, _)| !OF_CONTENT.contains(&name.as_c_str()));
        Ok(Attributes {
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o7777,
            extended,
        })
    }

    /// Sets the attributes on another file.
    ///
    /// # Errors
    /// Names the attribute that can't be set. (Only root can change a file's owner.)
    pub fn give(&self, file: &File) -> io::Result<()> {
        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (self.owner, self.group) {
            fchown(file, Some(self.owner), Some(self.group)).map_err(|e| {
                let text = format!(
                    "its owner ({}:{}) can't be kept: {e}",
                    self.owner, self.group
                );
                io::Error::new(e.kind(), text)
            })?;
        }
        // The directory may have given the new file a default list.
        if !self.extended.iter().any(|(name, _)| name.as_c_str() == ACL) {
            match rustix::fs::fremovexattr(file, ACL) {
                Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
                Err(error) => return Err(error.into()),
            }
        }
        file.set_permissions(Permissions::from_mode(self.mode))?;
        for (name, value) in &self.extended {
            if let Err(error) = rustix::fs::fsetxattr(file, &**name, value, XattrFlags::empty())
                && !has(file, name, value)
            {
                return Err(kept(name, error));
            }
        }
        Ok(())
    }
}

/// Whether the file has this value already, as it often does where setting it isn't permitted (security labels).
fn has(file: &File, name: &CStr, value: &[u8]) -> bool {
    let mut now = Vec::with_capacity(MAX_XATTR);
    rustix::fs::fgetxattr(file, name, spare_capacity(&mut now)).is_ok() && now == value
}

fn kept(name: &CStr, error: Errno) -> io::Error {
    let error = io::Error::from(error);
    let text = format!(
        "its attribute {} can't be kept: {error}",
        name.to_string_lossy()
    );
    io::Error::new(error.kind(), text)
}

fn split(names: &[u8]) -> Vec<CString> {
    let names = names.split(|byte| *byte == 0).filter(|it| !it.is_empty());
    names.filter_map(|name| CString::new(name).ok()).collect()
}

/// Renames a file to a name that must not exist: by renameat2(2) with `RENAME_NOREPLACE`, or with a check before
/// if the file system doesn't support that.
///
/// # Errors
/// `AlreadyExists` if the name exists; otherwise the error of renameat2(2).
pub fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) if to.symlink_metadata().is_ok() => {
            Err(Errno::EXIST.into())
        }
        Err(Errno::INVAL | Errno::NOSYS) => std::fs::rename(from, to),
        result => Ok(result?),
    }
}

/// Opens a device, a FIFO or a descriptor (below `/dev/fd`) for writing. A FIFO without a
/// reader is retried for a short time.
///
/// # Errors
/// ENXIO if a FIFO has no reader, EBUSY if a block device is in use; otherwise the error of open(2).
pub fn open_special(path: &Path) -> io::Result<File> {
    let kind = std::fs::metadata(path)?.file_type();
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if kind.is_block_device() {
        flags |= OFlags::EXCL;
    }
    let mut options = OpenOptions::new();
    options.read(kind.is_block_device()).write(true);
    options.append(kind.is_file());
    options.custom_flags(flags.bits().cast_signed());
    let file = retry_without_reader(|| options.open(path))?;
    let now = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, now - OFlags::NONBLOCK)?;
    Ok(file)
}

/// Retries while a FIFO has no reader yet.
fn retry_without_reader(open: impl Fn() -> io::Result<File>) -> io::Result<File> {
    let begun = Instant::now();
    loop {
        match open() {
            Err(e)
                if e.raw_os_error() == Some(Errno::NXIO.raw_os_error())
                    && begun.elapsed() < PIPE_TIMEOUT =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    fn set(path: &Path, name: &str, value: &[u8]) {
        rustix::fs::setxattr(path, name, value, XattrFlags::empty()).unwrap();
    }

    /// An access control list (linux/posix_acl_xattr.h): the owner reads and writes, user 4242 too, and
    /// nobody else does.
    const LIST: [u8; 44] = *b"\x02\0\0\0\
        \x01\0\x06\0\xff\xff\xff\xff\
        \x02\0\x06\0\x92\x10\0\0\
        \x04\0\0\0\xff\xff\xff\xff\
        \x10\0\x06\0\xff\xff\xff\xff\
        \x20\0\0\0\xff\xff\xff\xff";

    #[test]
    fn mode_attributes_and_access_control_list_are_given_on() {
        let root = TestRoot::new().with("old", "x").with("new", "y");
        let path = |name: &str| root.root().join(name);
        set(&path("old"), "user.note", b"kept");
        set(&path("old"), "system.posix_acl_access", &LIST);
        let old = Attributes::of(&path("old")).unwrap();
        old.give(&File::open(path("new")).unwrap()).unwrap();
        assert_eq!(Attributes::of(&path("new")).unwrap(), old);
    }

    #[test]
    fn a_name_that_is_taken_stays_as_it_is() {
        let root = TestRoot::new().with("old", "x").with("new", "y");
        let path = |name: &str| root.root().join(name);
        let taken = rename_to_new(&path("new"), &path("old")).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(path("old")).unwrap(), b"x");
        rename_to_new(&path("new"), &path("free")).unwrap();
        assert_eq!(std::fs::read(path("free")).unwrap(), b"y");
    }
}
