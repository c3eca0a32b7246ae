//! Writes initramfs archives: the "newc" format of
//! Documentation/driver-api/early-userspace/buffer-format.rst.

use anyhow::{Context, Result};

/// An archive being written.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;

impl Archive {
    /// An empty directory.
    pub fn directory(&mut self, path: &str) -> Result<()> {
        self.entry(path, DIRECTORY, &[])
    }

    /// A file that may be run.
    pub fn file(&mut self, path: &str, contents: &[u8]) -> Result<()> {
        self.entry(path, PROGRAM, contents)
    }

    /// The finished archive.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, &[])?;
        Ok(self.bytes)
    }

    fn entry(&mut self, path: &str, mode: u32, contents: &[u8]) -> Result<()> {
        self.entries += 1;
        let size = u32::try_from(contents.len()).context("a file of 4 GiB or more")?;
        let name_size = u32::try_from(path.len() + 1)?;
        // ino, mode, uid, gid, nlink, mtime, filesize, dev (2), rdev (2), namesize, check
        let fields = [
            self.entries,
            mode,
            0,
            0,
            1,
            0,
            size,
            0,
            0,
            0,
            0,
            name_size,
            0,
        ];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(contents);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_sized_as_the_kernel_expects() {
        let mut archive = Archive::default();
        archive.file("init", b"hello").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(&bytes[..6], b"070701");
        assert_eq!(&bytes[54..62], b"00000005");
        assert_eq!(&bytes[110..115], b"init\0");
        assert_eq!(&bytes[116..121], b"hello");
        assert_eq!(&bytes[124..130], b"070701");
    }
}
