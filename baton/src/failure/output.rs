//! Why a file isn't written, where the system would let it be.

use super::Code;
use super::exit::Exit;
use std::path::PathBuf;

/// Why a file isn't written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum OutputError {
    #[error("{}: a directory; name a file in it", .path.display())]
    Directory { path: PathBuf },
    #[error("the name of the file to write is empty")]
    EmptyName,
    /// Also by a link to what isn't there: somebody else may have put it there, and chosen where the file goes.
    #[error("{}: {}", .path.display(), match .is_link {
        true => "a symbolic link to a file that doesn't exist; write to another file, or to the one that it points to with --force",
        false => "already exists; write to another file, or replace it with --force",
    })]
    Exists { path: PathBuf, is_link: bool },
    #[error("{}: it is the same file as the input {}; name another file to write to", .path.display(), .input.display())]
    IsInput { path: PathBuf, input: PathBuf },
    #[error("{}: a hundred temporary files lie beside it; remove .baton.*", .path.display())]
    TemporaryFiles { path: PathBuf },
    #[error("standard output is for the report; name a file to save to")]
    StdoutIsForReport,
    #[error("standard output is a terminal: send the dump to a file or a program")]
    Terminal,
}

impl OutputError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            OutputError::EmptyName
            | OutputError::IsInput { .. }
            | OutputError::StdoutIsForReport
            | OutputError::Terminal => (Exit::Usage, "usage"),
            OutputError::Exists { .. } => (Exit::Failed, "exists"),
            OutputError::Directory { .. } | OutputError::TemporaryFiles { .. } => {
                (Exit::Failed, "failed")
            }
        }
    }
}
