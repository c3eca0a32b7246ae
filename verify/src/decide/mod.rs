//! The one decision: may this handover be booted?

pub(crate) mod arch;
mod joined;
pub(crate) mod kernel;
pub(crate) mod machine;
pub mod manifest;
pub(crate) mod payload;
mod records;
pub(crate) mod uki;
pub(crate) mod vouched;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use baton_formats::handover::{Handover, HandoverError, Record};
use baton_formats::manifest::CommandLine;
use baton_formats::pe::Pe;
use baton_formats::policy::{Policy, Rules};
use baton_formats::uki::Arguments;
use baton_formats::verdict::{ComponentKind, MAX_COMPONENTS, SignatureKind};

use self::arch::x86::SETUP_HEADER;
use self::joined::Piece;
use self::kernel::verify_kernel_on;
use self::manifest::VerifiedManifest;
use self::payload::Payload;
use self::uki::Opened;
use self::vouched::{JudgedPart, Vouched, add_parts_of};
use crate::crypto::hash::sha256;
use crate::decide::machine::Machine;
use crate::policy::command_line;
use crate::policy::scope::Use;
use crate::policy::trust::Trust;
use crate::reason::Reason;
use crate::reason::refusal::{Component, Refusal};
use crate::signature::detached::verify_detached_for;
use crate::signature::verified::Verified;

/// The length of CheckSum ("PE Format", Optional Header).
const CHECKSUM_LEN: usize = 4;

/// The length of a certificate table's directory entry ("PE Format", Optional Header).
const DIRECTORY_ENTRY_LEN: usize = 8;

/// A handover that may be booted. Everything borrows the handover's bytes.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    /// The kernel image, and who vouched for it.
    pub kernel: Verified<'a>,
    /// What of it is booted.
    pub payload: Payload<'a>,
    /// The initrds, in the order of unpacking: microcode and initrds of a UKI and its addons, and
    /// those of the handover.
    pub initrds: Vec<&'a [u8]>,
    /// Where they lie in the handover as one piece, with zeros between them, as Linux takes them;
    /// `None` if they don't, or there are none.
    pub initrd_range: Option<Range<usize>>,
    /// The command line to boot with: the one that was judged, with what the policy forces.
    pub command_line: Cow<'a, [u8]>,
    /// A device tree.
    pub device_tree: Option<&'a [u8]>,
    /// The manifest, if there is one: kernel, initrds and command line are as it says.
    pub manifest: Option<VerifiedManifest<'a>>,
    /// All that was judged, part by part: the kernel image first, then what is in it and in addons; then the
    /// handover's other records but for signatures, in their order, and the command line last.
    pub parts: Vec<JudgedPart>,
    /// The policy that was gone by.
    pub policy: AppliedPolicy,
    /// Whether this is a crash.
    pub crash: bool,
}

/// What tells a policy apart from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedPolicy {
    /// SHA-256 of its compact form.
    pub digest: [u8; 32],
    /// What it calls itself; may be empty.
    pub name: String,
}

impl AppliedPolicy {
    /// What tells this policy apart from others.
    #[must_use]
    pub fn of(policy: &Policy<'_>) -> Self {
        Self {
            digest: sha256([policy.as_bytes()]),
            name: String::from(policy.name),
        }
    }
}

