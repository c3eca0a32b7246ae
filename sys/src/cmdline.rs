//! The running kernel's command line.

use crate::Root;
use std::io;

/// `/proc/cmdline` without its line end.
///
/// # Errors
/// When it can't be read.
pub fn current(root: &Root) -> io::Result<Vec<u8>> {
    let mut line = root.read("proc/cmdline")?.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "/proc/cmdline: not there; mount /proc",
        )
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
