//! Why what is loaded isn't started.

use super::Code;
use super::exit::Exit;
use std::io::{self, ErrorKind};

/// Why what is loaded isn't started.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum ExecError {
    #[error("nothing is loaded; load a kernel first (`baton load`)")]
    NothingLoaded,
    #[error("the kernel refused to start what is loaded: {0}; {fix}", fix = fix(.0))]
    Reboot(io::Error),
    #[error(
        "no orderly shutdown: this machine's init system isn't known to shut down into a loaded kernel; stop services yourself and use --now"
    )]
    NoOrderlyWay,
    #[error(
        "{name} at {address}: {effect} ({reference}); restart through the firmware with --real-reboot, or use --ignore-quirks"
    )]
    Quirk {
        address: String,
        name: &'static str,
        effect: &'static str,
        reference: &'static str,
    },
    #[error("{command}: {why}; or use --now")]
    Init { command: String, why: String },
}

/// What to do where reboot(2) fails: `kernel_kexec` of kernel/kexec_core.c wants the lock of the loads, and something
/// that is loaded.
fn fix(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => "run as root",
        ErrorKind::ResourceBusy => "wait for the load or kexec that is in progress, and try again",
        ErrorKind::InvalidInput => "load a kernel first (`baton load`)",
        _ => "see the kernel's log (dmesg)",
    }
}

impl ExecError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            ExecError::NothingLoaded => (Exit::NothingLoaded, "nothing-loaded"),
            // As where loading isn't permitted (`refusal::exit_of_kexec`).
            ExecError::Reboot(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                (Exit::NotPermitted, "reboot")
            }
            ExecError::Reboot(_) => (Exit::Kernel, "reboot"),
            ExecError::NoOrderlyWay => (Exit::Unsupported, "no-orderly-way"),
            ExecError::Quirk { .. } => (Exit::Unsupported, "quirk"),
            ExecError::Init { .. } => (Exit::Failed, "init"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_depends_on_why_the_kernel_refused() {
        // EPERM, EBUSY, EINVAL and EIO of asm-generic/errno-base.h
        for (errno, fix) in [
            (1, "run as root"),
            (16, "try again"),
            (22, "load a kernel first"),
            (5, "dmesg"),
        ] {
            let error = ExecError::Reboot(io::Error::from_raw_os_error(errno));
            assert!(error.to_string().contains(fix), "{error}");
            let code = match errno {
                1 => Exit::NotPermitted,
                _ => Exit::Kernel,
            };
            assert_eq!(error.code().0, code);
        }
    }
}
