//! Signatures in files of their own: CMS of data, with signed attributes, as `openssl cms -sign`
//! makes them, but without a signing time.

use super::args::Encoding;
use super::cms::{self, Content};
use super::signer::{Signer, accepted};
use crate::failure::Result;
use crate::failure::sign::SignError;
use baton_verify::der::oid;
use baton_verify::verify_detached;
use pem_rfc7468::LineEnding;

/// The label of CMS in PEM (RFC 7468, 9).
const PEM_LABEL: &str = "CMS";

/// The signature of a whole file, whatever it holds.
///
/// # Errors
/// When the key can't sign.
pub fn sign(file: &[u8], signer: &Signer, encoding: Encoding) -> Result<Vec<u8>> {
    let content = Content {
        kind: oid::DATA,
        inside: None,
        digest: signer.hash.hash([file]),
        attributes: true,
    };
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
