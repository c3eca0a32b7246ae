//! Why nothing is done: what is wrong with a command line, or isn't done by Baton; and the exit codes of kexec-tools.

use super::getopt::Misused;
use super::options::Opt;
use crate::failure::load::LoadError;
use crate::failure::{Cause, Failure};
use baton_sys::kexec_error;

/// Wrong use, or fatal.
pub const WRONG: u8 = 1;
/// It failed: -1 of kexec-tools.
pub const FAILED: u8 = 255;
/// The kernel lacks the system call: -3 of kexec-tools.
pub const NO_SYSTEM_CALL: u8 = 253;

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum Wrong {
    #[error("{0}; see kexec --help")]
    Misused(#[from] Misused),
    #[error("Bad option value in --{}={value}; give a number, as 0x1000000", .opt.name())]
    NotANumber { opt: Opt, value: String },
    #[error("Bad serial port base '{0}'; give {1}")]
    SerialPort(String, &'static str),
    #[error("Bad serial port baud rate '{0}'; give a divisor of 115200, from 9600")]
    SerialBaud(String),
    #[error("option '--{}' goes with loading a kernel alone; add -l or -p, or leave it out", .0.name())]
    NothingIsLoaded(Opt),
    #[error("Unsupported kernel type {name}; leave -t out, or give one of {known}")]
    UnknownType { name: String, known: String },
    #[error("no {0} kernel is booted by Baton; leave -t out to have the file recognised")]
    OtherType(&'static str),
    #[error("--{} isn't done: {why}", .opt.name())]
    NotDone { opt: Opt, why: &'static str },
}

impl Wrong {
    /// What kexec-tools ends with.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            // Which kexec-tools finds by the kernel.
            Wrong::NotDone {
                opt: Opt::RealMode | Opt::Entry32Bit,
                ..
            } => FAILED,
            Wrong::Misused(_)
            | Wrong::NotANumber { .. }
            | Wrong::NothingIsLoaded(_)
            | Wrong::NotDone { .. } => WRONG,
            // Those it finds after it has begun.
            Wrong::SerialPort(..)
            | Wrong::SerialBaud(_)
            | Wrong::UnknownType { .. }
            | Wrong::OtherType(_) => FAILED,
        }
    }
}

/// What kexec-tools ends with where this is why something failed.
#[must_use]
pub fn code_of(failure: &Failure) -> u8 {
    match &*failure.cause {
        Cause::Load(LoadError::NoCrashRegion) => WRONG,
        Cause::Load(LoadError::NoKexec) => NO_SYSTEM_CALL,
        Cause::Kexec(error) if error.cause() == kexec_error::Cause::Unsupported => NO_SYSTEM_CALL,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_sys::KexecError;
    use baton_sys::kexec_error::Load;

    #[test]
    fn failures_end_as_those_of_kexec_tools_do() {
        assert_eq!(code_of(&LoadError::NoCrashRegion.into()), 1);
        assert_eq!(code_of(&LoadError::NoKexec.into()), 253);
        assert_eq!(code_of(&LoadError::Disabled.into()), 255);
        // ENOSYS and ENOKEY of asm-generic/errno.h
        assert_eq!(code_of(&KexecError::new(Load::Normal, 38).into()), 253);
        assert_eq!(code_of(&KexecError::new(Load::Crash, 126).into()), 255);
    }
}
