//! How a command fails: an exit code, a stable word for the reason, and one line for a person.

use crate::exit::Exit;
use baton_sys::KexecError;
use baton_sys::kexec_error::Cause;
use std::fmt;
use std::io;
use std::path::Path;

/// A failed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the process ends with.
    pub exit: Exit,
    /// A short stable word for the reason, as `unsigned` or `ENOKEY`.
    pub reason: String,
    /// One line: the thing, the reason, the fix.
    pub message: String,
    /// The command has told it already, and only the exit code is missing.
    pub told: bool,
}

/// What commands return.
pub type Result<T> = std::result::Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// With all its parts.
    pub fn new(exit: Exit, reason: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure {
            exit,
            reason: reason.into(),
            message: message.into(),
            told: false,
        }
    }

    /// What has no code of its own: a file or a program of the system's fails.
    pub fn failed(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Failed, "failed", message)
    }

    /// An input that was read, and isn't what it has to be here: malformed, cut off, or something else.
    pub fn malformed(reason: &str, message: impl Into<String>) -> Failure {
        Failure::new(Exit::Malformed, reason, message)
    }

    /// An input with nothing in it, and what to do.
    #[must_use]
    pub fn empty(path: &Path, advice: &str) -> Failure {
        let message = format!("{}: the file is empty; {advice}", path.display());
        Failure::malformed("empty", message)
    }

    /// A certificate that is as it should be, of a key that is accepted nowhere here: the code is that of a
    /// signature by it.
    #[must_use]
    pub fn unusable_key(path: &Path, why: &str) -> Failure {
        let message = format!("{}: {why}", path.display());
        Failure::new(Exit::Untrusted, "unusable-key", message)
    }

    /// A command line that can't be meant so, which shows only once the files that it names are looked at.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, "usage", message)
    }

    /// What would be written is larger than it may be.
    pub fn too_large(message: impl Into<String>) -> Failure {
        Failure::new(Exit::NoRoom, "too-large", message)
    }

    /// What is to be written is there already, and nobody said that it be replaced.
    pub fn exists(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Failed, "exists", message)
    }

    /// A file that couldn't be read or written.
    #[must_use]
    pub fn io(path: &Path, error: &io::Error) -> Failure {
        let exit = match error.kind() {
            io::ErrorKind::PermissionDenied => Exit::NotPermitted,
            _ => Exit::Failed,
        };
        let advice = match error.kind() {
            io::ErrorKind::NotFound if path == Path::new("-") => {
                "; to read standard input, name /dev/stdin"
            }
            _ => "",
        };
        Failure::new(exit, "io", format!("{}: {error}{advice}", path.display()))
    }

    /// Something of the system that couldn't be read; the path is in the error.
    #[must_use]
    pub fn system(error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::PermissionDenied {
            return Failure::new(
                Exit::NotPermitted,
                "not-root",
                format!("{error}: run as root"),
            );
        }
        Failure::new(Exit::Failed, "io", error.to_string())
    }
}

impl From<KexecError> for Failure {
    fn from(error: KexecError) -> Failure {
        let exit = match error.cause() {
            Cause::NotPermitted => Exit::NotPermitted,
            Cause::Signature => Exit::Untrusted,
            Cause::Malformed => Exit::Malformed,
            Cause::NoRoom => Exit::NoRoom,
            Cause::Unsupported => Exit::Unsupported,
            Cause::Request | Cause::Other => Exit::Kernel,
        };
        Failure::new(exit, error.name(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_sys::kexec_error::Load;

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
            assert_eq!(
                Failure::from(KexecError::new(Load::Normal, errno)).exit,
                exit
            );
        }
    }

    #[test]
    fn a_file_only_root_may_read_is_a_matter_of_permission() {
        let denied = io::Error::new(io::ErrorKind::PermissionDenied, "x: denied");
        assert_eq!(Failure::system(&denied).exit, Exit::NotPermitted);
        let failure = Failure::io(Path::new("x"), &denied);
        assert_eq!(failure.exit, Exit::NotPermitted);
    }
}
