//! What the running kernel's kexec_file_load answers to an image: loaded, or refused with which error number.
//!
//! This is the kernel's own order of work, in kernel/kexec_file.c: the file's size (kernel_read_file), the loader's
//! probe, the signature (kimage_validate_signature), and what the loader asks when it places the image. It isn't what
//! [`super::kernel`] judges, which also refuses what the kernel would take and shouldn't.

mod keyring;
mod pefile;
mod signature;

pub use signature::Vouched;

use crate::arch::probe;
use crate::machine::{Keys, Machine};
use crate::pkcs7::crypto::Stop;
use crate::pkcs7::{Refusal, refused_because};
use baton_sys::kexec_error::errno::{EFBIG, EINVAL, EPERM};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It loads the image.
    Loads(Signature),
    /// It refuses it.
    Refuses {
        /// How.
        refusal: Refusal,
        /// What lockdown hides behind EPERM.
        hidden: Option<Refusal>,
    },
    /// It can't be told from here.
    Unknown(&'static str),
}

/// What the kernel makes of the signature of what it loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// It is good.
    Good(Vouched),
    /// It isn't, and this kernel doesn't insist.
    Tolerated(Refusal),
    /// It can't be told, and doesn't matter.
    Unknown(&'static str),
}

/// What is loaded, and where.
pub struct Request<'r> {
    pub image: &'r [u8],
    /// The command line's length without its NUL.
    pub cmdline_len: usize,
    pub keys: &'r Keys,
    pub machine: &'r Machine,
    /// The image's Authenticode digest by SHA-256, if Baton reads it as a PE image.
    pub sha256: &'r dyn Fn() -> Option<[u8; 32]>,
}

/// Forecasts the answer to root.
#[must_use]
pub fn answer(request: &Request<'_>) -> Answer {
    answered(request).unwrap_or_else(|answer| answer)
}

fn answered(request: &Request<'_>) -> Result<Answer, Answer> {
    let Request { image, machine, .. } = *request;
    if machine.limits.disabled || machine.limits.left(false) == Some(0) {
        return Err(because(
            EPERM,
            "no kernel may be loaded (see `baton status`)",
        ));
    }
    if image.is_empty() {
        return Err(because(EINVAL, "the file is empty"));
    }
    let len = image.len() as u64;
    if machine.largest_file.is_some_and(|limit| len > limit) {
        return Err(because(EFBIG, "the file is too large"));
    }
    let refuses = |(errno, why)| because(errno, why);
    probe::probe(image, machine.five_level).map_err(refuses)?;
    let signature = signature(request)?;
    probe::load(image, request.cmdline_len, machine.memory).map_err(refuses)?;
    Ok(Answer::Loads(signature))
}

fn because(errno: i32, why: &'static str) -> Answer {
    Answer::Refuses {
        refusal: refused_because(errno, why),
        hidden: None,
    }
}

/// kimage_validate_signature.
fn signature(request: &Request<'_>) -> Result<Signature, Answer> {
    let machine = request.machine;
    let enforced = machine.enforced_by.is_some();
    match signature::verify(request) {
        Ok(vouched) => Ok(Signature::Good(vouched)),
        Err(Stop::Refused(refusal)) if !enforced => Ok(Signature::Tolerated(refusal)),
        Err(Stop::Refused(refusal)) if machine.hides_errno => Err(Answer::Refuses {
            refusal: Refusal::hidden(),
            hidden: Some(refusal),
        }),
        Err(Stop::Refused(refusal)) => Err(Answer::Refuses {
            refusal,
            hidden: None,
        }),
        Err(Stop::Unknown(why)) if !enforced => Ok(Signature::Unknown(why)),
        Err(Stop::Unknown(why)) => Err(Answer::Unknown(why)),
    }
}
