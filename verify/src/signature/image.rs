//! Judging one PE image.

use alloc::vec::Vec;

use baton_formats::pe::{Pe, WIN_CERT_REVISION_2, WIN_CERT_TYPE_PKCS, WinCertificate};
use baton_formats::verdict::SignatureKind;

use crate::crypto::hash::{Digest, HashAlgorithm};
use crate::policy::chain::Budget;
use crate::policy::revoked::check_image;
use crate::policy::sbat::check_sbat;
use crate::policy::scope::Use;
use crate::policy::trust::Trust;
use crate::reason::Reason;
use crate::signature::authenticode::Signature;
use crate::signature::verified::{Identity, Signer, Verified};
use crate::signature::vouch::vouch;

/// The most signatures an image may carry.
pub const MAX_SIGNATURES: usize = 8;

/// Judges one PE image by `trust`.
///
/// All its signatures are read first, and a malformed one refuses the image; then they are
/// tried in order until one is accepted. An image without an accepted signature is still
/// trusted if its SHA-256 Authenticode digest is listed in the MOK list. An image whose digest
/// is revoked never is, nor one whose SBAT metadata are malformed or below a level of `trust`.
///
/// # Errors
/// The reason for the refusal; where there are several signatures, the first one's.
pub fn verify_image<'a>(bytes: &'a [u8], trust: &Trust<'_>) -> Result<Verified<'a>, Reason> {
    verify_image_for(bytes, trust, &Use::kernel(bytes))
}

/// As [`verify_image`], of one that is to be used so.
pub(crate) fn verify_image_for<'a>(
    bytes: &'a [u8],
    trust: &Trust<'_>,
    purpose: &Use<'_>,
) -> Result<Verified<'a>, Reason> {
    let verified = verify_authenticode(bytes, trust, purpose)?;
    check_sbat(bytes, trust)?;
    Ok(verified)
}

/// By its signatures and its digest alone.
fn verify_authenticode<'a>(
    bytes: &'a [u8],
    trust: &Trust<'_>,
    purpose: &Use<'_>,
) -> Result<Verified<'a>, Reason> {
    let pe = Pe::parse(bytes).map_err(Reason::BadImage)?;
    let signatures = read_signatures(&pe)?;
    let sha256 = trust.hashing(|| HashAlgorithm::Sha256.hash(pe.digest_parts()));
    check_image(bytes, &pe, &sha256, trust)?;
    let verified = |signer, signature_kind| {
        let signed = bytes.get(..pe.signed_len()).unwrap_or(bytes);
        Verified::new(signed, sha256.to_sha256(), signer, signature_kind)
    };
    let mut budget = Budget::new();
    let mut refusal = None;
    for signature in signatures {
        let verdict = signature
            .and_then(|signature| judge(&signature, &pe, &sha256, trust, purpose, &mut budget));
        match verdict {
            Ok(signer) => return Ok(verified(signer, SignatureKind::Authenticode)),
            Err(reason) => refusal = refusal.or(Some(reason)),
        }
    }
    if trust.lists_image(sha256.as_bytes()) {
        return Ok(verified(
            Identity::listed_digest(),
            SignatureKind::ListedDigest,
        ));
    }
    Err(refusal.unwrap_or(Reason::Unsigned))
}

/// The image's signatures; those with algorithms that aren't accepted as the reason to skip
/// them.
#[allow(clippy::type_complexity)]
fn read_signatures<'a>(pe: &Pe<'a>) -> Result<Vec<Result<Signature<'a>, Reason>>, Reason> {
    let mut signatures = Vec::new();
    for entry in pe.certificates() {
        if signatures.len() >= MAX_SIGNATURES {
            return Err(Reason::TooManySignatures);
        }
        let entry = entry.map_err(Reason::BadImage)?;
        match read_signature(&entry) {
            Err(reason) if !is_skipped(&reason) => return Err(reason),
            signature => signatures.push(signature),
        }
    }
    Ok(signatures)
}

fn is_skipped(reason: &Reason) -> bool {
    matches!(reason, Reason::UnsupportedAlgorithm(_))
}

fn read_signature<'a>(entry: &WinCertificate<'a>) -> Result<Signature<'a>, Reason> {
    if (entry.revision, entry.kind) != (WIN_CERT_REVISION_2, WIN_CERT_TYPE_PKCS) {
        return Err(Reason::NotPkcs7);
    }
    Signature::parse(entry.data).map_err(Reason::from)
}

/// Judges one signature. What it says of itself comes first, so that the reason for a refusal
/// is the nearest one: an altered image is reported as such even if its signer is unknown.
fn judge(
    signature: &Signature<'_>,
    pe: &Pe<'_>,
    sha256: &Digest,
    trust: &Trust<'_>,
    purpose: &Use<'_>,
    budget: &mut Budget,
) -> Result<Signer, Reason> {
    let signed = &signature.signed;
    let found = match signature.hash() {
        HashAlgorithm::Sha256 => *sha256,
        other => trust.hashing(|| other.hash(pe.digest_parts())),
    };
    if signature.image_digest != found.as_bytes() {
        return Err(Reason::digest_mismatch(signature.image_digest, &found));
    }
    let content = signature.hash().hash([signature.content]);
    if signed.message_digest != content.as_bytes() {
        return Err(Reason::ContentMismatch);
    }
    let certificate = signed.signer()?;
    vouch(
        &signed.signer,
        &content,
        certificate,
        &signed.certificates,
        trust,
        purpose,
        budget,
    )
}
