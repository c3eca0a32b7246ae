//! `baton verify`: what an image's signatures are worth, by the gate's own code.

use crate::ErrorFields;
use crate::certs;
use crate::cli::VerifyArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::kernel_verdict::hex;
use crate::machine::Keys;
use crate::p7s;
use crate::refusal;
use baton_formats::elf::Elf;
use baton_formats::gate_image::GateInfo;
use baton_formats::handover;
use baton_formats::manifest::FIRST_LINE;
use baton_formats::module_signature;
use baton_formats::multiboot2::Multiboot2;
use baton_formats::pe::Pe;
use baton_sys::Root;
use baton_verify::{
    AnchorSource, HashAlgorithm, Reason, Refusal, Signer, Trust, Verified, VerifiedManifest, Way,
    decide, verify_detached, verify_kernel,
};
use serde::Serialize;
use std::ffi::OsStr;
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where a bzImage says that it is one (Documentation/arch/x86/boot.rst).
const HDRS_OFFSET: usize = 0x202;

#[derive(Serialize)]
struct Report<'a> {
    image: String,
    accepted: bool,
    way: Option<&'static str>,
    digest: String,
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

/// Why and how an image is accepted.
struct Verdict {
    way: Way,
    signer: Signer,
    digest: [u8; 32],
    /// What exactly the verdict is about, if not the image as a kernel.
    part: Option<String>,
}

impl Verdict {
    fn of(verified: &Verified<'_>) -> Verdict {
        Verdict {
            way: verified.way(),
            signer: verified.signer().clone(),
            digest: verified.digest(),
            part: None,
        }
    }
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
        print_json(args, &input, &verdict);
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
    Ok(())
}

fn digest_name(way: Way) -> &'static str {
    match way {
        Way::Authenticode | Way::ListedDigest => "Authenticode, SHA-256",
        Way::Appended => "SHA-256 of all before the signature",
        Way::Note => "SHA-256, the signature as zeros",
        Way::Unsigned | Way::Detached | Way::Manifest => "SHA-256",
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Failure::io(path, &e))
}

/// What is to be judged: a file, and the detached signature beside it.
struct Signed<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
    signature: Option<Vec<u8>>,
}

impl<'a> Signed<'a> {
    fn read(path: &'a Path) -> Result<Signed<'a>> {
        Ok(Signed {
            path,
            bytes: read(path)?,
            signature: p7s::read_beside(path)?,
        })
    }

    fn as_manifest(&self, trust: &Trust<'_>) -> std::result::Result<VerifiedManifest<'_>, Reason> {
        let signature = self.signature.as_ref().ok_or(Reason::UnsignedManifest)?;
        VerifiedManifest::verify(&self.bytes, signature, trust)
    }
}

/// A refusal, and the file that it is about.
struct Refused<'a> {
    path: &'a Path,
    why: Why,
}

enum Why {
    Reason(Reason),
    /// It is about the detached signature beside the file, which isn't needed.
    Beside(Reason),
    Handover(Refusal),
    /// Nothing says how the file is to be judged.
    NoFormat,
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Why {
        Why::Reason(reason)
    }
}

struct Input<'a> {
    image: Signed<'a>,
    manifest: Option<Signed<'a>>,
    command_line: &'a OsStr,
}

