//! What a passphrase encrypts in private keys and PKCS#12: PBES2 of PKCS#5 (RFC 8018) with PBKDF2 and AES in CBC mode, as
//! openssl has done by default since 1.1.

use super::aes::{self, Key};
use crate::failure::key::KeyError;
use crate::input::der::{Element, Elements};
use hmac::{Hmac, KeyInit, Mac};
use zeroize::Zeroizing;

/// Object identifiers, without tag and length: PBES2, PBKDF2 (RFC 8018, A), scrypt (RFC 7914, 7).
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
/// aes128-CBC-PAD, aes192-CBC-PAD and aes256-CBC-PAD (RFC 8018, B.2.5), with the lengths of their keys.
const CIPHERS: [(&[u8], usize); 3] = [
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02], 16),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16], 24),
    (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a], 32),
];
/// id-hmacWithSHA256, -384 and -512 (RFC 8018, B.1.2).
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
const HMAC_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0a];
const HMAC_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b];

/// Longer ones would take minutes, and nobody sets as many.
const MAX_ITERATIONS: u64 = 20_000_000;
/// Longer derived keys than any cipher's aren't needed: one block of the smallest hash.
const DERIVED: usize = 32;

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
const INTEGER: u8 = 0x02;

type Result<T> = std::result::Result<T, KeyError>;

/// The private key (PKCS#8) in an `EncryptedPrivateKeyInfo` (RFC 5958, 3).
///
/// # Errors
/// When the passphrase is wrong, or it is encrypted in another way.
pub fn private_key(der: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let parts = Elements(der).with_tag(SEQUENCE).map(|it| it.inside());
    let mut parts = parts.ok_or(KeyError::BrokenEncryption)?;
    let scheme = parts.with_tag(SEQUENCE).ok_or(KeyError::BrokenEncryption)?;
    let data = parts
        .with_tag(OCTET_STRING)
        .ok_or(KeyError::BrokenEncryption)?;
    decrypted(&scheme, data.value, passphrase)
}

/// What was encrypted by a scheme, an AlgorithmIdentifier. It is DER of a SEQUENCE: other bytes show that the passphrase is
/// wrong.
///
/// # Errors
/// As [`private_key`].
pub fn decrypted(
    scheme: &Element<'_>,
    data: &[u8],
    passphrase: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let mut scheme = scheme.inside();
    let name = scheme.with_tag(OID).ok_or(KeyError::BrokenEncryption)?;
    if name.value != PBES2 {
        return Err(KeyError::OldEncryption);
    }
    let parameters = scheme
        .with_tag(SEQUENCE)
        .ok_or(KeyError::BrokenEncryption)?;
    let mut parameters = parameters.inside();
    let function = parameters
        .with_tag(SEQUENCE)
        .ok_or(KeyError::BrokenEncryption)?;
    let cipher = parameters
        .with_tag(SEQUENCE)
        .ok_or(KeyError::BrokenEncryption)?;
    let mut cipher = cipher.inside();
    let (name, iv) = (cipher.with_tag(OID), cipher.with_tag(OCTET_STRING));
    let name = name.ok_or(KeyError::BrokenEncryption)?.value;
    let known = CIPHERS.iter().find(|(oid, _)| *oid == name);
    let (_, length) = known.ok_or(KeyError::OldEncryption)?;
    let iv = iv.and_then(|it| it.value.try_into().ok());
    let iv: [u8; aes::BLOCK] = iv.ok_or(KeyError::BrokenEncryption)?;
    let derived = derived(&function, passphrase)?;
    let key = Key::new(derived.get(..*length).unwrap_or_default());
    let key = key.ok_or(KeyError::BrokenEncryption)?;
    let mut bytes = Zeroizing::new(data.to_vec());
    key.decipher_cbc(iv, &mut bytes);
    let length = unpadded(&bytes).ok_or(KeyError::WrongPassphrase)?;
    bytes.truncate(length);
    match Elements(&bytes).next() {
        Some(whole) if whole.tag == SEQUENCE && whole.raw.len() == bytes.len() => Ok(bytes),
        _ => Err(KeyError::WrongPassphrase),
    }
}

