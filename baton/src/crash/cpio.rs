//! Writes initramfs archives: the "newc" format of
//! Documentation/driver-api/early-userspace/buffer-format.rst. The same entries give the same bytes.

use crate::failure::problem::Problem;

/// S_IFDIR, S_IFREG and S_IFCHR of include/uapi/linux/stat.h.
const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const CHARACTER_DEVICE: u32 = 0o020_000;

/// An archive being written.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

/// What an entry's header says, besides what is the same for all.
struct Header<'a> {
    path: &'a str,
    mode: u32,
    device: (u32, u32),
    len: u32,
}

impl Archive {
    /// An empty directory, which root alone may enter.
    pub fn directory(&mut self, path: &str) {
        self.entry(path, DIRECTORY | 0o700, (0, 0));
    }

    /// A character device of these numbers.
    pub fn character_device(&mut self, path: &str, device: (u32, u32)) {
        self.entry(path, CHARACTER_DEVICE | 0o600, device);
    }

    /// A file with these permissions.
    ///
    /// # Errors
    /// When it is 4 GiB long or longer.
    pub fn file(&mut self, path: &str, permissions: u32, contents: &[u8]) -> Result<(), Problem> {
        let len = u32::try_from(contents.len()).map_err(|_| Problem::TooLarge {
            name: path.to_owned(),
            size: contents.len() as u64,
        })?;
        self.header(&Header {
            path,
            mode: FILE | permissions,
            device: (0, 0),
            len,
        });
        self.bytes.extend(contents);
        self.pad();
        Ok(())
    }

    /// The archive, ended.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0));
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32)) {
        self.header(&Header {
            path,
            mode,
            device,
            len: 0,
        });
    }

    fn header(&mut self, header: &Header<'_>) {
        // Entries of the same number would be links to each other.
        self.entries += 1;
        let (major, minor) = header.device;
        let name_len = u32::try_from(header.path.len()).map_or(u32::MAX, |len| len + 1);
        let links = 1;
        // ino, mode, uid, gid, nlink, mtime, filesize, dev (2), rdev (2), namesize, check
        let fields = [
            self.entries,
            header.mode,
            0,
            0,
            links,
            0,
            header.len,
            0,
            0,
            major,
            minor,
            name_len,
            0,
        ];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(header.path.bytes());
        self.bytes.push(0);
        self.pad();
    }

    /// Names and contents end at a multiple of 4.
    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// An entry as it is read back by tests: path, mode, device, contents.
#[cfg(test)]
pub(crate) type Entry = (String, u32, (u32, u32), Vec<u8>);

/// A reader of what is written here, for tests.
#[cfg(test)]
pub(crate) fn entries(archive: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rest = archive;
    loop {
        assert_eq!(&rest[..6], b"070701");
        let field = |at: usize| {
            let digits = std::str::from_utf8(&rest[6 + at * 8..14 + at * 8]).unwrap();
            u32::from_str_radix(digits, 16).unwrap()
        };
        let name_len = field(11) as usize;
        let len = field(6) as usize;
        let name = String::from_utf8(rest[110..110 + name_len - 1].to_vec()).unwrap();
        assert_eq!(rest[110 + name_len - 1], 0);
        if name == "TRAILER!!!" {
            return entries;
        }
        let begin = (110 + name_len).next_multiple_of(4);
        let contents = rest[begin..begin + len].to_vec();
        entries.push((name, field(1), (field(9), field(10)), contents));
        rest = &rest[(begin + len).next_multiple_of(4)..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn archive() -> Vec<u8> {
        let mut archive = Archive::default();
        archive.directory("dev");
        archive.character_device("dev/console", (5, 1));
        archive.file("init", 0o755, b"hello").unwrap();
        archive.file("empty", 0o600, b"").unwrap();
        archive.finish()
    }

    #[test]
    fn entries_are_aligned_and_sized_as_the_kernel_expects() {
        let entries = entries(&archive());
        let expected = [
            ("dev", 0o040_700, (0, 0), ""),
            ("dev/console", 0o020_600, (5, 1), ""),
            ("init", 0o100_755, (0, 0), "hello"),
            ("empty", 0o100_600, (0, 0), ""),
        ];
        let expected = expected.map(|(path, mode, device, contents)| {
            (path.to_owned(), mode, device, contents.as_bytes().to_vec())
        });
        assert_eq!(entries, expected);
    }

    #[test]
    fn gnu_cpio_reads_it_where_it_is_installed() {
        let Ok(mut child) = Command::new("cpio")
            .args(["-t", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
        else {
            return;
        };
        child.stdin.take().unwrap().write_all(&archive()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            "dev\ndev/console\ninit\nempty\n"
        );
    }

    #[test]
    fn the_same_entries_give_the_same_bytes() {
        assert_eq!(archive(), archive());
    }
}
