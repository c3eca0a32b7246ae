//! The directory below which `/proc`, `/sys` and `/boot` are looked for, or what was saved of them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The root of the file system that is asked: `/`, a directory that describes another machine, or what was
/// saved of one.
#[derive(Debug, Clone)]
pub struct Root {
    path: PathBuf,
    saved: Option<Arc<Files>>,
    recorded: Option<Arc<Mutex<Files>>>,
}

/// Files by their paths below the root. A path that ends with `/` is a directory, or something else of which
/// no more is known than that it is there.
pub type Files = BTreeMap<String, Vec<u8>>;

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
        Root::at("/")
    }

    /// A directory that holds `proc/`, `sys/`… as the system's root would.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Root {
        Root {
            path: path.into(),
            saved: None,
            recorded: None,
        }
    }

    /// What was saved of a machine ([`Root::recorded`]): only what was read then is there.
    #[must_use]
    pub fn saved(files: Files) -> Root {
        Root {
            // Whoever wants a path gets one where nothing is.
            path: PathBuf::from("/dev/null/saved"),
            saved: Some(Arc::new(files)),
            recorded: None,
        }
    }

    /// The running system; all that is read is kept besides.
    #[must_use]
    pub fn recording() -> Root {
        Root {
            recorded: Some(Arc::default()),
            ..Root::system()
        }
    }

    /// All that has been read, if that is kept.
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

    /// Keeps a file, where what is read is kept.
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

    /// Whether this is a folder that describes a machine, and need not tell everything.
    #[must_use]
    pub fn is_description(&self) -> bool {
        !self.is_system() && self.saved.is_none()
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
        self.path.join(path)
    }

    /// Whether `path` is there.
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

    /// The bytes of a file, `None` where there is no such file.
    ///
    /// # Errors
    /// What reading gives, but for "not found"; the path is in the message.
    pub fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
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