/// Decides whether `handover` may be booted with this command line (without its NUL) on this machine.
///
/// The kernel image must be vouched for by `trust`, in any [`SignatureKind`], and its record's digest must be
/// that of what vouches for it ([`Verified::digest`]). So must addons, which are for UKIs of Linux
/// alone, in a way that the policy accepts of UKIs.
///
/// The policy in `trust` says which of these it accepts for this load type, whether initrds and
/// the command line may come from user space unsigned, and which parameters it lets through. An
/// initrd must be the one that its record's digest says, which guards against damage, not against
/// malice, and unsigned ones may hold nothing that Linux takes for more than files; the command line,
/// with what the policy forces, must fit.
///
/// A kernel that isn't Linux must be listed in a manifest, and so must all that goes with it as
/// modules, which are judged as kernels are by what revokes them. Where the policy wants initrds vouched
/// for, one must be there, unless a UKI or a manifest says what goes with the kernel. What is code to
/// the kernel, ACPI tables and a device tree, counts by keys alone that may vouch for kernels.
///
/// What is signed counts in any case: every detached signature must be a trusted one, needed or not;
/// a manifest must have one, and everything must be as it says: the kernel if it lists one, the
/// initrds, all of them, in its order and without an addon's, if it lists any, and the command line,
/// before which only the running kernel may put its own parameters. Where a UKI has a command line, it
/// must be that.
///
/// There may be no more parts, those of UKIs and addons among them, than the record of the verdict has
/// room for.
///
/// # Errors
/// The refusal, naming the part and the reason.
pub fn decide<'a>(
    handover: &'a [u8],
    command_line: &'a [u8],
    machine: Machine,
    trust: &Trust<'_>,
) -> Result<Decision<'a>, Refusal> {
    decide_read(Handover::parse(handover), command_line, machine, trust)
}

/// Decides as [`decide`] does about a handover that is being made, whose records don't state their digests yet:
/// [`Decision::parts`] has them. For whoever makes handovers; the gate takes no draft.
///
/// # Errors
/// As [`decide`].
pub fn decide_draft<'a>(
    handover: &'a [u8],
    command_line: &'a [u8],
    machine: Machine,
    trust: &Trust<'_>,
) -> Result<Decision<'a>, Refusal> {
    decide_read(
        Handover::parse_draft(handover),
        command_line,
        machine,
        trust,
    )
}

fn decide_read<'a>(
    read: Result<Handover<'a>, HandoverError>,
    command_line: &'a [u8],
    machine: Machine,
    trust: &Trust<'_>,
) -> Result<Decision<'a>, Refusal> {
    let parsed = parsed(read)?;
    check_load_type(&parsed, machine.is_crash(command_line))
        .map_err(|reason| Refusal::new(Component::Handover, reason))?;
    machine
        .check(trust.policy())
        .map_err(|reason| Refusal::new(Component::BootParams, reason))?;
    records::check_signatures(&parsed)?;
    let manifest = records::check_manifest(&parsed, trust)?;
    let initrds = records::check_initrds(&parsed, manifest.as_ref(), trust)?;
    let (kernel, opened) = check_kernel(&parsed, manifest.as_ref(), trust)
        .map_err(|reason| Refusal::new(Component::Kernel, reason))?;
    let rules = trust.policy().rules(parsed.is_crash());
    // What it says of the kernel counts for more than the kernel's bytes only where the policy wants that.
    let counts =
        |_: &&VerifiedManifest<'_>| rules.kernel.accept_kernel(SignatureKind::Manifest, false);
    let accepted = manifest.as_ref().filter(counts);
    machine
        .check_kernel(&opened.payload, accepted)
        .map_err(|reason| Refusal::new(Component::Kernel, reason))?;
    if !opened.payload.is_linux() {
        records::check_modules(&parsed, trust)?;
    }
    let is_listed = accepted.is_some_and(VerifiedManifest::lists_kernel);
    records::check_for_kernel(&parsed, &initrds, &opened, is_listed, rules)?;
    let addons = check_addons(&parsed, &opened, manifest.as_ref(), trust)?;
    let signed = Signed::new(&kernel, &opened, &addons);
    let mut pieces = signed.pieces();
    pieces.extend(records::pieces(&parsed, &initrds));
    joined::check(&pieces, rules)?;
    // On a normal load no line claims to be for a crash (`check_load_type`).
    let chosen = machine.chosen(command_line);
    let vouched = check_command_line(command_line, chosen, &signed, manifest.as_ref(), rules)
        .map_err(|reason| Refusal::new(Component::CommandLine, reason))?;
    let command_line = command_line::with_forced(command_line, chosen, rules);
    check_length(&command_line, &opened.payload)
        .map_err(|reason| Refusal::new(Component::CommandLine, reason))?;

    let mut parts = alloc::vec![JudgedPart::image(
        ComponentKind::Kernel,
        &parsed.kernel(),
        &kernel
    )];
    signed.add_to(&mut parts);
    parts.extend(initrds);
    for (record, (image, _)) in parsed.addons().zip(&addons) {
        parts.push(JudgedPart::image(ComponentKind::Addon, &record, image));
    }
    if let (Some(record), Some(manifest)) = (parsed.manifest(), &manifest) {
        parts.push(JudgedPart::manifest(&record, manifest));
    }
    parts.push(JudgedPart::command_line(&command_line, vouched));
    check_count(&parts).map_err(|reason| Refusal::new(Component::Handover, reason))?;

    let initrd_range = parsed.initrd_range();
    let all_of_it = pieces.len() == parsed.initrds().count();
    Ok(Decision {
        initrd_range: initrd_range.filter(|_| all_of_it),
        initrds: pieces.iter().map(|piece| piece.bytes).collect(),
        command_line,
        device_tree: signed.device_tree(),
        payload: opened.payload,
        kernel,
        manifest,
        parts,
        policy: AppliedPolicy::of(trust.policy()),
        crash: parsed.is_crash(),
    })
}