impl<'a> Input<'a> {
    fn read(args: &'a VerifyArgs) -> Result<Input<'a>> {
        Ok(Input {
            image: Signed::read(&args.image)?,
            manifest: args.manifest.as_deref().map(Signed::read).transpose()?,
            command_line: args.cmdline.as_deref().unwrap_or_default(),
        })
    }

    fn judge(&self, trust: &Trust<'_>) -> std::result::Result<Verdict, Refused<'a>> {
        let bytes = &self.image.bytes;
        let about = |signed: &Signed<'a>| {
            let path = signed.path;
            move |why| Refused { path, why }
        };
        let manifest = self.manifest.as_ref().map(|signed| {
            let manifest = signed.as_manifest(trust).map_err(Why::from);
            manifest.map_err(about(signed))
        });
        let manifest = manifest.transpose()?;
        let verdict = if bytes.starts_with(&handover::MAGIC) {
            self.as_handover(trust)
        } else if bytes.starts_with(FIRST_LINE.as_bytes()) {
            self.as_manifest(trust).map_err(Why::from)
        } else {
            self.as_kernel_or_initrd(manifest.as_ref(), trust)
        };
        verdict.map_err(about(&self.image))
    }

    fn as_handover(&self, trust: &Trust<'_>) -> std::result::Result<Verdict, Why> {
        let decision = decide(&self.image.bytes, self.command_line.as_bytes(), trust)
            .map_err(Why::Handover)?;
        Ok(Verdict {
            part: Some("handover; what follows is about its kernel".into()),
            ..Verdict::of(&decision.kernel)
        })
    }

    fn as_manifest(&self, trust: &Trust<'_>) -> std::result::Result<Verdict, Reason> {
        let manifest = self.image.as_manifest(trust)?;
        Ok(Verdict {
            way: Way::Detached,
            signer: manifest.signer().clone(),
            digest: sha256(&self.image.bytes),
            part: Some("manifest".into()),
        })
    }

    fn as_kernel_or_initrd(
        &self,
        manifest: Option<&VerifiedManifest<'_>>,
        trust: &Trust<'_>,
    ) -> std::result::Result<Verdict, Why> {
        let why = match self.as_kernel(manifest, trust) {
            Ok(verdict) => return Ok(verdict),
            Err(why) => why,
        };
        let initrd = manifest.and_then(|manifest| self.as_listed_initrd(manifest));
        match (why, initrd) {
            (Why::Reason(Reason::NotInManifest { .. } | Reason::Unsigned), Some(initrd)) => {
                Ok(initrd)
            }
            (Why::Reason(Reason::Unsigned), None) if !is_image(&self.image.bytes) => {
                Err(Why::NoFormat)
            }
            (why, _) => Err(why),
        }
    }

    /// As the gate judges a kernel: what isn't needed must be right, too.
    fn as_kernel(
        &self,
        manifest: Option<&VerifiedManifest<'_>>,
        trust: &Trust<'_>,
    ) -> std::result::Result<Verdict, Why> {
        let bytes = &self.image.bytes;
        let detached = self.image.signature.as_deref();
        let verified = verify_kernel(bytes, detached, manifest, trust)?;
        if let Some(signature) = detached.filter(|_| verified.way() != Way::Detached) {
            verify_detached([&bytes[..]], signature, trust).map_err(Why::Beside)?;
        }
        if let Some(manifest) = manifest.filter(|m| m.manifest().kernel().is_some()) {
            manifest.check_kernel(bytes.len(), &sha256(bytes))?;
        }
        Ok(Verdict::of(&verified))
    }

    fn as_listed_initrd(&self, manifest: &VerifiedManifest<'_>) -> Option<Verdict> {
        let (len, digest) = (self.image.bytes.len(), sha256(&self.image.bytes));
        let count = manifest.manifest().initrds().count();
        let mut places = 0..count;
        let place = places.find(|&n| manifest.check_initrd(n, len, &digest).is_ok())?;
        Some(Verdict {
            way: Way::Manifest,
            signer: manifest.signer().clone(),
            digest,
            part: Some(format!("initrd {} of {count} in the manifest", place + 1)),
        })
    }
}

/// Whether this is an image in any format that can be booted, malformed or not.
fn is_image(bytes: &[u8]) -> bool {
    let hdrs = bytes.get(HDRS_OFFSET..);
    bytes.starts_with(b"MZ")
        || Elf::is_one(bytes)
        || hdrs.is_some_and(|at| at.starts_with(b"HdrS"))
        || Multiboot2::is_one(bytes)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(HashAlgorithm::Sha256.hash([bytes]).as_bytes());
    digest
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

    fn refuse(&self, refused: Refused<'_>) -> Failure {
        let path = refused.path.display();
        match refused.why {
            Why::Reason(reason) => self.refused(&path, reason),
            Why::Beside(reason) => self.refused(&p7s::beside(refused.path).display(), reason),
            Why::Handover(Refusal { component, reason }) => {
                let failure = Failure::from(Refusal::new(component, self.named_in(reason)));
                Failure {
                    message: format!("{path}: {failure}"),
                    ..failure
                }
            }
            Why::NoFormat => Failure::new(
                Exit::Malformed,
                "bad-image",
                format!(
                    "{path} refused: of no format that can be booted, and nothing vouches for it (sign it, or list it in a manifest)"
                ),
            ),
        }
    }

    fn refused(&self, path: &impl Display, reason: Reason) -> Failure {
        let reason = self.named_in(reason);
        let message = format!("{path} refused: {reason}");
        Failure::new(refusal::exit(&reason), reason.code(), message)
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

fn print_json(args: &VerifyArgs, input: &Input<'_>, verdict: &Result<Verdict>) {
    let accepted = verdict.as_ref().ok();
    crate::print_json(&Report {
        image: args.image.display().to_string(),
        accepted: accepted.is_some(),
        way: accepted.map(|verdict| verdict.way.code()),
        digest: accepted.map_or_else(|| digest(&input.image.bytes), |v| hex(&v.digest)),
        signatures: signatures(&input.image),
        signed_by: accepted.map(|verdict| SignedBy::from(&verdict.signer)),
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
