//! The SHA-256 that files, and what is signed in them, are known by.

use baton_formats::pe::Pe;
use baton_verify::HashAlgorithm;
use sha1::{Digest, Sha1};

/// Of `parts`, one after the other.
#[must_use]
pub fn sha256<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(HashAlgorithm::Sha256.hash(parts).as_bytes());
    digest
}

/// The SHA-1 of `parts`, by which firmware, MokManager and mokutil show certificates, and which the kernel still takes in
/// signatures. Nothing is trusted by it.
pub fn sha1<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> [u8; 20] {
    let mut state = Sha1::new();
    parts.into_iter().for_each(|part| state.update(part));
    state.finalize().into()
}

/// The Authenticode digest of a PE image; `None` if it isn't one.
#[must_use]
pub fn image_digest(image: &[u8]) -> Option<[u8; 32]> {
    Some(sha256(Pe::parse(image).ok()?.digest_parts()))
}
