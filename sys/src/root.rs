//! The root below which `/proc`, `/sys` and `/boot` are read: a directory, or files saved from a machine.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The root below which files are read: `/`, a directory that describes another machine, or files saved from a
/// machine.
#[derive(Debug, Clone)]
pub struct Root {
    path: PathBuf,
    saved: Option<Arc<Files>>,
    recorded: Option<Arc<Mutex<Files>>>,
}

/// The contents of files by their paths below the root. A path that ends with `/` is a directory, or a file of which
/// only the existence is known.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Which of the kernel's pseudo file systems are mounted. A missing file means "no" only if its file system is
/// mounted; otherwise nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// Whether `/proc` is mounted.
    pub proc: bool,
    /// Whether `/sys` is mounted.
    pub sys: bool,
    /// Whether `/sys/kernel/security` is mounted.
    pub security: bool,
}

/// Why something that the system shows can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: can't be read: {error}", .path.display())]
pub struct ReadError {
    /// What was to be read.
    pub path: PathBuf,
    /// Why it wasn't.
    pub error: io::Error,
}

impl ReadError {
    /// The error of reading this path.
    #[must_use]
    pub fn new(path: &Path, error: io::Error) -> ReadError {
        ReadError {
            path: path.to_owned(),
            error,
        }
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> io::Error {
        io::Error::new(error.error.kind(), error)
    }
}

impl Root {
    /// The running system.
    #[must_use]
    pub fn system() -> Root {
        Root::at("/")
    }

    /// A directory that contains `proc/`, `sys/` and so on, like the system's root.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Root {
        Root {
            path: path.into(),
            saved: None,
            recorded: None,
        }
    }

    /// Files saved from a machine by [`Root::recorded`]. Only what was read then exists.
    #[must_use]
    pub fn saved(files: Files) -> Root {
        Root {
            // Paths below it never exist.
            path: PathBuf::from("/dev/null/saved"),
            saved: Some(Arc::new(files)),
            recorded: None,
        }
    }

    /// The running system; everything that is read is also recorded.
    #[must_use]
    pub fn recording() -> Root {
        Root {
            recorded: Some(Arc::default()),
            ..Root::system()
        }
    }

    /// Everything that has been read, if this root records it.
    #[must_use]
    pub fn recorded(&self) -> Files {
        let Some(recorded) = &self.recorded else {
            return Files::new();
        };
        recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Records a file if this root records what is read.
    pub(crate) fn keep(&self, path: &str, bytes: &[u8]) {
        if let Some(recorded) = &self.recorded {
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            recorded.insert(path.to_owned(), bytes.to_vec());
        }
    }

    /// Whether this is the running system.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.path == Path::new("/")
    }

    /// Whether this is a directory that describes a machine, possibly incompletely.
    #[must_use]
    pub fn is_description(&self) -> bool {
        !self.is_system() && self.saved.is_none()
    }

    /// Which of the kernel's pseudo file systems are mounted.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown {
            proc: self.exists("proc/self"),
            sys: self.exists("sys/kernel"),
            // securityfs has this file whatever modules there are (security/inode.c).
            security: self.exists("sys/kernel/security/lsm"),
        }
    }

    /// The full path of `path`, which is relative, such as `proc/keys`.
    #[must_use]
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path.join(path)
    }

    /// Whether `path` exists.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        if let Some(saved) = &self.saved {
            let below = format!("{path}/");
            let mut from = saved.range(path.to_owned()..);
            return from.any(|(known, _)| known == path || known.starts_with(&below));
        }
        let exists = self.join(path).exists();
        if exists {
            self.keep(&format!("{path}/"), b"");
        }
        exists
    }

    /// The bytes of a file; `None` if it doesn't exist.
    ///
    /// # Errors
    /// Any error of reading except "not found".
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadError> {
        if let Some(saved) = &self.saved {
            return Ok(saved.get(path).cloned());
        }
        let whole = self.join(path);
        match crate::file::read_regular(&whole) {
            Ok(bytes) => {
                self.keep(path, &bytes);
                Ok(Some(bytes))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(ReadError::new(&whole, e)),
        }
    }

    /// The text of a file; `None` if it doesn't exist. Bytes that aren't UTF-8 are replaced.
    ///
    /// # Errors
    /// As [`Root::read`].
    pub fn read_text(&self, path: &str) -> Result<Option<String>, ReadError> {
        Ok(self
            .read(path)?
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The decimal number in a file, as in most files below `/sys` and `/proc/sys`; `None` if the file doesn't exist or
    /// contains something else.
    ///
    /// # Errors
    /// As [`Root::read`].
    pub fn read_number(&self, path: &str) -> Result<Option<i64>, ReadError> {
        Ok(self
            .read_text(path)?
            .and_then(|text| text.trim().parse().ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_there_again_and_nothing_else() {
        let running = Root::recording();
        let version = running.read("proc/version").unwrap();
        assert!(version.is_some() && running.exists("proc/self"));
        assert!(!running.exists("proc/no-such-file"));
        let saved = Root::saved(running.recorded());
        assert!(!saved.is_system());
        assert_eq!(saved.read("proc/version").unwrap(), version);
        assert!(saved.exists("proc") && saved.exists("proc/self"));
        assert!(!saved.exists("proc/vers"), "a part of a name is none");
        assert_eq!(saved.read("proc/uptime").unwrap(), None);
        assert!(!saved.join("proc/version").exists());
    }
}