/// The length without the padding (RFC 8018, 6.1.1), if that is right.
fn unpadded(bytes: &[u8]) -> Option<usize> {
    let count = usize::from(*bytes.last()?);
    let whole = (1..=aes::BLOCK).contains(&count) && bytes.len().is_multiple_of(aes::BLOCK);
    let length = bytes.len().checked_sub(count).filter(|_| whole)?;
    let padding = bytes.get(length..)?;
    padding
        .iter()
        .all(|byte| usize::from(*byte) == count)
        .then_some(length)
}

/// The key that a function derives from a passphrase.
fn derived(function: &Element<'_>, passphrase: &[u8]) -> Result<Zeroizing<[u8; DERIVED]>> {
    let mut function = function.inside();
    let name = function.with_tag(OID).ok_or(KeyError::BrokenEncryption)?;
    match name.value {
        PBKDF2 => {}
        SCRYPT => return Err(KeyError::Scrypt),
        _ => return Err(KeyError::OldEncryption),
    }
    let parameters = function
        .with_tag(SEQUENCE)
        .ok_or(KeyError::BrokenEncryption)?;
    let mut parameters = parameters.inside();
    let salt = parameters
        .with_tag(OCTET_STRING)
        .ok_or(KeyError::BrokenEncryption)?;
    let count = parameters
        .with_tag(INTEGER)
        .ok_or(KeyError::BrokenEncryption)?;
    let iterations = number(count.value).filter(|it| (1..=MAX_ITERATIONS).contains(it));
    let iterations = iterations.ok_or(KeyError::Iterations)?;
    parameters.optional(INTEGER);
    // Without a name it is with SHA-1.
    let named = parameters
        .with_tag(SEQUENCE)
        .and_then(|it| it.inside().with_tag(OID));
    let hash = named.ok_or(KeyError::OldEncryption)?.value;
    match hash {
        HMAC_SHA256 => Ok(pbkdf2::<Hmac<sha2::Sha256>>(
            passphrase, salt.value, iterations,
        )),
        HMAC_SHA384 => Ok(pbkdf2::<Hmac<sha2::Sha384>>(
            passphrase, salt.value, iterations,
        )),
        HMAC_SHA512 => Ok(pbkdf2::<Hmac<sha2::Sha512>>(
            passphrase, salt.value, iterations,
        )),
        _ => Err(KeyError::OldEncryption),
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    let number = bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
    (bytes.len() <= 7).then_some(number)
}

/// RFC 8018, 5.2: the first block, or as much of it as is needed.
fn pbkdf2<M: Mac + KeyInit + Clone>(
    passphrase: &[u8],
    salt: &[u8],
    iterations: u64,
) -> Zeroizing<[u8; DERIVED]> {
    let mut key = Zeroizing::new([0; DERIVED]);
    let Ok(keyed) = M::new_from_slice(passphrase) else {
        return key;
    };
    let first = keyed.clone().chain_update(salt).chain_update([0, 0, 0, 1]);
    let mut block = first.finalize().into_bytes();
    for round in 0..iterations {
        if round > 0 {
            block = keyed.clone().chain_update(&block).finalize().into_bytes();
        }
        key.iter_mut()
            .zip(block.iter())
            .for_each(|(to, from)| *to ^= from);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_derived_as_others_derive_it() {
        // Of "password", "salt" and 4096 iterations, with HMAC-SHA-256: the vector that is widely known beside RFC
        // 6070's, which have SHA-1.
        let key = pbkdf2::<Hmac<sha2::Sha256>>(b"password", b"salt", 4096);
        let expected = "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a";
        assert_eq!(baton_sys::hex::encode(&key[..]), expected);
    }

    #[test]
    fn padding_counts_itself() {
        let block = |end: &[u8]| [&[9; 16][..16 - end.len()], end].concat();
        for (bytes, expected) in [
            (block(&[1]), Some(15)),
            (block(&[2, 2]), Some(14)),
            (vec![16; 16], Some(0)),
            (block(&[0]), None),
            (block(&[17]), None),
            (block(&[1, 2]), None),
            (vec![1; 15], None),
            (Vec::new(), None),
        ] {
            assert_eq!(unpadded(&bytes), expected, "{bytes:?}");
        }
    }
}
