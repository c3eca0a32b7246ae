//! `baton verify`: what an image's signature is worth.

use crate::ErrorFields;
use crate::certs;
use crate::cli::VerifyArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::kernel_verdict::hex;
use crate::machine::Keys;
use crate::refusal;
use baton_formats::gate_image::GateInfo;
use baton_formats::pe::Pe;
use baton_sys::Root;
use baton_verify::{AnchorSource, Reason, Signer, Trust, Verified, verify_image};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::Path;

#[derive(Serialize)]
struct Report<'a> {
    image: String,
    accepted: bool,
    digest: Option<String>,
    signatures: usize,
    signed_by: Option<SignedBy>,
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
    let image = read(&args.image)?;
    let anchors = Anchors::read(args)?;
    let trust = anchors.trust()?;
    let verdict = verify_image(&image, &trust)
        .map_err(|reason| refuse(&args.image, &anchors.named_in(reason)));
    if args.json {
        print_json(args, &image, &verdict);
        return verdict.map(|_| ()).map_err(|f| Failure { told: true, ..f });
    }
    let verified = verdict?;
    println!("{}: accepted", args.image.display());
    println!("  signed by: {}", anchors.describe(verified.signer()));
    println!(
        "  digest:    {} (Authenticode, SHA-256)",
        hex(&verified.digest())
    );
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Failure::io(path, &e))
}

fn refuse(path: &Path, reason: &Reason) -> Failure {
    Failure::new(
        refusal::exit(reason),
        reason.code(),
        format!("{} refused: {reason}", path.display()),
    )
}

/// The bytes that trust is made of.
struct Anchors {
    certificates: Vec<u8>,
    machine: Keys,
    /// The certificates are those of `--cert` alone.
    given_by_option: bool,
}

impl Anchors {
    /// Certificates on the command line stand alone; otherwise the machine's list counts, and the
    /// certificates of a gate with it.
    fn read(args: &VerifyArgs) -> Result<Anchors> {
        let mut certificates = Vec::new();
        for path in &args.cert {
            for certificate in certs::read(path)? {
                certificates.extend(certificate.der);
            }
        }
        if let Some(path) = &args.gate {
            let gate = read(path)?;
            let not_a_gate = |e| {
                Failure::new(
                    Exit::Malformed,
                    "bad-gate",
                    format!("{}: {e}", path.display()),
                )
            };
            let info = GateInfo::from_image(&gate).map_err(not_a_gate)?;
            certificates.extend(info.keys(&gate).map_err(not_a_gate)?);
        }
        let machine = if args.cert.is_empty() || args.gate.is_some() {
            Keys::read(&Root::system())?
        } else {
            Keys::default()
        };
        Ok(Anchors {
            certificates,
            machine,
            given_by_option: !args.cert.is_empty() && args.gate.is_none(),
        })
    }

    /// The signer in words; `.keys` is where a gate has its certificates, and here they may be others.
    fn describe(&self, signer: &Signer) -> String {
        let text = signer.to_string();
        if self.given_by_option && signer.anchor_source == AnchorSource::GateKeys {
            let (before, _) = text.rsplit_once(".keys").unwrap_or((&text, ""));
            return format!("{before}--cert");
        }
        text
    }

    fn named_in(&self, reason: Reason) -> Reason {
        match reason {
            Reason::UnknownSigner {
                subject,
                key_id,
                tried,
            } if self.given_by_option => Reason::UnknownSigner {
                subject,
                key_id,
                tried: tried.replacen(".keys:", "--cert:", 1),
            },
            other => other,
        }
    }

    fn trust(&self) -> Result<Trust<'_>> {
        Ok(self.machine.gate_trust(&self.certificates)?)
    }
}

fn print_json(args: &VerifyArgs, image: &[u8], verdict: &Result<Verified<'_>>) {
    let pe = Pe::parse(image).ok();
    let failure = verdict.as_ref().err();
    crate::print_json(&Report {
        image: args.image.display().to_string(),
        accepted: verdict.is_ok(),
        digest: pe.as_ref().map(|pe| hex(&digest(pe))),
        signatures: pe.as_ref().map_or(0, |pe| pe.certificates().count()),
        signed_by: verdict.as_ref().ok().map(|v| signed_by(v)),
        error: failure.map(ErrorFields::from),
    });
}

fn digest(pe: &Pe<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    pe.digest_parts().for_each(|part| hash.update(part));
    hash.finalize().into()
}

fn signed_by(verified: &Verified<'_>) -> SignedBy {
    let signer = verified.signer();
    SignedBy {
        subject: signer.subject.clone(),
        key_id: signer.key_id.to_string(),
        anchor_subject: signer.anchor_subject.clone(),
        anchor_key_id: signer.anchor_key_id.to_string(),
        anchor_source: signer.anchor_source.code(),
    }
}
