//! The PKCS#7 SignedData of an Authenticode signature ("Windows Authenticode Portable Executable
//! Signature Format"; RFC 2315).
//!
//! Two things are as the kernel's parser wants them (crypto/asymmetric_keys/pkcs7_parser.c): an RSA
//! signer's algorithm is bare `rsaEncryption`, and there are authenticated attributes. There is no
//! signing time: the same input gives the same bytes.

use super::key::SigningKey;
use crate::der::{algorithm, algorithm_with_null, element, oid, sequence, tag};
use crate::failure::{Failure, Result};
use baton_verify::Certificate;
use sha2::{Digest, Sha256};

/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.3.6.1.4.1.311.2.1.4
const SPC_INDIRECT_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4];
/// 1.3.6.1.4.1.311.2.1.15
const SPC_PE_IMAGE_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 15];
/// 1.2.840.113549.1.9.3
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// 1.2.840.10045.4.3.2
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// What Authenticode has always said where a page hash could be.
const OBSOLETE: &str = "<<<Obsolete>>>";

/// The kernel takes a wrapper of at most 64 KiB (pefile_strip_sig_wrapper).
const MAX_LEN: usize = 0xffff;

/// A signature over an image's Authenticode digest (SHA-256).
///
/// # Errors
/// When the key can't sign, or the certificates make the signature larger than the kernel takes.
pub fn signed_data(
    digest: &[u8; 32],
    key: &SigningKey,
    signer: &Certificate<'_>,
    certificates: &[Vec<u8>],
) -> Result<Vec<u8>> {
    let sha256 = algorithm_with_null(SHA256);
    let content = indirect_data(digest);
    let attributes = attributes(&content);
    let signature = key
        .sign(&element(tag::SET, &[&attributes]))
        .map_err(|why| Failure::failed(format!("signing failed: {why}")))?;
    let signer_info = sequence(&[
        &[tag::INTEGER, 1, 1],
        &sequence(&[signer.issuer(), &element(tag::INTEGER, &[signer.serial()])]),
        &sha256,
        &element(tag::constructed(0), &[&attributes]),
        &signature_algorithm(key),
        &element(tag::OCTET_STRING, &[&signature]),
    ]);
    let certificates: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    let signed = sequence(&[
        &[tag::INTEGER, 1, 1],
        &element(tag::SET, &[&sha256]),
        &sequence(&[
            &oid(SPC_INDIRECT_DATA),
            &element(tag::constructed(0), &[&sequence(&[&content])]),
        ]),
        &element(tag::constructed(0), &certificates),
        &element(tag::SET, &[&signer_info]),
    ]);
    let whole = sequence(&[&oid(SIGNED_DATA), &element(tag::constructed(0), &[&signed])]);
    if whole.len() > MAX_LEN {
        return Err(Failure::failed(
            "the signature would be larger than the 64 KiB the kernel takes; give fewer certificates with --chain",
        ));
    }
    Ok(whole)
}

/// The contents of `SpcIndirectDataContent`: what the image is, and its digest.
fn indirect_data(digest: &[u8; 32]) -> Vec<u8> {
    let text: Vec<u8> = OBSOLETE.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let link = element(
        tag::constructed(0),
        &[&element(
            tag::constructed(2),
            &[&element(tag::context(0), &[&text])],
        )],
    );
    let image = sequence(&[
        &oid(SPC_PE_IMAGE_DATA),
        &sequence(&[&element(tag::BIT_STRING, &[&[0]]), &link]),
    ]);
    let digest = sequence(&[
        &algorithm_with_null(SHA256),
        &element(tag::OCTET_STRING, &[digest]),
    ]);
    [image, digest].concat()
}

/// The two attributes that must be signed, in DER's order for a SET. The message digest is over the
/// content without its tag and length (RFC 2315 §9.3).
fn attributes(content: &[u8]) -> Vec<u8> {
    let content_type = sequence(&[
        &oid(CONTENT_TYPE),
        &element(tag::SET, &[&oid(SPC_INDIRECT_DATA)]),
    ]);
    let digest = sequence(&[
        &oid(MESSAGE_DIGEST),
        &element(
            tag::SET,
            &[&element(tag::OCTET_STRING, &[&Sha256::digest(content)])],
        ),
    ]);
    [content_type, digest].concat()
}

fn signature_algorithm(key: &SigningKey) -> Vec<u8> {
    match key {
        SigningKey::Rsa(_) => algorithm_with_null(RSA_ENCRYPTION),
        SigningKey::P256(_) | SigningKey::P384(_) => algorithm(ECDSA_WITH_SHA256),
    }
}
