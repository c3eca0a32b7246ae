//! What a public key says of a signature. A file's signature is judged by `baton_verify`; this is for what the gate never
//! reads.

use baton_verify::{Digest, HashAlgorithm};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs8::DecodePublicKey;

/// Whether the key of this `SubjectPublicKeyInfo` made the signature of what has this digest.
#[must_use]
pub fn made(info: &[u8], digest: &Digest, signature: &[u8]) -> bool {
    by_rsa(info, digest, signature)
        .or_else(|| by_p256(info, digest, signature))
        .or_else(|| by_p384(info, digest, signature))
        .unwrap_or(false)
}

fn by_rsa(info: &[u8], digest: &Digest, signature: &[u8]) -> Option<bool> {
    let key = rsa::PublicKey::from_public_key_der(info).ok()?;
    let bytes = digest.as_bytes();
    let verdict = match digest.algorithm() {
        HashAlgorithm::Sha256 => key.pkcs1v15_verify_prehash::<sha2::Sha256>(bytes, signature),
        HashAlgorithm::Sha384 => key.pkcs1v15_verify_prehash::<sha2::Sha384>(bytes, signature),
        HashAlgorithm::Sha512 => key.pkcs1v15_verify_prehash::<sha2::Sha512>(bytes, signature),
    };
    Some(verdict.is_ok())
}

fn by_p256(info: &[u8], digest: &Digest, signature: &[u8]) -> Option<bool> {
    let key = p256::ecdsa::VerifyingKey::from_public_key_der(info).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature);
    Some(signature.is_ok_and(|it| key.verify_prehash(digest.as_bytes(), &it).is_ok()))
}

fn by_p384(info: &[u8], digest: &Digest, signature: &[u8]) -> Option<bool> {
    let key = p384::ecdsa::VerifyingKey::from_public_key_der(info).ok()?;
    let signature = p384::ecdsa::Signature::from_der(signature);
    Some(signature.is_ok_and(|it| key.verify_prehash(digest.as_bytes(), &it).is_ok()))
}
