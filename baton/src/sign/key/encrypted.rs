//! What a passphrase encrypts in private keys and PKCS#12: PBES2 of PKCS#5 (RFC 8018), as openssl has done by default
//! since 1.1.

use crate::failure::key::KeyError;
use crate::input::der::{Element, Elements};
use pkcs5::EncryptionScheme;
use pkcs5::pbes2::{Kdf, Pbkdf2Prf};
use zeroize::Zeroizing;

/// Longer ones would take minutes, and nobody sets as many.
const MAX_ITERATIONS: u32 = 20_000_000;

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;

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
    let scheme = EncryptionScheme::try_from(scheme.raw).map_err(|_| KeyError::OldEncryption)?;
    let kdf = match &scheme {
        EncryptionScheme::Pbes2(parameters) => &parameters.kdf,
        _ => return Err(KeyError::OldEncryption),
    };
    match kdf {
        Kdf::Pbkdf2(kdf) if kdf.prf == Pbkdf2Prf::HmacWithSha1 => {
            return Err(KeyError::OldEncryption);
        }
        Kdf::Pbkdf2(kdf) if !(1..=MAX_ITERATIONS).contains(&kdf.iteration_count) => {
            return Err(KeyError::Iterations);
        }
        Kdf::Pbkdf2(_) | Kdf::Scrypt(_) => {}
        _ => return Err(KeyError::OldEncryption),
    }
    let bytes = scheme.decrypt(passphrase, data);
    let bytes = Zeroizing::new(bytes.map_err(|error| match error {
        pkcs5::Error::UnsupportedAlgorithm { .. } => KeyError::OldEncryption,
        _ => KeyError::WrongPassphrase,
    })?);
    match Elements(&bytes).next() {
        Some(whole) if whole.tag == SEQUENCE && whole.raw.len() == bytes.len() => Ok(bytes),
        _ => Err(KeyError::WrongPassphrase),
    }
}
