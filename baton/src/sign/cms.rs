//! SignedData with one signer (RFC 2315 and RFC 5652), around a content or detached from it.
//!
//! The form is one that the kernel's parser takes, too (crypto/asymmetric_keys/pkcs7_parser.c): an
//! RSA signer's algorithm is bare `rsaEncryption`, and the signer is named by issuer and serial
//! number. There is no signing time: the same input gives the same bytes.

use super::signer::{Family, Message, Signer};
use crate::encode::der::{algorithm, algorithm_with_null, element, oid, sequence, tag};
use crate::failure::Result;
use crate::failure::sign::SignError;
use baton_verify::der::oid;
use baton_verify::{Digest, HashAlgorithm};

/// The kernel takes an Authenticode signature of at most 64 KiB (pefile_strip_sig_wrapper), a note
/// holds as much (`formats::elf::MAX_SIGNATURE_LEN`), and no real one comes near.
const MAX_LEN: usize = 0xffff;

/// What is signed.
#[derive(Debug)]
pub struct Content<'c> {
    /// The contents of its type's object identifier.
    pub kind: &'c [u8],
    /// The content as an element, to be put into the signature; `None`: it lies elsewhere.
    pub inside: Option<&'c [u8]>,
    /// Its digest, by the signer's hash.
    pub digest: Digest,
    /// What the signature is over.
    pub attributes: Attributes<'c>,
}

/// What a signature is over.
#[derive(Debug, Clone, Copy)]
pub enum Attributes<'c> {
    /// The content itself, which this is.
    None(&'c [u8]),
    /// Attributes that hold the content's type and digest.
    Own,
    /// Attributes that somebody else made, and had signed: the elements of their SET.
    Given(&'c [u8]),
}

/// What is signed of this content, to be signed elsewhere: the attributes as a SET in DER (RFC 5652, 5.4), which is
/// also what systemd-sbsign writes with `--prepare-offline-signing`; `None` where it is the content itself.
#[must_use]
pub fn to_be_signed(content: &Content<'_>) -> Option<Vec<u8>> {
    let attributes = attributes(content)?;
    Some(element(tag::SET, &[&attributes]))
}

/// A signature of `content`, with `certificates` in it.
///
/// # Errors
/// When the key can't sign, or the certificates make the signature too large.
pub fn signed_data(
    content: &Content<'_>,
    signer: &Signer,
    certificates: &[Vec<u8>],
) -> Result<Vec<u8>> {
    let digest_algorithm = digest_algorithm(content);
    let signer_info = signer_info(content, signer, &digest_algorithm)?;
    let inside = content.inside.map(|inside| explicit(&[inside]));
    let certificates: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    let certificates = (!certificates.is_empty()).then(|| explicit(&certificates));
    let signed = sequence(&[
        &[tag::INTEGER, 1, 1],
        &element(tag::SET, &[&digest_algorithm]),
        &sequence(&[&oid(content.kind), &inside.unwrap_or_default()]),
        &certificates.unwrap_or_default(),
        &element(tag::SET, &[&signer_info]),
    ]);
    let whole = sequence(&[&oid(oid::SIGNED_DATA), &explicit(&[&signed])]);
    if whole.len() > MAX_LEN {
        Err(SignError::TooManyCertificates.into())
    } else {
        Ok(whole)
    }
}

fn signer_info(content: &Content<'_>, signer: &Signer, digest_algorithm: &[u8]) -> Result<Vec<u8>> {
    let attributes = attributes(content);
    let set = attributes.as_ref().map(|it| element(tag::SET, &[it]));
    let message = match (content.attributes, &set) {
        (Attributes::None(bytes), _) => Message {
            bytes,
            digest: content.digest,
        },
        (_, set) => {
            let bytes = set.as_deref().unwrap_or_default();
            let digest = signer.hash.hash([bytes]);
            Message { bytes, digest }
        }
    };
    let signature = signer.sign(&message)?;
    Ok(sequence(&[
        &[tag::INTEGER, 1, 1],
        &signer.issuer_and_serial,
        digest_algorithm,
        &attributes
            .map(|attributes| explicit(&[&attributes]))
            .unwrap_or_default(),
        &signature_algorithm(signer.family, signer.hash),
        &element(tag::OCTET_STRING, &[&signature]),
    ]))
}

fn attributes(content: &Content<'_>) -> Option<Vec<u8>> {
    match content.attributes {
        Attributes::None(_) => None,
        Attributes::Own => Some(own_attributes(content)),
        Attributes::Given(elements) => Some(elements.to_vec()),
    }
}

/// The two attributes that must be there, in DER's order for a SET (RFC 5652, 5.3).
fn own_attributes(content: &Content<'_>) -> Vec<u8> {
    let attribute = |kind, value: &[u8]| sequence(&[&oid(kind), &element(tag::SET, &[value])]);
    [
        attribute(oid::CONTENT_TYPE, &oid(content.kind)),
        attribute(
            oid::MESSAGE_DIGEST,
            &element(tag::OCTET_STRING, &[content.digest.as_bytes()]),
        ),
    ]
    .concat()
}

/// `[0]`, which holds content, certificates and attributes alike.
fn explicit(parts: &[&[u8]]) -> Vec<u8> {
    element(tag::constructed(0), parts)
}

/// Authenticode's has always had parameters; RFC 5754 wants none.
fn digest_algorithm(content: &Content<'_>) -> Vec<u8> {
    let hash = hash_oid(content.digest.algorithm());
    match content.inside {
        Some(_) => algorithm_with_null(hash),
        None => algorithm(hash),
    }
}

/// The contents of a hash's object identifier.
#[must_use]
pub fn hash_oid(hash: HashAlgorithm) -> &'static [u8] {
    match hash {
        HashAlgorithm::Sha256 => oid::SHA256,
        HashAlgorithm::Sha384 => oid::SHA384,
        HashAlgorithm::Sha512 => oid::SHA512,
    }
}

fn signature_algorithm(family: Family, hash: HashAlgorithm) -> Vec<u8> {
    match family {
        Family::Rsa => algorithm_with_null(oid::RSA),
        Family::Ecdsa => algorithm(match hash {
            HashAlgorithm::Sha256 => oid::ECDSA_SHA256,
            HashAlgorithm::Sha384 => oid::ECDSA_SHA384,
            HashAlgorithm::Sha512 => oid::ECDSA_SHA512,
        }),
    }
}
