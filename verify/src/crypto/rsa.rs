//! RSA signatures with PKCS#1 v1.5 padding (RSASSA-PKCS1-v1_5, RFC 8017, 8.2).

use crate::crypto::hash::{Digest, HashAlgorithm};
use crate::crypto::montgomery::{LIMBS, Modulus, Number};

/// The length of the largest modulus that is accepted, in bytes.
const MAX_LEN: usize = 4096 / 8;

/// Whether `signature` is the signature of a message with this digest by the key of this modulus
/// (big-endian, without leading zeros, 4096 bits at most) and public exponent.
///
/// The message that the signer must have encoded is made here and compared as a whole with what the
/// key makes of the signature: no byte of the padding is read, so none can be read wrongly.
pub(crate) fn verifies(modulus: &[u8], exponent: u64, digest: &Digest, signature: &[u8]) -> bool {
    // RFC 8017, 8.2.2, step 1: exactly as long as the modulus.
    signature.len() == modulus.len()
        && opened(modulus, exponent, signature)
            .is_some_and(|message| Some(message) == encoded(modulus.len(), digest))
}

/// RSAVP1 (RFC 8017, 5.2.2): `signature`, as long as the modulus, to the power of `exponent`, if it
/// is below the modulus.
fn opened(modulus: &[u8], exponent: u64, signature: &[u8]) -> Option<Number> {
    let base = number(&[signature])?;
    let power = Modulus::new(number(&[modulus])?)?.power(&base, exponent);
    power.filter(|_| signature < modulus)
}

/// EMSA-PKCS1-v1_5 (RFC 8017, 9.2): `00 01 ff … ff 00`, then the DigestInfo; `len` bytes in all.
fn encoded(len: usize, digest: &Digest) -> Option<Number> {
    let info = digest_info(digest.algorithm());
    let padding = len
        .checked_sub(3)?
        .checked_sub(info.len())?
        .checked_sub(digest.as_bytes().len())?;
    // At least eight bytes of padding (RFC 8017, 9.2, step 3).
    let padding = [0xff; MAX_LEN]
        .get(..padding)
        .filter(|padding| padding.len() >= 8)?;
    number(&[&[0, 1], padding, &[0], info, digest.as_bytes()])
}

/// The DER encoding of a DigestInfo up to the digest (RFC 8017, 9.2, note 1).
fn digest_info(algorithm: HashAlgorithm) -> &'static [u8] {
    match algorithm {
        HashAlgorithm::Sha256 => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
        }
        HashAlgorithm::Sha384 => {
            b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
        }
        HashAlgorithm::Sha512 => {
            b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
        }
    }
}

/// The big-endian number that these bytes are, one part after the other.
fn number(parts: &[&[u8]]) -> Option<Number> {
    let mut padded = [0; MAX_LEN];
    let bytes = || parts.iter().copied().flatten();
    let start = MAX_LEN.checked_sub(bytes().count())?;
    for (to, from) in padded.get_mut(start..)?.iter_mut().zip(bytes()) {
        *to = *from;
    }
    let (_, limbs) = padded.as_rchunks();
    let mut number = [0; LIMBS];
    for (to, from) in number.iter_mut().zip(limbs.iter().rev()) {
        *to = u64::from_be_bytes(*from);
    }
    Some(number)
}
