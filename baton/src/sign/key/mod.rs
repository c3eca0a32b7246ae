//! Private keys: RSA and ECDSA on P-256 and P-384, from PEM, DER or PKCS#12, encrypted or not, or in a token. They are wiped
//! from memory once they were used: the file and what is made of it here, and the keys themselves by their crates.

pub mod encrypted;
mod module;
pub mod open;
pub mod passphrase;
pub mod pkcs12;
pub mod public;
pub mod token;
pub mod uri;

use crate::failure::Result;
use crate::failure::key::KeyError;
use crate::failure::sign::SignError;
use crate::input::keystore::Keystore;
use crate::input::pem::{self, Block};
use crate::input::read;
use baton_verify::{Certificate, Digest, HashAlgorithm};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use std::path::Path;
use zeroize::Zeroizing;

/// A private key that can sign.
pub enum SigningKey {
    /// RSA, with PKCS#1 v1.5 padding.
    Rsa(Box<rsa::PrivateKey>),
    /// ECDSA on P-256, with the deterministic nonce of RFC 6979.
    P256(p256::ecdsa::SigningKey),
    /// ECDSA on P-384, likewise.
    P384(p384::ecdsa::SigningKey),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a key.
    ///
    /// # Errors
    /// When the file can't be read, is encrypted, or holds no key of a known kind.
    pub fn read(path: &Path) -> Result<SigningKey> {
        let bytes = Zeroizing::new(read::given(path)?);
        Ok(SigningKey::parse(&bytes).map_err(|why| SignError::Key {
            path: path.to_owned(),
            why,
        })?)
    }

    /// From a file in PEM or DER: PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    /// Says what is wrong, without the key.
    pub fn parse(file: &[u8]) -> std::result::Result<SigningKey, KeyError> {
        if pem::is_pem(file) {
            from_pem(&pem::blocks(file)?)
        } else {
            from_der(file)
        }
    }

    /// The public key as a `SubjectPublicKeyInfo` in DER, as a certificate holds it.
    #[must_use]
    pub fn public_key_info(&self) -> Vec<u8> {
        let document = match self {
            SigningKey::Rsa(key) => key.to_public_key().to_public_key_der(),
            SigningKey::P256(key) => key.verifying_key().to_public_key_der(),
            SigningKey::P384(key) => key.verifying_key().to_public_key_der(),
        };
        document.map(|d| d.as_bytes().to_vec()).unwrap_or_default()
    }

