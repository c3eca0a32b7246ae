//! The running kernel's command line.

use crate::{ReadError, Root};
use std::io;
use std::path::Path;

/// `/proc/cmdline` without its line end.
///
/// # Errors
/// When it can't be read.
pub fn current(root: &Root) -> Result<Vec<u8>, ReadError> {
    let mut line = root.read("proc/cmdline")?.ok_or_else(|| {
        let why = io::Error::new(io::ErrorKind::NotFound, "it isn't there; mount /proc");
        ReadError::new(Path::new("/proc/cmdline"), why)
    })?;
    while line.last().is_some_and(|b| matches!(b, b'\n' | 0)) {
        line.pop();
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    #[test]
    fn the_line_end_is_not_part_of_it() {
        let t = TestRoot::new().with("proc/cmdline", "a=1 b\n");
        assert_eq!(current(&t.root()).unwrap(), b"a=1 b");
    }
}
