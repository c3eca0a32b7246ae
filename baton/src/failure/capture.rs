//! What is wrong with a capture besides what stands against preparing one.

use super::Code;
use super::exit::Exit;

/// What is wrong with a capture, or with what is known of one.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum CaptureError {
    #[error("{target}: it isn't mounted now; mount it, and name its directory")]
    NotMountedNow { target: String },
    #[error("a crash now would not be captured as configured")]
    NotReady(NotReady),
}

/// Why a crash now wouldn't be captured as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    /// Nothing is known of it.
    NotKnown,
    /// The kernel has no kexec.
    NoKexec,
    /// No memory is reserved.
    NoCrashRegion,
    /// Nothing is loaded.
    NothingLoaded,
    /// Something else; the report says what.
    Problems,
}

impl CaptureError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            CaptureError::NotMountedNow { .. } => (Exit::Failed, "failed"),
            CaptureError::NotReady(why) => match why {
                NotReady::NotKnown => (Exit::Failed, "not-known"),
                NotReady::NoKexec => (Exit::Unsupported, "no-kexec"),
                NotReady::NoCrashRegion => (Exit::NoRoom, "no-crash-region"),
                NotReady::NothingLoaded => (Exit::NothingLoaded, "nothing-loaded"),
                NotReady::Problems => (Exit::NotReady, "not-ready"),
            },
        }
    }
}
