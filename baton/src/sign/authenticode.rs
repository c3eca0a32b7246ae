//! Authenticode signatures in PE images ("Windows Authenticode Portable Executable Signature
//! Format"): what the kernel, shim, sbverify and the gate look for.

use super::args::Existing;
use super::certificate_table::{attach, prepare};
use super::cms::{self, Attributes, Content};
use super::signer::{Signer, accepted};
use crate::encode::der::{algorithm_with_null, element, oid, sequence, tag};
use crate::failure::Result;
use crate::failure::sign::SignError;
use baton_formats::gate_image::GateInfo;
use baton_verify::der::oid;
use baton_verify::{Digest, HashAlgorithm, verify_image};

/// What Authenticode has always said where a page hash could be.
const OBSOLETE: &str = "<<<Obsolete>>>";

/// The image with one more signature, which is to be [checked](check) before anybody has it.
///
/// # Errors
/// When it isn't an image that can be signed, or is signed and that isn't wanted.
pub fn sign(image: Vec<u8>, signer: &Signer, existing: Existing) -> Result<Vec<u8>> {
    let prepared = prepare(image, signer.hash, existing)?;
    let indirect = indirect_data(&prepared.digest);
    let inside = sequence(&[&indirect]);
    let content = content(&indirect, &inside, signer.hash, signer.attributes());
    let signature = cms::signed_data(&content, signer, &signer.certificates)?;
    let signed = attach(prepared, &signature)?;
    check_gate_limit(&signed)?;
    Ok(signed)
}

/// Judges what [`sign`] made.
///
/// # Errors
/// When the gate wouldn't accept it, though it trusted the signer.
pub fn check(signed: &[u8], signer: &Signer) -> Result<()> {
    accepted(verify_image(signed, &signer.trust()?)).map(|_| ())
}

/// What is signed of an image.
///
/// # Errors
/// As [`sign`].
pub fn to_be_signed(image: Vec<u8>, hash: HashAlgorithm, existing: Existing) -> Result<Vec<u8>> {
    let indirect = indirect_data(&prepare(image, hash, existing)?.digest);
    let inside = sequence(&[&indirect]);
    let content = content(&indirect, &inside, hash, Attributes::Own);
    Ok(cms::to_be_signed(&content).unwrap_or_default())
}

/// The message digest is over the content without its tag and length (RFC 2315, 9.3).
fn content<'c>(
    indirect: &[u8],
    inside: &'c [u8],
    hash: HashAlgorithm,
    attributes: Attributes<'c>,
) -> Content<'c> {
    Content {
        kind: oid::SPC_INDIRECT_DATA,
        inside: Some(inside),
        digest: hash.hash([indirect]),
        attributes,
    }
}

/// The contents of `SpcIndirectDataContent`: what the image is, and its digest.
fn indirect_data(digest: &Digest) -> Vec<u8> {
    let text: Vec<u8> = OBSOLETE.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let link = element(
        tag::constructed(0),
        &[&element(
            tag::constructed(2),
            &[&element(tag::context(0), &[&text])],
        )],
    );
    let image = sequence(&[
        &oid(oid::SPC_PE_IMAGE_DATA),
        &sequence(&[&element(tag::BIT_STRING, &[&[0]]), &link]),
    ]);
    let digest = sequence(&[
        &algorithm_with_null(cms::hash_oid(digest.algorithm())),
        &element(tag::OCTET_STRING, &[digest.as_bytes()]),
    ]);
    [image, digest].concat()
}

/// A gate's file, signatures included, must end before the memory the gate works in.
fn check_gate_limit(signed: &[u8]) -> Result<()> {
    match GateInfo::from_image(signed) {
        Ok(info) if signed.len() as u64 > u64::from(info.limit) => Err(SignError::GateTooLarge {
            length: signed.len(),
            limit: info.limit,
        }
        .into()),
        // Not a gate, or one with room.
        _ => Ok(()),
    }
}
