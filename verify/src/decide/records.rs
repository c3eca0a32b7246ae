//! Judging a handover's records other than the kernel.

use alloc::vec::Vec;

use baton_formats::cpio;
use baton_formats::handover::{Handover, Record};
use baton_formats::initrd;
use baton_formats::policy::{Purpose, Rules};
use baton_formats::verdict::{ComponentKind, SignatureKind};

use crate::crypto::hash::{HashAlgorithm, sha256};
use crate::decide::joined::Piece;
use crate::decide::manifest::VerifiedManifest;
use crate::decide::uki::Opened;
use crate::decide::vouched::{JudgedPart, Vouched};
use crate::policy::revoked::check_revoked;
use crate::policy::sbat::check_sbat;
use crate::policy::scope::Use;
use crate::policy::trust::Trust;
use crate::reason::Reason;
use crate::reason::refusal::{Component, Refusal};
use crate::signature::detached::{Content, judge_content};

/// Checks that every detached signature is undamaged. What they are about is judged by them later.
pub(crate) fn check_signatures(handover: &Handover<'_>) -> Result<(), Refusal> {
    for record in handover.signatures() {
        if !record.has_digest(&sha256([record.bytes])) {
            let component = Component::Signature(record.index);
            return Err(Refusal::new(component, Reason::RecordAltered));
        }
    }
    Ok(())
}

#[inline(never)] // Smaller code: the caller's frame stays short.
pub(crate) fn check_manifest<'a>(
    handover: &Handover<'a>,
    trust: &Trust<'_>,
) -> Result<Option<VerifiedManifest<'a>>, Refusal> {
    let Some(record) = handover.manifest() else {
        return Ok(None);
    };
    match verify_manifest(&record, handover, trust) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(reason) => Err(Refusal::new(Component::Manifest, reason)),
    }
}

fn verify_manifest<'a>(
    record: &Record<'a>,
    handover: &Handover<'a>,
    trust: &Trust<'_>,
) -> Result<VerifiedManifest<'a>, Reason> {
    if !record.has_digest(&sha256([record.bytes])) {
        return Err(Reason::RecordAltered);
    }
    let signature = handover.signature_of(record.index);
    let signature = signature.ok_or(Reason::UnsignedManifest)?;
    VerifiedManifest::verify(record.bytes, signature.bytes, trust)
}

/// How each initrd is vouched for. Where a manifest lists initrds, all of them must be there.
pub(crate) fn check_initrds(
    handover: &Handover<'_>,
    manifest: Option<&VerifiedManifest<'_>>,
    trust: &Trust<'_>,
) -> Result<Vec<JudgedPart>, Refusal> {
    let mut parts = Vec::new();
    for record in handover.initrds() {
        let index = parts.len();
        let initrd = check_initrd(index, &record, handover, manifest, trust)
            .map_err(|reason| Refusal::new(Component::Initrd(index), reason))?;
        parts.push(initrd);
    }
    let listed = manifest.map_or(0, |manifest| manifest.manifest().initrds().count());
    if parts.len() < listed {
        let component = Component::Initrd(parts.len());
        return Err(Refusal::new(component, Reason::MissingInitrd));
    }
    Ok(parts)
}

/// The initrds of a handover, each vouched for as `parts` say.
pub(crate) fn pieces<'a>(
    handover: &Handover<'a>,
    parts: &[JudgedPart],
) -> impl Iterator<Item = Piece<'a>> {
    let all = handover.initrds().zip(parts).enumerate();
    all.map(|(index, (record, part))| Piece {
        of: Component::Initrd(index),
        bytes: record.bytes,
        vouched: part.vouched.clone(),
    })
}

/// Checks that what goes with the kernel as initrds, `parts`, suits it.
///
/// Modules of another kernel than Linux run as kernels do, whatever the policy says of initrds, and
/// so a manifest must say which they are. Where initrds must be vouched for, leaving them out is no
/// way round that: Linux would run what is on a disk. Nor is microcode alone, in which it finds no program.
/// A UKI is vouched for with all that it has, and a manifest that lists the kernel with all that it lists,
/// which may be no initrd. A manifest that lists no kernel says nothing of what a kernel goes without.
pub(crate) fn check_for_kernel(
    handover: &Handover<'_>,
    parts: &[JudgedPart],
    kernel: &Opened<'_>,
    is_listed: bool,
    rules: &Rules<'_>,
) -> Result<(), Refusal> {
    let unlisted = |part: &JudgedPart| part.vouched.signature_kind != SignatureKind::Manifest;
    if let Some(index) = parts.iter().position(unlisted)
        && !kernel.payload.is_linux()
    {
        return Err(Refusal::new(
            Component::Initrd(index),
            Reason::UnlistedModule,
        ));
    }
    let is_said = kernel.arguments.is_some() || is_listed;
    let has_none = || {
        let mut initrds = handover.initrds();
        initrds.all(|record| cpio::is_early_alone(record.bytes))
    };
    if !is_said && !rules.initrd.accept(SignatureKind::Unsigned) && has_none() {
        Err(Refusal::new(Component::Initrd(0), Reason::NoInitrd))
    } else {
        Ok(())
    }
}

