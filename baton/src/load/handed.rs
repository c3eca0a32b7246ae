//! The handover that is made of a load's inputs, and the verdict on it: the gate's, by its own function.

use super::handover;
use super::inputs::Inputs;
use crate::failure::Result;
use baton_formats::cmdline::MAX_CRASH_PREFIX;
use baton_sys::memfd::Sealed;
use baton_verify::{Reason, Refusal, Trust, VerifiedManifest, verify_kernel_on};

/// The command line as the gate will see it.
pub(crate) fn line_for_gate(inputs: &Inputs) -> Vec<u8> {
    let before = if inputs.crash { MAX_CRASH_PREFIX } else { b"" };
    [before, &inputs.cmdline].concat()
}

/// How long the handover of these inputs is, in bytes.
///
/// # Errors
/// When it can't be made.
pub(crate) fn length(inputs: &Inputs) -> Result<u64> {
    match inputs.is_handover() {
        true => Ok(inputs.kernel.bytes.len() as u64),
        false => handover::length(&inputs.ingredients()),
    }
}

/// The handover of these inputs, without a verdict: one that was saved as it is, any other made here.
///
/// # Errors
/// When it can't be made.
pub(crate) fn make(inputs: &Inputs) -> Result<Sealed> {
    match inputs.is_handover() {
        true => handover::adopt(&inputs.kernel.bytes),
        false => handover::build(&inputs.ingredients()),
    }
}

/// The handover of these inputs, and what `judge` says to it.
///
/// # Errors
/// When it can't be made.
pub(crate) fn judged<T>(
    inputs: &Inputs,
    trust: &Trust<'_>,
    judge: impl Fn(&[u8]) -> std::result::Result<T, Refusal>,
) -> Result<(Sealed, std::result::Result<T, Refusal>)> {
    let judged = |handover: Sealed| {
        let map = handover.map().map_err(handover::not_mapped)?;
        let verdict = judge(&map);
        Ok((handover, verdict))
    };
    let (handover, verdict) = judged(make(inputs)?)?;
    // Which way vouches for the kernel, and with it the digest, shows only when it is verified.
    match &verdict {
        Err(refusal) if refusal.reason == Reason::HandoverDigestMismatch => {
            match digest_of_what_vouches(inputs, trust) {
                Some(digest) => judged(handover::build_with(&inputs.ingredients(), digest)?),
                None => Ok((handover, verdict)),
            }
        }
        _ => Ok((handover, verdict)),
    }
}

/// The digest of what vouches for the kernel; `None` if nothing does, or if somebody else made the
/// handover.
fn digest_of_what_vouches(inputs: &Inputs, trust: &Trust<'_>) -> Option<[u8; 32]> {
    if inputs.is_handover() {
        return None;
    }
    let manifest = inputs.manifest.as_ref().and_then(|(text, signature)| {
        VerifiedManifest::verify(&text.bytes, signature.as_deref()?, trust).ok()
    });
    let kernel = verify_kernel_on(
        inputs.crash,
        &inputs.kernel.bytes,
        inputs.signature.as_deref(),
        manifest.as_ref(),
        trust,
    );
    kernel.ok().map(|kernel| kernel.digest())
}
