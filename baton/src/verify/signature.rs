//! Judging a file's signature alone, whatever the file is and whatever the signature is good for.

use super::judge::Verdict;
use crate::digest::{image_digest, sha256};
use baton_formats::elf::Elf;
use baton_formats::module_signature;
use baton_formats::pe::Pe;
use baton_verify::{Reason, SignatureKind, Trust, check_revoked, verify_detached, verify_image};

/// The verdict on the signature that is in a file, or, if there is none, on the one beside it.
///
/// # Errors
/// Why it isn't good; `Unsigned` if there is none.
pub(super) fn judge(
    file: &[u8],
    detached: Option<&[u8]>,
    trust: &Trust<'_>,
) -> Result<Verdict, Reason> {
    if Pe::recognises(file) {
        match by_authenticode(file, trust) {
            Err(Reason::Unsigned) => {}
            verdict => return verdict,
        }
    }
    check_revoked(file, trust)?;
    if let Some(appended) = module_signature::split(file).map_err(Reason::BadAppended)? {
        return by_cms(
            &[appended.data],
            appended.signature,
            SignatureKind::Appended,
            trust,
        );
    }
    if let Ok(elf) = Elf::parse(file)
        && let (Some(signature), Some(parts)) = (elf.signature(), elf.signed_parts())
    {
        return by_cms(
            &parts.collect::<Vec<_>>(),
            signature,
            SignatureKind::Note,
            trust,
        );
    }
    let detached = detached.ok_or(Reason::Unsigned)?;
    by_cms(&[file], detached, SignatureKind::Detached, trust)
}

fn by_authenticode(file: &[u8], trust: &Trust<'_>) -> Result<Verdict, Reason> {
    let verified = verify_image(file, trust)?;
    Ok(Verdict {
        signature_kind: verified.signature_kind(),
        signer: verified.signer().clone(),
        digest: verified.digest(),
        as_what: String::new(),
        parts: Vec::new(),
    })
}

fn by_cms(
    parts: &[&[u8]],
    signature: &[u8],
    signature_kind: SignatureKind,
    trust: &Trust<'_>,
) -> Result<Verdict, Reason> {
    let digest = sha256(parts.iter().copied());
    let signer = verify_detached(parts.iter().copied(), signature, trust)?;
    Ok(Verdict {
        signature_kind,
        signer,
        digest,
        as_what: String::new(),
        parts: Vec::new(),
    })
}

/// What a file is known by: a PE image by its Authenticode digest.
pub(super) fn digest(file: &[u8]) -> [u8; 32] {
    image_digest(file).unwrap_or_else(|| sha256([file]))
}

/// How many signatures there are, whatever they are worth.
pub(super) fn count(file: &[u8], detached: Option<&[u8]>) -> usize {
    let inside = Pe::parse(file).map_or(0, |pe| pe.certificates().count());
    let appended = matches!(module_signature::split(file), Ok(Some(_)));
    let note = Elf::parse(file).is_ok_and(|elf| elf.signature().is_some());
    inside + usize::from(appended) + usize::from(note) + usize::from(detached.is_some())
}
