//! Why what Baton keeps for itself can't be read or written.

use super::Code;
use super::exit::Exit;

/// What is said of a file that can't be read as what it has to be.
#[derive(Debug, Clone, Copy)]
pub struct Otherwise {
    /// What it should be: `a record of a load`.
    pub what: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    /// The word for programs.
    pub word: &'static str,
}

/// Why it can't be read or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum StoreError {
    #[error("/{path}: not {}: {error}; {}", .otherwise.what, .otherwise.fix)]
    Bad {
        path: &'static str,
        otherwise: Otherwise,
        error: serde_json::Error,
    },
    #[error(transparent)]
    Unwritten(serde_json::Error),
}

impl StoreError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            StoreError::Bad { otherwise, .. } => (Exit::Malformed, otherwise.word),
            StoreError::Unwritten(_) => (Exit::Failed, "failed"),
        }
    }
}
