//! Authenticode's PKCS#7 as others read it who judge images: the kernel and shim.
//!
//! `baton_verify` is stricter than both, and what it refuses to read says nothing of what they would answer. Here a
//! signature is read as the kernel reads it (crypto/asymmetric_keys/), error numbers and all. Nothing is trusted
//! because of it: it makes forecasts and explanations.

mod ber;
pub mod crypto;
pub mod message;
pub mod x509;

use baton_sys::KexecError;
use baton_sys::kexec_error::Load;
use baton_sys::kexec_error::errno::EPERM;

/// A refusal of the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Its error.
    pub error: KexecError,
    /// Why, where the error leaves that open.
    pub because: Option<&'static str>,
}

impl Refusal {
    /// The error's number.
    #[must_use]
    pub fn errno(&self) -> i32 {
        self.error.errno()
    }

    /// Why, in words.
    #[must_use]
    pub fn why(&self) -> &'static str {
        self.because.unwrap_or_else(|| self.error.reason())
    }

    /// The same with a reason, unless it has one.
    #[must_use]
    pub fn or_because(self, why: &'static str) -> Refusal {
        Refusal {
            because: self.because.or(Some(why)),
            ..self
        }
    }

    /// What becomes of it where lockdown hides why.
    #[must_use]
    pub fn hidden() -> Refusal {
        refused_because(EPERM, "this kernel is locked down")
    }
}

/// The kernel's refusal with this error number.
#[must_use]
pub fn refused(errno: i32) -> Refusal {
    Refusal {
        error: KexecError::new(Load::Normal, errno),
        because: None,
    }
}

/// The same, where the number leaves open why.
#[must_use]
pub fn refused_because(errno: i32, why: &'static str) -> Refusal {
    refused(errno).or_because(why)
}
