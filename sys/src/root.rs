//! The directory below which `/proc`, `/sys` and `/boot` are looked for.

use std::io;
use std::path::{Path, PathBuf};

/// The root of the file system that is asked: `/`, or a directory made by a test.
#[derive(Debug, Clone)]
pub struct Root(PathBuf);

/// What the kernel shows of itself here. Of what isn't mounted nothing is known: a file that isn't there
/// says "no" only where it would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// `/proc`.
    pub proc: bool,
    /// `/sys`.
    pub sys: bool,
    /// `/sys/kernel/security`.
    pub security: bool,
}

impl Root {
    /// The running system.
    #[must_use]
    pub fn system() -> Root {
        Root(PathBuf::from("/"))
    }

    /// A directory that holds `proc/`, `sys/`… as the system's root would.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Root {
        Root(path.into())
    }

    /// Whether this is the running system.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// Which of the kernel's accounts of itself are mounted.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown {
            proc: self.exists("proc/self"),
            sys: self.exists("sys/kernel"),
            // securityfs has this file whatever modules there are (security/inode.c).
            security: self.exists("sys/kernel/security/lsm"),
        }
    }

    /// Where `path` (relative, as in `proc/keys`) is.
    #[must_use]
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.join(path)
    }

    /// Whether `path` is there.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.join(path).exists()
    }

    /// The bytes of a file, `None` where there is no such file.
    ///
    /// # Errors
    /// What reading gives, but for "not found"; the path is in the message.
    pub fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let whole = self.join(path);
        match crate::file::read_regular(&whole) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io::Error::new(
                e.kind(),
                format!("{}: {e}", whole.display()),
            )),
        }
    }

    /// As [`Root::read`], as text; bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// As [`Root::read`].
    pub fn read_text(&self, path: &str) -> io::Result<Option<String>> {
        Ok(self
            .read(path)?
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A number in decimal, as most files under `/sys` and `/proc/sys` hold one; `None` where the
    /// file is missing or holds something else.
    ///
    /// # Errors
    /// As [`Root::read`].
    pub fn read_number(&self, path: &str) -> io::Result<Option<i64>> {
        Ok(self
            .read_text(path)?
            .and_then(|text| text.trim().parse().ok()))
    }
}
