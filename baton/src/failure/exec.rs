//! Why what is loaded isn't started.

use super::Code;
use super::exit::Exit;

/// Why what is loaded isn't started.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum ExecError {
    #[error("nothing is loaded; load a kernel first (`baton load`)")]
    NothingLoaded,
    #[error("the kernel refused to start what is loaded: {0}; run as root")]
    Reboot(std::io::Error),
    #[error(
        "no orderly way: the init system here isn't known to shut down into a loaded kernel; stop services yourself and use --now"
    )]
    NoOrderlyWay,
    #[error("{command}: {why}; or use --now")]
    Init { command: String, why: String },
}

impl ExecError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            ExecError::NothingLoaded => (Exit::NothingLoaded, "nothing-loaded"),
            ExecError::Reboot(_) => (Exit::Kernel, "reboot"),
            ExecError::NoOrderlyWay => (Exit::Unsupported, "no-orderly-way"),
            ExecError::Init { .. } => (Exit::Failed, "init"),
        }
    }
}
