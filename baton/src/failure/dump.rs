//! Why a dump can't be read, checked or converted.

use super::exit::Exit;
use super::{Cause, Code, IoError};
use baton_capture::trailer::TrailerError;
use baton_kdump::dump::DumpError;
use baton_kdump::write::WriteError;
use baton_sys::ReadError;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Why a dump can't be read, checked or converted.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum DumpFailure {
    #[error(transparent)]
    Dump(DumpError),
    #[error("{}: {error}", .path.display())]
    Trailer { path: PathBuf, error: TrailerError },
    #[error("{file}: {why}")]
    NoLog { file: String, why: String },
    #[error("{}: it has no SHA-256 digest of {name}: create it again with sha256sum, or remove it", .list.display())]
    NoDigest { list: PathBuf, name: String },
    #[error("{}: a directory with {count} dumps; name one of them (`baton dump list {}` shows what there is)", .directory.display(), .directory.display())]
    Directory { directory: PathBuf, count: usize },
    #[error("{file}: the dump isn't sound")]
    NotSound { file: String },
    #[error("{destination}: not a complete dump: {why}")]
    Incomplete { destination: String, why: String },
    #[error("{destination}: {error}")]
    NotConverted {
        destination: String,
        error: WriteError,
    },
    #[error("the dump to write isn't named; name it with --output")]
    NoOutput,
    #[error(
        "an ELF dump may have zeros in place of what is left out, which would be wrong page structures; leave out \
         --leave-out-structs, or write a kdump-compressed dump (--format kdump)"
    )]
    StructsOfElf,
    #[error("--split doesn't go with {with}: only kdump-compressed dumps in files can be split")]
    Unsplittable { with: &'static str },
}

impl DumpFailure {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            DumpFailure::Dump(DumpError::None)
            | DumpFailure::NoOutput
            | DumpFailure::StructsOfElf
            | DumpFailure::Unsplittable { .. }
            | DumpFailure::Directory { .. } => (Exit::Usage, "usage"),
            DumpFailure::Dump(_) | DumpFailure::Trailer { .. } => (Exit::Malformed, "bad-dump"),
            DumpFailure::NoLog { .. } | DumpFailure::NotConverted { .. } => {
                (Exit::Failed, "failed")
            }
            DumpFailure::NoDigest { .. } => (Exit::Malformed, "bad-digest"),
            DumpFailure::NotSound { .. } | DumpFailure::Incomplete { .. } => {
                (Exit::Failed, "damaged")
            }
        }
    }
}

impl From<DumpError> for Cause {
    fn from(error: DumpError) -> Cause {
        match error {
            // `/proc/vmcore` and partitions are root's.
            DumpError::Io(path, error) if error.kind() == ErrorKind::PermissionDenied => {
                ReadError { path, error }.into()
            }
            DumpError::Io(path, error) => IoError::reading(&path, error).into(),
            error => DumpFailure::Dump(error).into(),
        }
    }
}
