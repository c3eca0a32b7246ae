//! Judging a file: as a kernel of any format, an initrd, a manifest or a handover.

use crate::cli::VerifyArgs;
use crate::failure::Result;
use crate::p7s;
use crate::read;
use baton_formats::bzimage::BzImage;
use baton_formats::elf::Elf;
use baton_formats::handover::{self, Handover};
use baton_formats::manifest::FIRST_LINE;
use baton_formats::multiboot2::Multiboot2;
use baton_verify::{
    HashAlgorithm, Reason, Refusal, Signer, Trust, Use, Verified, VerifiedManifest, Way, decide,
    verify_detached_for, verify_kernel,
};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What the running kernel puts first in a crash (setup_cmdline in arch/x86/kernel/kexec-bzimage64.c).
const CRASH_PREFIX: &[u8] = b"elfcorehdr=0x0 ";

/// Why and how an image is accepted.
pub struct Verdict {
    /// How.
    pub way: Way,
    /// By whom.
    pub signer: Signer,
    /// The SHA-256 of what was signed.
    pub digest: [u8; 32],
    /// What exactly the verdict is about, if not the image as a kernel.
    pub part: Option<String>,
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

/// What is to be judged: a file, and the detached signature beside it.
pub struct Signed<'a> {
    /// The file.
    pub path: &'a Path,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// The signature, in DER.
    pub signature: Option<Vec<u8>>,
}

impl<'a> Signed<'a> {
    fn read(path: &'a Path) -> Result<Signed<'a>> {
        Ok(Signed {
            path,
            bytes: read::given(path)?,
            signature: p7s::read_beside(path)?,
        })
    }

    fn as_manifest(&self, trust: &Trust<'_>) -> std::result::Result<VerifiedManifest<'_>, Reason> {
        let signature = self.signature.as_ref().ok_or(Reason::UnsignedManifest)?;
        VerifiedManifest::verify(&self.bytes, signature, trust)
    }
}

/// A refusal, and the file that it is about.
pub struct Refused<'a> {
    /// The file.
    pub path: &'a Path,
    /// Why.
    pub why: Why,
}

/// Why.
pub enum Why {
    /// It is about the file.
    Reason(Reason),
    /// It is about the detached signature beside the file, which isn't needed.
    Beside(Reason),
    /// It is about a part of the handover that the file is.
    Handover(Refusal),
    /// Nothing says how the file is to be judged.
    NoFormat,
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Why {
        Why::Reason(reason)
    }
}

/// What a verdict depends on, but for trust.
pub struct Input<'a> {
    /// What is to be judged.
    pub image: Signed<'a>,
    manifest: Option<Signed<'a>>,
    command_line: &'a OsStr,
}

impl<'a> Input<'a> {
    /// Reads the files.
    pub fn read(args: &'a VerifyArgs) -> Result<Input<'a>> {
        Ok(Input {
            image: Signed::read(&args.image)?,
            manifest: args.manifest.as_deref().map(Signed::read).transpose()?,
            command_line: args.cmdline.as_deref().unwrap_or_default(),
        })
    }

    /// Judges the image.
    pub fn judge(&self, trust: &Trust<'_>) -> std::result::Result<Verdict, Refused<'a>> {
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
        let mut line = self.command_line.as_bytes().to_vec();
        if Handover::parse(&self.image.bytes).is_ok_and(|handover| handover.is_crash()) {
            line.splice(0..0, CRASH_PREFIX.iter().copied());
        }
        let decision = decide(&self.image.bytes, &line, trust).map_err(Why::Handover)?;
        let unsigned = decision
            .parts
            .iter()
            .filter(|p| p.vouched.way == Way::Unsigned);
        Ok(Verdict {
            part: Some(format!(
                "handover of {} parts, {} of them unsigned; its kernel:",
                decision.parts.len(),
                unsigned.count()
            )),
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
            verify_detached_for([&bytes[..]], signature, trust, &Use::kernel(bytes))
                .map_err(Why::Beside)?;
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
    let is_pe = bytes.starts_with(b"MZ") || BzImage::is_one(bytes);
    is_pe || Elf::is_one(bytes) || Multiboot2::is_one(bytes)
}

/// Of a whole file.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(HashAlgorithm::Sha256.hash([bytes]).as_bytes());
    digest
}
