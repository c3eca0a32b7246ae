//! Signatures in files of their own: CMS of data, with signed attributes, as `openssl cms -sign`
//! makes them, but without a signing time.

use super::args::Encoding;
use super::cms::{self, Attributes, Content};
use super::signer::{Signer, accepted};
use crate::failure::Result;
use crate::failure::sign::SignError;
use baton_verify::der::oid;
use baton_verify::{HashAlgorithm, verify_detached};
use pem_rfc7468::LineEnding;

/// The label of CMS in PEM (RFC 7468, 9).
const PEM_LABEL: &str = "CMS";

/// The signature of a whole file, whatever it holds.
///
/// # Errors
/// When the key can't sign.
pub fn sign(file: &[u8], signer: &Signer, encoding: Encoding) -> Result<Vec<u8>> {
    let content = content(file, signer.hash, signer.attributes());
    let signature = cms::signed_data(&content, signer, &signer.certificates)?;
    accepted(verify_detached([file], &signature, &signer.trust()?))?;
    match encoding {
        Encoding::Der => Ok(signature),
        Encoding::Pem => Ok(
            pem_rfc7468::encode_string(PEM_LABEL, LineEnding::LF, &signature)
                .map(String::into_bytes)
                .map_err(SignError::Pem)?,
        ),
    }
}

/// What is signed of a file.
#[must_use]
pub fn to_be_signed(file: &[u8], hash: HashAlgorithm) -> Vec<u8> {
    cms::to_be_signed(&content(file, hash, Attributes::Own)).unwrap_or_default()
}

fn content<'c>(file: &[u8], hash: HashAlgorithm, attributes: Attributes<'c>) -> Content<'c> {
    Content {
        kind: oid::DATA,
        inside: None,
        digest: hash.hash([file]),
        attributes,
    }
}
