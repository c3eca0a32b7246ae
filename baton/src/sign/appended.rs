//! Signatures at the file's end, as the kernel's modules have them (scripts/sign-file.c): detached
//! CMS over all that comes before, without signed attributes, which the kernel refuses there
//! (pkcs7_verify in crypto/asymmetric_keys/pkcs7_verify.c).
//!
//! sign-file puts no certificate into the signature. Here the signer's goes in, with those of
//! `--chain`, unless it is self-signed and alone: see [`Signer::needed_certificates`]. The kernel
//! takes both forms.

use super::args::Existing;
use super::cms::{self, Attributes, Content};
use super::signer::{Signer, accepted};
use crate::failure::Result;
use crate::failure::sign::SignError;
use baton_formats::module_signature::{self, Appended};
use baton_formats::pe::Pe;
use baton_verify::der::oid;
use baton_verify::verify_detached;

/// The file with a signature at its end.
///
/// # Errors
/// When it has one and that isn't wanted, or when something else must be at its end.
pub fn sign(file: &[u8], signer: &Signer, existing: Existing) -> Result<Vec<u8>> {
    let data = to_be_signed(file, existing)?;
    let content = Content {
        kind: oid::DATA,
        inside: None,
        digest: signer.hash.hash([data]),
        attributes: Attributes::None(data),
    };
    let signature = cms::signed_data(&content, signer, signer.needed_certificates())?;
    accepted(verify_detached([data], &signature, &signer.trust()?))?;
    let length = u32::try_from(signature.len()).map_err(|_| SignError::Over4G("signature"))?;
    Ok([data, &signature, &module_signature::trailer(length)].concat())
}

/// What is signed of a file: all of it.
///
/// # Errors
/// As [`sign`].
pub fn to_be_signed(file: &[u8], existing: Existing) -> Result<&[u8]> {
    let data = without(file, existing)?;
    if Pe::parse(data).is_ok_and(|pe| pe.is_signed()) {
        return Err(SignError::AuthenticodeIsLast.into());
    }
    Ok(data)
}

/// The file without the signature at its end.
///
/// # Errors
/// When there is one and that isn't wanted, or when it is malformed.
pub fn without(file: &[u8], existing: Existing) -> Result<&[u8]> {
    match (module_signature::split(file), existing) {
        (Ok(None), _) => Ok(file),
        (Ok(Some(Appended { data, .. })), Existing::Replace) => Ok(data),
        (Ok(Some(_)), _) => Err(SignError::HasAppended.into()),
        (Err(e), _) => Err(SignError::Appended(e).into()),
    }
}
