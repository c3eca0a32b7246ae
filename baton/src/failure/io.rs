//! I/O errors: what was attempted, on which path, and what the system said.

use super::Code;
use super::exit::Exit;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What was attempted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// Opening or reading it.
    Read,
    /// Writing it.
    Write,
    /// Making a temporary file for it in this directory.
    CreateIn(PathBuf),
    /// Making the directory.
    CreateDirectory,
    /// Removing it.
    Remove,
    /// Giving it the attribute that IMA appraises it by.
    SetIma,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attempt::Read => f.write_str("can't be read"),
            Attempt::Write => f.write_str("can't be written"),
            Attempt::CreateIn(directory) => {
                write!(f, "no file can be made in {}", directory.display())
            }
            Attempt::CreateDirectory => f.write_str("the directory can't be made"),
            Attempt::Remove => f.write_str("can't be removed"),
            Attempt::SetIma => f.write_str("security.ima can't be set"),
        }
    }
}

/// A file that couldn't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {attempt}: {error}{}", .path.display(), self.advice())]
pub struct IoError {
    /// What was attempted.
    pub attempt: Attempt,
    /// On which path.
    pub path: PathBuf,
    /// What the system said.
    pub error: io::Error,
}

impl IoError {
    /// The error of this attempt.
    #[must_use]
    pub fn new(attempt: Attempt, path: &Path, error: io::Error) -> IoError {
        IoError {
            attempt,
            path: path.to_owned(),
            error,
        }
    }

    /// The error of reading a file.
    #[must_use]
    pub fn reading(path: &Path, error: io::Error) -> IoError {
        IoError::new(Attempt::Read, path, error)
    }

    fn advice(&self) -> &'static str {
        match self.error.kind() {
            io::ErrorKind::NotFound if self.path == Path::new("-") => {
                "; to read standard input, name /dev/stdin"
            }
            _ => "",
        }
    }

    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.error.kind() {
            io::ErrorKind::PermissionDenied => (Exit::NotPermitted, "io"),
            _ => (Exit::Failed, "io"),
        }
    }
}