    /// Signs what has this digest; the same digest gives the same signature.
    ///
    /// # Errors
    /// When the key is unfit, say too small.
    pub fn sign(&self, digest: &Digest) -> std::result::Result<Vec<u8>, KeyError> {
        use p256::ecdsa::signature::hazmat::PrehashSigner;
        let bytes = digest.as_bytes();
        match self {
            SigningKey::Rsa(key) => sign_rsa(key, digest),
            SigningKey::P256(key) => {
                let signature: p256::ecdsa::Signature =
                    key.sign_prehash(bytes).map_err(KeyError::Ecdsa)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            SigningKey::P384(key) => {
                let signature: p384::ecdsa::Signature =
                    key.sign_prehash(bytes).map_err(KeyError::Ecdsa)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
        }
    }
}

fn sign_rsa(key: &rsa::PrivateKey, digest: &Digest) -> std::result::Result<Vec<u8>, KeyError> {
    let bytes = digest.as_bytes();
    match digest.algorithm() {
        HashAlgorithm::Sha256 => key.pkcs1v15_sign_prehash::<sha2::Sha256>(bytes),
        HashAlgorithm::Sha384 => key.pkcs1v15_sign_prehash::<sha2::Sha384>(bytes),
        HashAlgorithm::Sha512 => key.pkcs1v15_sign_prehash::<sha2::Sha512>(bytes),
    }
    .map_err(KeyError::Rsa)
}

/// The sizes that the gate takes; smaller ones are too weak, larger ones the kernel can't check.
fn rsa(key: rsa::PrivateKey) -> std::result::Result<SigningKey, KeyError> {
    use rsa::traits::PublicKeyParts;
    let bits = key.n().bit_width_vartime();
    if !(2048..=4096).contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    Ok(SigningKey::Rsa(Box::new(key)))
}

/// The first private key.
fn from_pem(blocks: &[Block]) -> std::result::Result<SigningKey, KeyError> {
    for block in blocks {
        let der = &block.bytes;
        match &block.label[..] {
            // DEK-Info: MD5 makes the key of the passphrase (openssl's EVP_BytesToKey).
            _ if block.encrypted => return Err(KeyError::OldEncryption),
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            "PRIVATE KEY" => return from_pkcs8(der),
            "RSA PRIVATE KEY" => {
                let key = rsa::PrivateKey::from_pkcs1_der(der);
                return rsa(key.map_err(KeyError::BrokenRsa)?);
            }
            "EC PRIVATE KEY" => return from_sec1(der),
            "OPENSSH PRIVATE KEY" => return Err(KeyError::OpenSsh),
            _ => {}
        }
    }
    let labels = blocks.iter().map(|block| block.label.clone()).collect();
    Err(KeyError::None { labels })
}

/// By its form: DER has no label.
fn from_der(der: &[u8]) -> std::result::Result<SigningKey, KeyError> {
    if let Some(keystore) = Keystore::of(der) {
        let why = keystore.without_key().map(KeyError::Keystore);
        return Err(why.unwrap_or(KeyError::Encrypted));
    }
    if let Ok(key) = rsa::PrivateKey::from_pkcs1_der(der) {
        return rsa(key);
    }
    if let Ok(key) = from_sec1(der) {
        return Ok(key);
    }
    if Certificate::parse(der).is_ok() {
        return Err(KeyError::Certificate);
    }
    match rsa::pkcs8::PrivateKeyInfoRef::try_from(der) {
        Ok(_) => from_pkcs8(der),
        Err(_) => Err(KeyError::None { labels: Vec::new() }),
    }
}

fn from_pkcs8(der: &[u8]) -> std::result::Result<SigningKey, KeyError> {
    let is_pss = |it: rsa::pkcs8::PrivateKeyInfoRef<'_>| it.algorithm.oid == RSA_PSS;
    if rsa::pkcs8::PrivateKeyInfoRef::try_from(der).is_ok_and(is_pss) {
        return Err(KeyError::RsaPss);
    }
    if let Ok(key) = rsa::PrivateKey::from_pkcs8_der(der) {
        return rsa(key);
    }
    if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
        return Ok(SigningKey::P256(key.into()));
    }
    if let Ok(key) = p384::SecretKey::from_pkcs8_der(der) {
        return Ok(SigningKey::P384(key.into()));
    }
    Err(KeyError::UnknownKind)
}

/// id-RSASSA-PSS (RFC 4055, 1.2): a key for such signatures alone.
const RSA_PSS: rsa::pkcs8::ObjectIdentifier =
    rsa::pkcs8::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

fn from_sec1(der: &[u8]) -> std::result::Result<SigningKey, KeyError> {
    if let Ok(key) = p256::SecretKey::from_sec1_der(der) {
        return Ok(SigningKey::P256(key.into()));
    }
    if let Ok(key) = p384::SecretKey::from_sec1_der(der) {
        return Ok(SigningKey::P384(key.into()));
    }
    Err(KeyError::UnknownKind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_key_is_none_by_itself() {
        for text in [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        ] {
            let why = SigningKey::parse(text.as_bytes()).unwrap_err();
            assert!(
                matches!(why, KeyError::Encrypted | KeyError::OldEncryption),
                "{why}"
            );
        }
    }

    #[test]
    fn a_file_without_a_key_is_refused() {
        let why = SigningKey::parse(b"").unwrap_err();
        assert!(matches!(&why, KeyError::None { .. }), "{why}");
        let pem = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let why = SigningKey::parse(pem).unwrap_err();
        assert!(matches!(why, KeyError::UnknownKind), "{why}");
    }
}
