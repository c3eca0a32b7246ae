//! Why a step of a setup fails, or nobody can be asked about it.

use super::Code;
use super::exit::Exit;

/// Why a step of a setup fails, or nobody can be asked about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum SetupError {
    #[error("nobody to ask whether to go on; give --yes to do it, or --dry-run to see the plan")]
    NobodyToAsk,
    #[error("nothing was done")]
    Declined,
    #[error("--crashkernel: \"{given}\" isn't a size; give one like 256M")]
    Size { given: String },
    #[error(
        "how this machine's boot loader is told isn't known; add crashkernel= to the kernel's command line in its configuration"
    )]
    NoBootLoader,
    #[error("{command}: {why}")]
    Command { command: String, why: String },
}

impl SetupError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            SetupError::NobodyToAsk | SetupError::Size { .. } => (Exit::Usage, "usage"),
            SetupError::Declined => (Exit::Failed, "declined"),
            SetupError::NoBootLoader => (Exit::Unsupported, "no-boot-loader"),
            SetupError::Command { .. } => (Exit::Failed, "command"),
        }
    }
}