fn parsed(read: Result<Handover<'_>, HandoverError>) -> Result<Handover<'_>, Refusal> {
    read.map_err(|error| Refusal::new(Component::Handover, Reason::BadHandover(error)))
}

/// Judges the initrds of a draft of a handover as [`decide_draft`] does, and nothing else: for whoever asks
/// about them before there is a kernel to boot them with.
///
/// # Errors
/// As [`decide_draft`].
pub fn judge_initrds(handover: &[u8], trust: &Trust<'_>) -> Result<Vec<JudgedPart>, Refusal> {
    let parsed = parsed(Handover::parse_draft(handover))?;
    records::check_signatures(&parsed)?;
    let manifest = records::check_manifest(&parsed, trust)?;
    records::check_initrds(&parsed, manifest.as_ref(), trust)
}

/// What is signed together with the kernel: the UKI's arguments first, then its addons'.
struct Signed<'a, 's> {
    images: Vec<&'s Verified<'a>>,
    arguments: Vec<Arguments<'a>>,
}

impl<'a, 's> Signed<'a, 's> {
    fn new(
        kernel: &'s Verified<'a>,
        opened: &Opened<'a>,
        addons: &'s [(Verified<'a>, Arguments<'a>)],
    ) -> Self {
        let mut signed = Self {
            images: Vec::new(),
            arguments: Vec::new(),
        };
        if let Some(arguments) = opened.arguments {
            signed.push(kernel, arguments);
        }
        for (image, arguments) in addons {
            signed.push(image, *arguments);
        }
        signed
    }

    fn push(&mut self, image: &'s Verified<'a>, arguments: Arguments<'a>) {
        self.images.push(image);
        self.arguments.push(arguments);
    }

    /// Microcode must come first: Linux looks for it there (early_find_cpio_data in lib/earlycpio.c).
    fn pieces(&self) -> Vec<Piece<'a>> {
        let all = || self.images.iter().zip(&self.arguments).enumerate();
        let microcode = all().map(|(index, (image, one))| (index, image, one.ucode));
        let initrds = all().map(|(index, (image, one))| (index, image, one.initrd));
        let piece = |(index, image, bytes): (usize, &&Verified<'_>, Option<&'a [u8]>)| {
            Some(Piece {
                // Addons are there only for a UKI, which comes first.
                of: match index.checked_sub(1) {
                    None => Component::Kernel,
                    Some(addon) => Component::Addon(addon),
                },
                bytes: bytes?,
                vouched: Vouched::as_is(image),
            })
        };
        microcode.chain(initrds).filter_map(piece).collect()
    }

    /// The last one counts: an addon's is meant to replace the UKI's.
    fn device_tree(&self) -> Option<&'a [u8]> {
        self.arguments.iter().rev().find_map(|one| one.dtb)
    }

    fn add_to(&self, parts: &mut Vec<JudgedPart>) {
        for (image, arguments) in self.images.iter().zip(&self.arguments) {
            add_parts_of(image, arguments, parts);
        }
    }

    /// Who vouches for the command line, if the UKI says what it is.
    fn vouches_for_command_line(&self) -> Option<Vouched> {
        let says = self.arguments.first()?.cmdline.is_some();
        self.images
            .first()
            .filter(|_| says)
            .map(|uki| Vouched::as_is(uki))
    }
}

