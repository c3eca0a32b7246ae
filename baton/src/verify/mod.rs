//! `baton verify`: what an image's signatures are worth, by the gate's own code.

mod anchors;
mod judge;

use crate::ErrorFields;
use crate::cli::VerifyArgs;
use crate::failure::{Failure, Result};
use crate::kernel_verdict::hex;
use crate::trust_summary::TrustSummary;
use anchors::Anchors;
use baton_formats::elf::Elf;
use baton_formats::module_signature;
use baton_formats::pe::Pe;
use baton_verify::{HashAlgorithm, Signer, Way};
use judge::{Input, Signed, Verdict, sha256};
use serde::Serialize;

#[derive(Serialize)]
struct Report<'a> {
    image: String,
    accepted: bool,
    way: Option<&'static str>,
    digest: String,
    signatures: usize,
    signed_by: Option<SignedBy>,
    judged_by: TrustSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorFields<'a>>,
}

#[derive(Serialize)]
struct SignedBy {
    subject: String,
    key_id: String,
    anchor_subject: String,
    anchor_key_id: String,
    anchor_source: &'static str,
}

/// Carries out the command.
///
/// # Errors
/// Why the image is refused.
pub fn run(args: &VerifyArgs) -> Result<()> {
    let input = Input::read(args)?;
    let anchors = Anchors::read(args)?;
    let trust = anchors.trust()?;
    let verdict = input.judge(&trust).map_err(|r| anchors.refuse(r));
    if args.json {
        print_json(args, &input, &verdict, TrustSummary::of(&trust));
        return verdict.map(|_| ()).map_err(|f| Failure { told: true, ..f });
    }
    let verdict = verdict?;
    println!("{}: accepted", args.image.display());
    if let Some(part) = &verdict.part {
        println!("  as:        {part}");
    }
    println!("  by:        {}", verdict.way);
    println!("  signed by: {}", anchors.describe(&verdict.signer));
    println!(
        "  digest:    {} ({})",
        hex(&verdict.digest),
        digest_name(verdict.way)
    );
    println!("  judged by: {}", TrustSummary::of(&trust));
    Ok(())
}

fn digest_name(way: Way) -> &'static str {
    match way {
        Way::Authenticode | Way::ListedDigest => "Authenticode, SHA-256",
        Way::Appended => "SHA-256 of all before the signature",
        Way::Note => "SHA-256, the signature as zeros",
        Way::Detached | Way::Manifest | Way::Unsigned => "SHA-256",
    }
}

fn print_json(
    args: &VerifyArgs,
    input: &Input<'_>,
    verdict: &Result<Verdict>,
    judged_by: TrustSummary,
) {
    let accepted = verdict.as_ref().ok();
    crate::print_json(&Report {
        image: args.image.display().to_string(),
        accepted: accepted.is_some(),
        way: accepted.map(|verdict| verdict.way.code()),
        digest: accepted.map_or_else(|| digest(&input.image.bytes), |v| hex(&v.digest)),
        signatures: signatures(&input.image),
        signed_by: accepted.map(|verdict| SignedBy::from(&verdict.signer)),
        judged_by,
        error: verdict.as_ref().err().map(ErrorFields::from),
    });
}

/// What a refused image is known by.
fn digest(image: &[u8]) -> String {
    match Pe::parse(image) {
        Ok(pe) => hex(HashAlgorithm::Sha256.hash(pe.digest_parts()).as_bytes()),
        Err(_) => hex(&sha256(image)),
    }
}

/// How many signatures there are, whatever they are worth.
fn signatures(image: &Signed<'_>) -> usize {
    let bytes = &image.bytes;
    let inside = Pe::parse(bytes).map_or(0, |pe| pe.certificates().count());
    let appended = matches!(module_signature::split(bytes), Ok(Some(_)));
    let note = Elf::parse(bytes).is_ok_and(|elf| elf.signature().is_some());
    let beside = image.signature.is_some();
    inside + usize::from(appended) + usize::from(note) + usize::from(beside)
}

impl From<&Signer> for SignedBy {
    fn from(signer: &Signer) -> SignedBy {
        SignedBy {
            subject: signer.subject.clone(),
            key_id: signer.key_id.to_string(),
            anchor_subject: signer.anchor_subject.clone(),
            anchor_key_id: signer.anchor_key_id.to_string(),
            anchor_source: signer.anchor_source.code(),
        }
    }
}
