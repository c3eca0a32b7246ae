//! Whether a file carries what IMA appraises it by.

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use std::ffi::CStr;
use std::fs::File;

/// The attribute with the digest or signature by which IMA appraises a file (linux/xattr.h: XATTR_NAME_IMA).
pub(crate) const IMA: &CStr = c"security.ima";

/// Whether a file has the digest or signature by which IMA appraises it. A copy of its bytes doesn't have it.
#[must_use]
pub fn has_ima(file: &File) -> bool {
    has(file, IMA)
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
    use rustix::fs::{XattrFlags, fsetxattr};

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
}