/// Refuses what goes with another kernel than Linux if it is revoked as kernels are.
pub(crate) fn check_modules(handover: &Handover<'_>, trust: &Trust<'_>) -> Result<(), Refusal> {
    for (index, record) in handover.initrds().enumerate() {
        check_module(record.bytes, trust)
            .map_err(|reason| Refusal::new(Component::Initrd(index), reason))?;
    }
    Ok(())
}

/// A module runs as the kernel that takes it does, or in its place: it is judged by every digest that a
/// kernel may be known by, and by its generation. What begins as a PE image must be one.
pub(crate) fn check_module(module: &[u8], trust: &Trust<'_>) -> Result<(), Reason> {
    check_revoked(module, trust)?;
    check_sbat(module, trust)
}

#[inline(never)] // Smaller code: the caller's frame stays short.
fn check_initrd(
    index: usize,
    record: &Record<'_>,
    handover: &Handover<'_>,
    manifest: Option<&VerifiedManifest<'_>>,
    trust: &Trust<'_>,
) -> Result<JudgedPart, Reason> {
    let content = trust.hashing(|| Content::new(HashAlgorithm::Sha256, [record.bytes]));
    let digest = content.digest().to_sha256();
    if !record.has_digest(&digest) {
        return Err(Reason::RecordAltered);
    }
    trust.check_digest(&digest)?;
    let by_manifest = match manifest {
        Some(manifest) => listed(manifest, index, record.bytes.len(), &digest)?,
        None => Vouched::UNSIGNED,
    };
    let rules = trust.policy().rules(handover.is_crash());
    let mut vouched = by_manifest;
    if let Some(signature) = handover.signature_of(record.index) {
        let purpose = Use::of(Purpose::Initrd);
        let signer = judge_content(content, record.bytes, signature.bytes, trust, &purpose)?;
        // Of two kinds of signature the policy may accept one alone.
        if vouched.signature_kind == SignatureKind::Unsigned
            || !rules.initrd.accept(vouched.signature_kind)
        {
            // A signature of something else doesn't make an initrd of it.
            if !initrd::recognises(record.bytes) {
                return Err(Reason::NotAnInitrd);
            }
            vouched = Vouched::by(SignatureKind::Detached, signer);
        }
    }
    accept_initrd(&vouched, manifest, rules)?;
    Ok(JudgedPart::new(
        ComponentKind::Initrd,
        record.bytes,
        digest,
        vouched,
    ))
}

/// An initrd in a manifest without a kernel is vouched for just as by a signature of its own, so that the
/// policy must accept these, too.
fn accept_initrd(
    vouched: &Vouched,
    manifest: Option<&VerifiedManifest<'_>>,
    rules: &Rules<'_>,
) -> Result<(), Reason> {
    if !rules.initrd.accept(vouched.signature_kind) {
        return Err(Reason::NotAccepted(vouched.signature_kind));
    }
    let by_itself = vouched.signature_kind == SignatureKind::Manifest
        && !manifest.is_some_and(|it| it.lists_kernel());
    let mut less = [SignatureKind::Detached, SignatureKind::Unsigned].into_iter();
    if by_itself && !less.any(|signature_kind| rules.initrd.accept(signature_kind)) {
        Err(Reason::ManifestWithoutKernel)
    } else {
        Ok(())
    }
}

/// How a manifest vouches for an initrd. What it says nothing about isn't refused by it.
fn listed(
    manifest: &VerifiedManifest<'_>,
    index: usize,
    len: usize,
    digest: &[u8; 32],
) -> Result<Vouched, Reason> {
    match manifest.check_initrd(index, len, digest) {
        Ok(()) => Ok(Vouched::by(
            SignatureKind::Manifest,
            manifest.signer().clone(),
        )),
        Err(Reason::Unsigned) => Ok(Vouched::UNSIGNED),
        Err(reason) => Err(reason),
    }
}

/// Checks that the kernel is the one that the manifest lists, if it lists one.
pub(crate) fn fits_manifest(
    kernel: &Record<'_>,
    manifest: &VerifiedManifest<'_>,
) -> Result<(), Reason> {
    if manifest.manifest().kernel().is_none() {
        return Ok(());
    }
    manifest.check_kernel(kernel.bytes.len(), &sha256([kernel.bytes]))
}