/// A handover made for a crash isn't taken at another time, nor the reverse.
fn check_load_type(handover: &Handover<'_>, crash: bool) -> Result<(), Reason> {
    match (handover.is_crash(), crash) {
        (true, false) => Err(Reason::OnlyForCrash),
        (false, true) => Err(Reason::NotForCrash),
        _ => Ok(()),
    }
}

#[inline(never)] // Smaller code: the caller's frame stays short.
fn check_kernel<'a>(
    handover: &Handover<'a>,
    manifest: Option<&VerifiedManifest<'_>>,
    trust: &Trust<'_>,
) -> Result<(Verified<'a>, Opened<'a>), Reason> {
    let record = handover.kernel();
    let signature = handover.signature_of(record.index);
    let signature = signature.map(|signature| signature.bytes);
    let crash = handover.is_crash();
    let kernel = verify_kernel_on(crash, record.bytes, signature, manifest, trust)?;
    if !record.has_digest(&kernel.digest()) {
        return Err(Reason::HandoverDigestMismatch);
    }
    // Also what isn't needed must be right.
    if let Some(signature) =
        signature.filter(|_| kernel.signature_kind() != SignatureKind::Detached)
    {
        verify_detached_for([record.bytes], signature, trust, &Use::kernel(record.bytes))?;
    }
    if let Some(manifest) = manifest.filter(|_| kernel.signature_kind() != SignatureKind::Manifest)
    {
        records::fits_manifest(&record, manifest)?;
    }
    let uki = uki::find(&kernel, record.bytes)?;
    if uki.is_none() {
        check_coverage(&kernel, &record)?;
    }
    let opened = uki::open(&kernel, uki, handover.profile(), trust)?;
    Ok((kernel, opened))
}

#[inline(never)] // Smaller code: the caller's frame stays short.
fn check_addons<'a>(
    handover: &Handover<'a>,
    kernel: &Opened<'_>,
    manifest: Option<&VerifiedManifest<'_>>,
    trust: &Trust<'_>,
) -> Result<Vec<(Verified<'a>, Arguments<'a>)>, Refusal> {
    let rules = trust.policy().rules(handover.is_crash());
    // Another kernel would take their initrds for modules.
    let uki = kernel.arguments.as_ref();
    let uki = uki.filter(|_| kernel.payload.is_linux());
    let mut addons = Vec::new();
    for record in handover.addons() {
        let component = Component::Addon(addons.len());
        let addon = uki::check_addon(&record, uki, trust)
            .and_then(|addon| accept_addon(addon, manifest, rules))
            .map_err(|reason| Refusal::new(component, reason))?;
        addons.push(addon);
    }
    Ok(addons)
}

/// An addon, if policy and manifest let it be added. It changes what a UKI was signed as, so that the
/// policy must accept it as it does UKIs; and no manifest lists what is in it.
fn accept_addon<'a>(
    (image, arguments): (Verified<'a>, Arguments<'a>),
    manifest: Option<&VerifiedManifest<'_>>,
    rules: &Rules<'_>,
) -> Result<(Verified<'a>, Arguments<'a>), Reason> {
    if !rules.kernel.accept_kernel(image.signature_kind(), true) {
        return Err(Reason::NotAccepted(image.signature_kind()));
    }
    let signer = image.signer();
    if arguments.dtb.is_some() && !signer.vouches_for_code(rules) {
        // By a device tree drivers can be told of devices at any address.
        return Err(Reason::OutOfScope {
            subject: signer.subject.clone(),
            certificate: signer.subject.clone(),
        });
    }
    let adds = arguments.initrd.is_some() || arguments.ucode.is_some();
    let listed = manifest.is_some_and(|it| it.manifest().initrds().next().is_some());
    if adds && listed {
        Err(Reason::AddonNotInManifest)
    } else {
        Ok((image, arguments))
    }
}

