//! How a command fails: a typed cause, from which follow the exit code, a stable word for programs, and one line
//! for a person.
//!
//! The causes of each area are an enum here, with the texts and, below them, exit code and word. What handles
//! a failure matches on its cause, never on its words.

pub mod boot_count;
pub mod capture;
pub mod dump;
pub mod exec;
pub mod exit;
pub mod gate;
pub mod input;
pub mod io;
pub mod key;
pub mod keys;
pub mod load;
pub mod output;
pub mod problem;
pub mod refusal;
pub mod setup;
pub mod sign;
pub mod store;
pub mod token;

pub use io::{Attempt, IoError};
pub use refusal::Refused;

use baton_sys::{KexecError, ReadError};
use baton_verify::{Reason, Refusal, TrustError};
use exit::Exit;
use problem::Problem;
use std::fmt;

/// The exit code of a cause, and its stable word, as `unsigned` or `ENOKEY`.
pub type Code = (Exit, &'static str);

/// A failed command.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub cause: Box<Cause>,
    /// The command has reported it already, and only the exit code is missing.
    pub is_reported: bool,
}

/// What commands return.
pub type Result<T> = std::result::Result<T, Failure>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The argument parser's, in its words.
    #[error("{0}")]
    Arguments(String),
    /// A file that Baton works on.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Something that the system shows about itself.
    #[error("{0}{advice}", advice = if is_denied(.0) { "; run as root" } else { "" })]
    System(#[from] ReadError),
    /// What is to be written.
    #[error(transparent)]
    Output(#[from] output::OutputError),
    /// A file or a text that was given.
    #[error(transparent)]
    Input(#[from] input::InputError),
    /// The verdict of `baton_verify`.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The kernel's system call.
    #[error(transparent)]
    Kexec(#[from] KexecError),
    /// What stands against a load.
    #[error(transparent)]
    Load(#[from] load::LoadError),
    /// What Baton keeps for itself.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// Counting attempts to start kernels.
    #[error(transparent)]
    BootCount(#[from] boot_count::BootCountError),
    /// Starting what is loaded.
    #[error(transparent)]
    Exec(#[from] exec::ExecError),
    /// Building or reading a gate.
    #[error(transparent)]
    Gate(#[from] gate::GateError),
    /// Signing.
    #[error(transparent)]
    Sign(#[from] sign::SignError),
    /// Keys in tokens.
    #[error(transparent)]
    Token(#[from] token::TokenError),
    /// Making, finding and enrolling keys.
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
    /// Setting a machine up.
    #[error(transparent)]
    Setup(#[from] setup::SetupError),
    /// Preparing a capture.
    #[error(transparent)]
    Capture(#[from] Problem),
    /// What becomes of a capture that was prepared.
    #[error(transparent)]
    CaptureState(#[from] capture::CaptureError),
    /// Dumps.
    #[error(transparent)]
    Dump(#[from] dump::DumpFailure),
    /// A cause, and what it is about.
    #[error("{subject}: {cause}")]
    About {
        /// What it is about.
        subject: String,
        /// The cause.
        cause: Box<Cause>,
    },
    /// A cause, and what else is to be said.
    #[error("{cause}; {remark}")]
    Remarked {
        /// The cause.
        cause: Box<Cause>,
        /// What else is to be said.
        remark: String,
    },
    /// Neither load route is open.
    #[error("by direct kexec: {kernel}; through the gate: {gate}")]
    NoRoute {
        /// Why not by direct kexec.
        kernel: Box<Cause>,
        /// Why not through the gate.
        gate: Box<Cause>,
    },
}

impl Cause {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Cause::Arguments(_) => (Exit::Usage, "usage"),
            Cause::Io(e) => e.code(),
            Cause::System(e) if is_denied(e) => (Exit::NotPermitted, "not-root"),
            Cause::System(_) => (Exit::Failed, "io"),
            Cause::Output(e) => e.code(),
            Cause::Input(e) => e.code(),
            Cause::Refused(e) => e.code(),
            Cause::Kexec(e) => (refusal::exit_of_kexec(e), e.name()),
            Cause::Load(e) => e.code(),
            Cause::Store(e) => e.code(),
            Cause::BootCount(e) => e.code(),
            Cause::Exec(e) => e.code(),
            Cause::Gate(e) => e.code(),
            Cause::Sign(e) => e.code(),
            Cause::Token(e) => e.code(),
            Cause::Keys(e) => e.code(),
            Cause::Setup(e) => e.code(),
            Cause::Capture(e) => e.code(),
            Cause::CaptureState(e) => e.code(),
            Cause::Dump(e) => e.code(),
            Cause::About { cause, .. } | Cause::Remarked { cause, .. } => cause.code(),
            // Without a gate there was one route only, and its reason counts.
            Cause::NoRoute { kernel, gate } => match **gate {
                Cause::Load(load::LoadError::NoGate { .. }) => kernel.code(),
                _ => gate.code(),
            },
        }
    }
}

impl Cause {
    fn reason(&self) -> Option<&Reason> {
        match self {
            Cause::Refused(refused) => Some(&refused.reason),
            Cause::About { cause, .. } | Cause::Remarked { cause, .. } => cause.reason(),
            _ => None,
        }
    }
}

fn is_denied(error: &ReadError) -> bool {
    error.error.kind() == std::io::ErrorKind::PermissionDenied
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Failure {
    /// What the process ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.cause.code().0
    }

    /// A short stable word for the cause.
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.cause.code().1
    }

    /// The verdict's reason, if the cause is a refusal by `baton_verify`.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.cause.reason()
    }

    /// Whether something of the system is shown to root alone.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(&*self.cause, Cause::System(error) if is_denied(error))
    }

    /// The same failure, marked as reported.
    #[must_use]
    pub fn reported(self) -> Failure {
        self.reported_if(true)
    }

    /// The same failure, marked as reported if `is_reported`.
    #[must_use]
    pub fn reported_if(self, is_reported: bool) -> Failure {
        Failure {
            is_reported,
            ..self
        }
    }

    /// With what it is about before it.
    #[must_use]
    pub fn about(self, subject: impl fmt::Display) -> Failure {
        let subject = subject.to_string();
        Failure::from(Cause::About {
            subject,
            cause: self.cause,
        })
    }

    /// With something else to be said after it.
    #[must_use]
    pub fn remarked(self, remark: impl Into<String>) -> Failure {
        Failure::from(Cause::Remarked {
            cause: self.cause,
            remark: remark.into(),
        })
    }
}

impl<C: Into<Cause>> From<C> for Failure {
    fn from(cause: C) -> Failure {
        Failure {
            cause: Box::new(cause.into()),
            is_reported: false,
        }
    }
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Cause {
        Refused::from(refusal).into()
    }
}

impl From<TrustError> for Cause {
    fn from(error: TrustError) -> Cause {
        Refusal::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_sys::kexec_error::Load;
    use std::path::Path;

    #[test]
    fn the_kernels_refusals_end_with_the_code_of_their_cause() {
        // ENOKEY, EPERM, ENOEXEC, EADDRNOTAVAIL, ENOSYS and EBUSY of asm-generic/errno.h
        for (errno, exit) in [
            (126, Exit::Untrusted),
            (1, Exit::NotPermitted),
            (8, Exit::Malformed),
            (99, Exit::NoRoom),
            (38, Exit::Unsupported),
            (16, Exit::Kernel),
        ] {
            let failure = Failure::from(KexecError::new(Load::Normal, errno));
            assert_eq!(failure.exit(), exit);
        }
    }

    #[test]
    fn a_file_only_root_may_read_is_a_matter_of_permission() {
        let denied = || std::io::Error::new(std::io::ErrorKind::PermissionDenied, "denied");
        let system = Failure::from(ReadError::new(Path::new("x"), denied()));
        assert_eq!(
            (system.exit(), system.word()),
            (Exit::NotPermitted, "not-root")
        );
        assert_eq!(system.to_string(), "x: can't be read: denied; run as root");
        let file = Failure::from(IoError::reading(Path::new("x"), denied()));
        assert_eq!((file.exit(), file.word()), (Exit::NotPermitted, "io"));
        assert!(system.is_denied() && !file.is_denied());
    }

    #[test]
    fn a_refusal_keeps_its_words_and_its_code() {
        let refusal = Refusal::new(baton_verify::Component::Kernel, Reason::Unsigned);
        let text = refusal.to_string();
        let failure = Failure::from(refusal);
        assert_eq!(
            (failure.exit(), failure.word()),
            (Exit::Untrusted, "unsigned")
        );
        assert_eq!(failure.to_string(), text);
        let told = failure.about("x").remarked("and y");
        assert_eq!(told.to_string(), format!("x: {text}; and y"));
        assert_eq!(told.reason(), Some(&Reason::Unsigned));
    }
}
