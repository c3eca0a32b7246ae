//! Why a gate can't be built, or what is given as one isn't a gate.

use super::Code;
use super::exit::Exit;
use baton_formats::gate_image::GateInfoError;
use baton_formats::pe::PeError;
use std::path::PathBuf;

/// Why a gate can't be built or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum GateError {
    #[error("{}: {why}", .path.display())]
    NotAGate { path: PathBuf, why: String },
    #[error("{}: {why}; build the gate again", .path.display())]
    BadPolicy { path: PathBuf, why: String },
    #[error("not the stub of a gate: {0}; give Baton's gate stub")]
    NotAStub(#[from] StubProblem),
    #[error("its header has no room for more sections; give Baton's gate stub")]
    NoRoomForSections,
    #[error("the result would be malformed: {0}")]
    Result(StubProblem),
    #[error(
        "what is added doesn't fit before the memory the gate works in; add fewer certificates or revocations"
    )]
    TooLarge,
    #[error("{}: {why}", .path.display())]
    Revocations { path: PathBuf, why: String },
    #[error("{}: the certificate of \"{subject}\" is given twice; leave one out", .path.display())]
    Twice { path: PathBuf, subject: String },
    #[error("{}: not SBAT metadata: {why}", .path.display())]
    Sbat { path: PathBuf, why: String },
}

/// Why a file isn't the stub of a gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum StubProblem {
    #[error(transparent)]
    Pe(#[from] PeError),
    #[error(transparent)]
    Info(#[from] GateInfoError),
    #[error("it is signed already")]
    Signed,
    #[error("it is a gate that was built already")]
    Built,
    #[error("it is {found} bytes long and says {stated}")]
    Length { found: usize, stated: u32 },
}

impl GateError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            GateError::NotAGate { .. }
            | GateError::BadPolicy { .. }
            | GateError::NotAStub(_)
            | GateError::NoRoomForSections => (Exit::Malformed, "bad-gate"),
            GateError::Result(_) => (Exit::Failed, "failed"),
            GateError::TooLarge => (Exit::NoRoom, "too-large"),
            GateError::Revocations { .. } => (Exit::Malformed, "bad-revocations"),
            GateError::Twice { .. } => (Exit::Usage, "usage"),
            GateError::Sbat { .. } => (Exit::Malformed, "bad-sbat"),
        }
    }
}
