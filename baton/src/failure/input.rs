//! Files and texts that were given, and aren't what they have to be.

use super::Code;
use super::exit::Exit;
use baton_formats::manifest::{LineProblem, ManifestError};
use baton_formats::verdict::VerdictError;
use baton_sys::limits::LARGEST_FILE;
use std::path::PathBuf;

/// What is wrong with PEM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum PemError {
    #[error("a PEM block's END line is missing or doesn't match its BEGIN line")]
    NoEnd,
    #[error("a PEM block with nothing in it")]
    Empty,
    #[error("broken PEM: {0}")]
    Broken(pem_rfc7468::Error),
}

/// What is wrong with a file or a text that was given.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum InputError {
    #[error("{}: the file is empty; {advice}", .path.display())]
    Empty { path: PathBuf, advice: &'static str },
    #[error("the file ends within its headers; get it again from its origin")]
    HeadersCut,
    #[error("{}: it isn't text in UTF-8; save it as that, or name another file", .path.display())]
    NotText { path: PathBuf },
    #[error("no room: the kernel reads at most {}, and {what} has {} MiB; use a smaller one", limit_of_kernels(*.limit), .len.div_ceil(1 << 20))]
    TooLarge { what: String, len: u64, limit: u64 },
    #[error("no room: {} MiB are needed, and {} MiB are all that is free; free some memory, or use a smaller file", .needed.div_ceil(1 << 20), .free >> 20)]
    NoMemory { needed: u64, free: u64 },
    #[error("command line refused: it contains a line break (remove it)")]
    CommandLineEnd,
    #[error("{}: {why}; give an X.509 certificate in PEM or DER", .path.display())]
    Certificate { path: PathBuf, why: String },
    /// A certificate that is as it should be, of a key that is accepted nowhere here: the code is that of a
    /// signature by it.
    #[error("{}: {why}", .path.display())]
    UnusableKey { path: PathBuf, why: String },
    #[error("{}: {why}", .path.display())]
    Signature { path: PathBuf, why: String },
    #[error("{what} refused: {} is {name}, and not a kernel that can be started here ({advice})", .path.display())]
    NotAKernel {
        what: &'static str,
        path: PathBuf,
        name: String,
        advice: &'static str,
    },
    #[error("{} refused: of no format that can be booted, and nothing vouches for it (sign it, or list it in a manifest)", .path.display())]
    NoFormat { path: PathBuf },
    #[error("{} refused: it is {name}, and nobody signed it (sign it, or list it in a manifest; if it is a compressed kernel, decompress it)", .path.display())]
    UnsignedInitrd { path: PathBuf, name: String },
    #[error("{}: {why}", .path.display())]
    NothingToShow { path: PathBuf, why: String },
    #[error("{}: {why}", .path.display())]
    Policy { path: PathBuf, why: String },
    #[error("{}: not a saved state: {why}; save one with `baton status --save FILE`", .path.display())]
    SavedState { path: PathBuf, why: String },
    #[error("{}: {why}; give a certificate, a firmware's variable store (VARS.fd), or a state saved by `baton status --save`", .path.display())]
    NothingToJudgeBy { path: PathBuf, why: String },
    #[error("the machine's state can't be written: {0}")]
    UnsavedState(serde_json::Error),
    #[error("{}: not a directory; name one in which a machine's /proc and /sys are described", .path.display())]
    NotADirectory { path: PathBuf },
    #[error("the record that the gate left: {0}{fix}", fix = match .0 {
        VerdictError::Version(_) => "",
        _ => "; read it with the baton of the gate's release",
    })]
    GateRecord(VerdictError),
    #[error("{destination}: {error}")]
    Manifest {
        destination: String,
        error: ManifestError,
    },
    #[error(
        "{option}: a text in a manifest is one line of printable ASCII, not empty, and neither begins nor ends with a space"
    )]
    ManifestText { option: &'static str },
    #[error("{option}: it {problem}")]
    ManifestLine {
        option: &'static str,
        problem: LineProblem,
    },
}

fn limit_of_kernels(limit: u64) -> &'static str {
    if limit < LARGEST_FILE {
        "2 GiB (4 GiB since Linux 6.0)"
    } else {
        "4 GiB (2 GiB on older ones)"
    }
}

impl InputError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            InputError::Empty { .. } => (Exit::Malformed, "empty"),
            InputError::NotText { .. } => (Exit::Malformed, "not-text"),
            InputError::TooLarge { .. } => (Exit::NoRoom, "file-too-large"),
            InputError::NoMemory { .. } => (Exit::NoRoom, "no-room"),
            InputError::CommandLineEnd => (Exit::Malformed, "command-line-newline"),
            InputError::Certificate { .. } => (Exit::Malformed, "bad-certificate"),
            InputError::UnusableKey { .. } => (Exit::Untrusted, "unusable-key"),
            InputError::Signature { .. } => (Exit::Malformed, "malformed-signature"),
            InputError::NotAKernel { .. } => (Exit::Malformed, "not-a-kernel"),
            InputError::HeadersCut
            | InputError::NoFormat { .. }
            | InputError::NothingToShow { .. } => (Exit::Malformed, "bad-image"),
            InputError::UnsignedInitrd { .. } => (Exit::Untrusted, "unsigned"),
            InputError::Policy { .. } => (Exit::Malformed, "bad-policy"),
            InputError::SavedState { .. } => (Exit::Malformed, "bad-state"),
            InputError::NothingToJudgeBy { .. } => (Exit::Malformed, "nothing-to-judge-by"),
            InputError::UnsavedState(_) => (Exit::Failed, "failed"),
            InputError::GateRecord(_) => (Exit::Malformed, "bad-record"),
            InputError::NotADirectory { .. }
            | InputError::Manifest { .. }
            | InputError::ManifestText { .. }
            | InputError::ManifestLine { .. } => (Exit::Usage, "usage"),
        }
    }
}
