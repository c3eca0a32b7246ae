//! Signatures that IMA appraises files by: the value of the attribute `security.ima`, or a file with that beside the file,
//! as `evmctl ima_sign` writes them. The signature is over the file's digest alone (version 2 of the format).

pub mod attribute;
mod key_id;

use super::key::public;
use super::signer::{Message, Signer};
use crate::failure::Result;
use crate::failure::sign::SignError;
use baton_verify::{Certificate, HashAlgorithm};

/// The end of the name of a file that holds the attribute's value, as evmctl has it.
pub const SUFFIX: &str = ".sig";

/// EVM_IMA_XATTR_DIGSIG, and the version (security/integrity/integrity.h: `struct signature_v2_hdr`).
const TYPE_AND_VERSION: [u8; 2] = [3, 2];
/// The length of that structure without the signature: type, version, hash, key id, length of the signature.
const HEADER_LEN: usize = 9;

/// The attribute's value for a file.
///
/// # Errors
/// When the kernel couldn't find the key, or the signature isn't good.
pub fn sign(file: &[u8], signer: &Signer) -> Result<Vec<u8>> {
    let message = Message {
        bytes: file,
        digest: signer.hash.hash([file]),
    };
    let signature = signer.sign(&message)?;
    let certificate = signer.certificates.first().map_or(&[][..], Vec::as_slice);
    let parsed = Certificate::parse(certificate).map_err(SignError::Certificate)?;
    if !public::made(parsed.key_info(), &message.digest, &signature) {
        return Err(SignError::ImaNotAccepted.into());
    }
    let id = key_id::of(&parsed).ok_or(SignError::NoKeyIdentifier)?;
    let length = u16::try_from(signature.len()).map_err(|_| SignError::Over4G("signature"))?;
    let mut value = TYPE_AND_VERSION.to_vec();
    value.push(hash_number(signer.hash));
    value.extend(id);
    value.extend(length.to_be_bytes());
    value.extend(signature);
    Ok(value)
}

/// Whether an attribute's value is a good signature of a file by the signer's own certificate.
#[must_use]
pub fn is_signed(file: &[u8], value: &[u8], signer: &Signer) -> bool {
    let certificate = signer.certificates.first().map_or(&[][..], Vec::as_slice);
    let (Some((header, signature)), Ok(certificate)) = (
        value.split_at_checked(HEADER_LEN),
        Certificate::parse(certificate),
    ) else {
        return false;
    };
    let hashes = [
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ];
    let number = header.get(2).copied();
    let hash = hashes
        .into_iter()
        .find(|it| Some(hash_number(*it)) == number);
    let id = key_id::of(&certificate);
    header.starts_with(&TYPE_AND_VERSION)
        && id.is_some_and(|id| header.get(3..7) == Some(&id[..]))
        && header.get(7..).map(usize_of) == Some(signature.len())
        && hash
            .is_some_and(|hash| public::made(certificate.key_info(), &hash.hash([file]), signature))
}

fn usize_of(big_endian: &[u8]) -> usize {
    big_endian
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// `enum hash_algo` (include/uapi/linux/hash_info.h).
fn hash_number(hash: HashAlgorithm) -> u8 {
    match hash {
        HashAlgorithm::Sha256 => 4,
        HashAlgorithm::Sha384 => 5,
        HashAlgorithm::Sha512 => 6,
    }
}
