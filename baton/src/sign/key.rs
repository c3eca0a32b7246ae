//! Private keys: RSA and ECDSA on P-256 and P-384, from unencrypted PEM.

use crate::certs::pem_blocks;
use crate::failure::{Failure, Result};
use crate::read;
use baton_verify::{Digest, HashAlgorithm};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use std::path::Path;

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
        let text = read::given_text(path)?;
        SigningKey::parse(&text)
            .map_err(|why| Failure::failed(format!("{}: {why}", path.display())))
    }

    /// From the text of a PEM file: PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    /// Says what is wrong, without the key.
    pub fn parse(text: &str) -> std::result::Result<SigningKey, String> {
        if text.contains("ENCRYPTED") {
            return Err(
                "the key is encrypted; decrypt it for signing, for instance into memory with \
                 `openssl pkey -in KEY -out /dev/shm/key.pem`"
                    .into(),
            );
        }
        for (label, der) in pem_blocks(text)? {
            match label.as_str() {
                "PRIVATE KEY" => return from_pkcs8(&der),
                "RSA PRIVATE KEY" => {
                    let key = rsa::PrivateKey::from_pkcs1_der(&der);
                    return key.map(rsa).map_err(|e| format!("broken RSA key: {e}"))?;
                }
                "EC PRIVATE KEY" => return from_sec1(&der),
                _ => {}
            }
        }
        Err("no private key in it; give an unencrypted one in PEM (PKCS#8, PKCS#1 or SEC1)".into())
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
    pub fn sign(&self, digest: &Digest) -> std::result::Result<Vec<u8>, String> {
        use p256::ecdsa::signature::hazmat::PrehashSigner;
        let bytes = digest.as_bytes();
        let text = |e: p256::ecdsa::Error| e.to_string();
        match self {
            SigningKey::Rsa(key) => sign_rsa(key, digest),
            SigningKey::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign_prehash(bytes).map_err(text)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            SigningKey::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign_prehash(bytes).map_err(text)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
        }
    }
}

fn sign_rsa(key: &rsa::PrivateKey, digest: &Digest) -> std::result::Result<Vec<u8>, String> {
    let bytes = digest.as_bytes();
    match digest.algorithm() {
        HashAlgorithm::Sha256 => key.pkcs1v15_sign_prehash::<sha2::Sha256>(bytes),
        HashAlgorithm::Sha384 => key.pkcs1v15_sign_prehash::<sha2::Sha384>(bytes),
        HashAlgorithm::Sha512 => key.pkcs1v15_sign_prehash::<sha2::Sha512>(bytes),
    }
    .map_err(|e| e.to_string())
}

/// The sizes that the gate takes; smaller ones are too weak, larger ones the kernel can't check.
fn rsa(key: rsa::PrivateKey) -> std::result::Result<SigningKey, String> {
    use rsa::traits::PublicKeyParts;
    let bits = key.n().bit_width_vartime();
    if !(2048..=4096).contains(&bits) {
        return Err(format!(
            "an RSA key of {bits} bits; the kernel and the gate take 2048 to 4096"
        ));
    }
    Ok(SigningKey::Rsa(Box::new(key)))
}

fn from_pkcs8(der: &[u8]) -> std::result::Result<SigningKey, String> {
    if let Ok(key) = rsa::PrivateKey::from_pkcs8_der(der) {
        return rsa(key);
    }
    if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
        return Ok(SigningKey::P256(key.into()));
    }
    if let Ok(key) = p384::SecretKey::from_pkcs8_der(der) {
        return Ok(SigningKey::P384(key.into()));
    }
    Err(unknown_kind())
}

fn from_sec1(der: &[u8]) -> std::result::Result<SigningKey, String> {
    if let Ok(key) = p256::SecretKey::from_sec1_der(der) {
        return Ok(SigningKey::P256(key.into()));
    }
    if let Ok(key) = p384::SecretKey::from_sec1_der(der) {
        return Ok(SigningKey::P384(key.into()));
    }
    Err(unknown_kind())
}

fn unknown_kind() -> String {
    "a private key of another kind; give RSA (2048 to 4096 bits), or ECDSA on P-256 or P-384".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_key_is_refused_with_the_way_out() {
        for text in [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        ] {
            let why = SigningKey::parse(text).unwrap_err();
            assert!(
                why.contains("encrypted") && why.contains("openssl pkey"),
                "{why}"
            );
        }
    }

    #[test]
    fn a_file_without_a_key_is_refused() {
        assert!(
            SigningKey::parse("")
                .unwrap_err()
                .contains("no private key")
        );
        let why =
            SigningKey::parse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        assert!(why.unwrap_err().contains("another kind"));
    }
}