/// Authenticode covers neither CheckSum nor the certificate table's directory entry. In a kernel
/// they lie before the setup header, where nothing is read at boot. An image signed for another
/// purpose whose PE header lies elsewhere could be turned into another kernel by rewriting them. (A
/// UKI's kernel lies in a section of its own, which is covered in full.)
fn check_coverage(kernel: &Verified<'_>, record: &Record<'_>) -> Result<(), Reason> {
    if !matches!(
        kernel.signature_kind(),
        SignatureKind::Authenticode | SignatureKind::ListedDigest
    ) {
        return Ok(());
    }
    let offsets = Pe::parse(record.bytes).map_err(Reason::BadImage)?.offsets();
    let checksum_end = offsets.checksum.saturating_add(CHECKSUM_LEN);
    let directory_end = offsets
        .certificate_directory
        .map_or(0, |offset| offset.saturating_add(DIRECTORY_ENTRY_LEN));
    if checksum_end.max(directory_end) <= SETUP_HEADER {
        Ok(())
    } else {
        Err(Reason::UncoveredKernelHeader)
    }
}

/// Who vouches for the command line, if it is one that the policy and all that is signed allow.
#[inline(never)] // Smaller code: the caller's frame stays short.
fn check_command_line(
    line: &[u8],
    chosen: &[u8],
    signed: &Signed<'_, '_>,
    manifest: Option<&VerifiedManifest<'_>>,
    rules: &Rules<'_>,
) -> Result<Vouched, Reason> {
    if line.contains(&0) {
        return Err(Reason::CommandLineNul);
    }
    uki::check_command_line(chosen, &signed.arguments)?;
    if let Some(manifest) = manifest {
        manifest.check_command_line(chosen)?;
    }
    if let Some(by_uki) = signed.vouches_for_command_line() {
        command_line::check(chosen, rules)?;
        return Ok(by_uki);
    }
    let vouched = by_manifest(manifest);
    command_line::accept(chosen, vouched.signature_kind, rules)?;
    let bound = manifest.is_some_and(VerifiedManifest::lists_kernel);
    if bound || rules.command_line.accept(SignatureKind::Unsigned) {
        Ok(vouched)
    } else {
        Err(Reason::ManifestWithoutKernel)
    }
}

/// How a manifest vouches for the command line, where it fits. What it says of the beginning alone
/// vouches for no more than that.
fn by_manifest(manifest: Option<&VerifiedManifest<'_>>) -> Vouched {
    match manifest {
        Some(it) if matches!(it.manifest().command_line(), Some(CommandLine::Exact(_))) => {
            Vouched::by(SignatureKind::Manifest, it.signer().clone())
        }
        _ => Vouched::UNSIGNED,
    }
}

/// All that is booted must be on record: whoever reads that must not miss what wasn't signed because
/// much that was came first.
fn check_count(parts: &[JudgedPart]) -> Result<(), Reason> {
    if parts.len() > MAX_COMPONENTS {
        Err(Reason::TooManyParts(parts.len()))
    } else {
        Ok(())
    }
}

fn check_length(command_line: &[u8], payload: &Payload<'_>) -> Result<(), Reason> {
    // cmdline_size doesn't count the NUL (Documentation/arch/x86/boot.rst).
    let limit = usize::try_from(payload.cmdline_size()).unwrap_or(usize::MAX);
    if command_line.len() > limit {
        return Err(Reason::CommandLineTooLong {
            length: command_line.len(),
            limit,
        });
    }
    Ok(())
}
