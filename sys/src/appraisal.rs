//! Whether a file carries what IMA appraises it by.

use rustix::buffer::spare_capacity;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::path::Path;

/// The largest list of extended attributes and the largest value (XATTR_LIST_MAX and XATTR_SIZE_MAX of
/// linux/limits.h).
pub(crate) const MAX_XATTR: usize = 1 << 16;

/// The attribute with the digest or signature by which IMA appraises a file (linux/xattr.h: XATTR_NAME_IMA).
pub(crate) const IMA: &CStr = c"security.ima";

/// Whether a file has the digest or signature by which IMA appraises it. A copy of its bytes doesn't have it.
#[must_use]
pub fn has_ima(file: &File) -> bool {
    has(file, IMA)
}

/// What IMA appraises a file by, if it has that.
///
/// # Errors
/// Those of getxattr(2).
pub fn ima(path: &Path) -> io::Result<Option<Vec<u8>>> {
    get(path, IMA)
}

fn get(path: &Path, name: &CStr) -> io::Result<Option<Vec<u8>>> {
    let mut value = Vec::with_capacity(MAX_XATTR);
    match rustix::fs::getxattr(path, name, spare_capacity(&mut value)) {
        Ok(_) => Ok(Some(value)),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Gives a file what IMA appraises it by. Only root may.
///
/// # Errors
/// Those of setxattr(2).
pub fn set_ima(path: &Path, value: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::setxattr(path, IMA, value, XattrFlags::empty())?)
}

fn has(file: &File, name: &CStr) -> bool {
    let mut value = Vec::with_capacity(1);
    // A longer value gives ERANGE.
    let result = rustix::fs::fgetxattr(file, name, spare_capacity(&mut value));
    matches!(result, Ok(_) | Err(Errno::RANGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;
    use rustix::fs::fsetxattr;

    #[test]
    fn an_attribute_is_seen_whatever_its_length() {
        let root = TestRoot::new().with("file", "x");
        let file = File::open(root.root().join("file")).unwrap();
        let name = c"user.ima";
        assert!(!has(&file, name));
        for value in [&b""[..], b"\x04", b"\x03\x02\x04 and a long signature"] {
            fsetxattr(&file, name, value, XattrFlags::empty()).unwrap();
            assert!(has(&file, name), "{value:?}");
        }
        assert!(!has_ima(&file));
    }

    #[test]
    fn an_attribute_is_read_whole() {
        let root = TestRoot::new().with("file", "x");
        let path = root.root().join("file");
        let name = c"user.ima";
        assert_eq!(get(&path, name).unwrap(), None);
        let value = vec![3; 600];
        rustix::fs::setxattr(&path, name, &value, XattrFlags::empty()).unwrap();
        assert_eq!(get(&path, name).unwrap(), Some(value));
        assert!(get(&root.root().join("none"), name).is_err());
    }
}
