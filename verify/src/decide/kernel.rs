//! Judging a kernel image of any format, by whatever vouches for it.

use baton_formats::elf::Elf;
use baton_formats::gate_image::{Format, Formats};
use baton_formats::module_signature;
use baton_formats::pe::Pe;
use baton_formats::policy::Rules;
use baton_formats::verdict::SignatureKind;

use crate::crypto::hash::sha256;
use crate::decide::manifest::VerifiedManifest;
use crate::decide::payload::{Payload, as_uki, check_format};
use crate::policy::revoked::check_revoked;
use crate::policy::sbat::check_sbat;
use crate::policy::scope::Use;
use crate::policy::trust::Trust;
use crate::reason::Reason;
use crate::signature::detached::{Content, judge_hashed};
use crate::signature::image::verify_image;
use crate::signature::verified::{Signer, Verified};

/// Judges a kernel image by `trust`, and by the detached signature and the manifest where they
/// come with it.
///
/// Every way of vouching that there is for these bytes is tried, in the order of [`SignatureKind`], until
/// one is accepted; a refused signature of one kind doesn't spoil another one. What isn't Linux in a
/// PE image or in ELF is accepted by a manifest alone ([`Payload::recognise`]). An image that is
/// known by a revoked digest (`revoked.rs`) is never accepted, whoever vouches for it, and the SBAT
/// metadata of a PE image must satisfy every level of `trust`.
///
/// # Errors
/// The reason why the first of the ways failed for which there is something; `Unsigned` if
/// there is nothing for any.
pub fn verify_kernel<'a>(
    bytes: &'a [u8],
    detached: Option<&[u8]>,
    manifest: Option<&VerifiedManifest<'_>>,
    trust: &Trust<'_>,
) -> Result<Verified<'a>, Reason> {
    verify_kernel_on(false, bytes, detached, manifest, trust)
}

/// As [`verify_kernel`], for a normal load or for a crash load, by what the policy accepts there.
///
/// # Errors
/// As [`verify_kernel`], and `NotAccepted`.
pub fn verify_kernel_on<'a>(
    crash: bool,
    bytes: &'a [u8],
    detached: Option<&[u8]>,
    manifest: Option<&VerifiedManifest<'_>>,
    trust: &Trust<'_>,
) -> Result<Verified<'a>, Reason> {
    let formats = trust.formats();
    check_format(bytes, formats)?;
    let kernel = Kernel {
        bytes,
        detached,
        manifest,
        trust,
    };
    let mut refusal = None;
    for attempt in [
        Kernel::by_authenticode,
        Kernel::by_appended,
        Kernel::by_note,
        Kernel::by_detached,
        Kernel::by_manifest,
    ] {
        let accepted = |verified| check_policy(verified, bytes, trust.policy().rules(crash));
        let role = |verified| check_role(verified, formats);
        match attempt(&kernel).and_then(role).and_then(accepted) {
            Ok(verified) => return Ok(verified),
            Err(reason) if is_final(&reason) => return Err(reason),
            Err(Reason::Unsigned) => {}
            Err(reason) => {
                // What is wrong with the manifest says more.
                let first = refusal.filter(|first| *first != Reason::OnlyByManifest);
                refusal = first.or(Some(reason));
            }
        }
    }
    Err(refusal.unwrap_or(Reason::Unsigned))
}

/// A kernel, and what may vouch for it. Each way's reason is `Unsigned` where nothing is there.
struct Kernel<'a, 'e> {
    bytes: &'a [u8],
    detached: Option<&'e [u8]>,
    manifest: Option<&'e VerifiedManifest<'e>>,
    trust: &'e Trust<'e>,
}

impl<'a> Kernel<'a, '_> {
    fn by_authenticode(&self) -> Result<Verified<'a>, Reason> {
        if Pe::recognises(self.bytes) {
            verify_image(self.bytes, self.trust)
        } else {
            Err(Reason::Unsigned)
        }
    }

    fn by_appended(&self) -> Result<Verified<'a>, Reason> {
        let appended = module_signature::split(self.bytes)
            .map_err(Reason::BadAppended)?
            .ok_or(Reason::Unsigned)?;
        let content = |hash| Content::new(hash, [appended.data]);
        let (digest, signer) = judge_hashed(
            &content,
            appended.signature,
            self.trust,
            &Use::kernel(appended.data),
        )?;
        self.accept(appended.data, digest, signer, SignatureKind::Appended)
    }

    fn by_note(&self) -> Result<Verified<'a>, Reason> {
        if !self.trust.formats().has(Format::Elf) || !Elf::recognises(self.bytes) {
            return Err(Reason::Unsigned);
        }
        let elf = Elf::parse(self.bytes).map_err(Reason::BadElf)?;
        let (Some(signature), Some(parts)) = (elf.signature(), elf.signed_parts()) else {
            return Err(Reason::Unsigned);
        };
        let content = |hash| Content::new(hash, parts.clone());
        let (digest, signer) =
            judge_hashed(&content, signature, self.trust, &Use::kernel(self.bytes))?;
        self.accept(self.bytes, digest, signer, SignatureKind::Note)
    }

    fn by_detached(&self) -> Result<Verified<'a>, Reason> {
        let signature = self.detached.ok_or(Reason::Unsigned)?;
        let content = |hash| Content::new(hash, [self.bytes]);
        let (digest, signer) =
            judge_hashed(&content, signature, self.trust, &Use::kernel(self.bytes))?;
        self.accept(self.bytes, digest, signer, SignatureKind::Detached)
    }

    fn by_manifest(&self) -> Result<Verified<'a>, Reason> {
        let manifest = self.manifest.ok_or(Reason::Unsigned)?;
        let digest = self.trust.hashing(|| sha256([self.bytes]));
        manifest.check_kernel(self.bytes.len(), &digest)?;
        self.accept(
            self.bytes,
            digest,
            manifest.signer().clone(),
            SignatureKind::Manifest,
        )
    }

    /// `signed`, vouched for by `signer`, unless it is revoked.
    fn accept(
        &self,
        signed: &'a [u8],
        digest: [u8; 32],
        signer: Signer,
        signature_kind: SignatureKind,
    ) -> Result<Verified<'a>, Reason> {
        check_revoked(self.bytes, self.trust)?;
        check_sbat(signed, self.trust)?;
        Ok(Verified::new(signed, digest, signer, signature_kind))
    }
}

/// A kernel, if how it is vouched for says that it is one. What a PE image is shows when it is opened.
fn check_role(verified: Verified<'_>, formats: Formats) -> Result<Verified<'_>, Reason> {
    let by_manifest = verified.signature_kind() == SignatureKind::Manifest;
    if !by_manifest && !Pe::recognises(verified.bytes()) {
        Payload::recognise(verified.bytes(), verified.signature_kind(), formats)?;
    }
    Ok(verified)
}

/// A kernel, whose file is `file`, if the policy accepts how it is vouched for.
fn check_policy<'a>(
    verified: Verified<'a>,
    file: &[u8],
    rules: &Rules<'_>,
) -> Result<Verified<'a>, Reason> {
    let signature_kind = verified.signature_kind();
    let accepted = rules.kernel.accept_kernel(signature_kind, false)
        || (rules.kernel.accept_kernel(signature_kind, true) && as_uki(file)?.is_some());
    if accepted {
        Ok(verified)
    } else {
        Err(Reason::NotAccepted(signature_kind))
    }
}

/// Whether this is about the image itself, so that no other way of vouching can help.
fn is_final(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::RevokedImage { .. }
            | Reason::RevokedBySbat { .. }
            | Reason::BadSbat(_)
            | Reason::SbatTwice
    )
}
