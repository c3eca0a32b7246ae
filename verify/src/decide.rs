//! The one decision: may this handover be booted?

use alloc::vec::Vec;
use core::ops::Range;

use baton_formats::bzimage::{BzImage, BzImageError};
use baton_formats::handover::Handover;
use baton_formats::pe::Pe;

use crate::detached::verify_detached;
use crate::kernel::verify_kernel;
use crate::manifest::VerifiedManifest;
use crate::reason::Reason;
use crate::records::{self, Vouched};
use crate::refusal::{Component, Refusal};
use crate::trust::Trust;
use crate::verified::{Verified, Way};

/// Where the kernel's setup header begins in a bzImage (Documentation/arch/x86/boot.rst).
const SETUP_HEADER: usize = 0x1f1;

/// The length of CheckSum ("PE Format", Optional Header).
const CHECKSUM_LEN: usize = 4;

/// The length of a certificate table's directory entry ("PE Format", Optional Header).
const DIRECTORY_ENTRY_LEN: usize = 8;

/// A handover that may be booted. Everything borrows the handover's bytes.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    /// The kernel, and who vouched for it.
    pub kernel: Verified<'a>,
    /// The same bytes as `kernel`, as a bzImage.
    pub bzimage: BzImage<'a>,
    /// The initrds in one piece, with zero padding between them, as the kernel takes them.
    pub initrds: Option<&'a [u8]>,
    /// Where `initrds` lies in the handover.
    pub initrd_range: Option<Range<usize>>,
    /// How many initrds there are.
    pub initrd_count: usize,
    /// How each initrd is vouched for, in their order.
    pub initrds_vouched: Vec<Vouched>,
    /// The manifest, if there is one: kernel, initrds and command line are as it says.
    pub manifest: Option<VerifiedManifest<'a>>,
    /// Whether this is a crash.
    pub crash: bool,
}

/// Decides whether `handover` may be booted with this command line (without its NUL).
///
/// The kernel must be vouched for by `trust`, in any [`Way`] but a note (a bzImage has none), and
/// its record's digest must be that of what vouches for it ([`Verified::digest`]).
///
/// Initrds and the command line may come from user space as they do with the stock kernel: an
/// initrd must be the one that its record's digest says, which guards against damage, not against
/// malice; the command line must fit. But what is signed counts: every detached signature must be
/// a trusted one, needed or not; a manifest must have one, and everything must be as it says: the
/// kernel if it lists one, the initrds, all of them and in its order, if it lists any, and the
/// command line, before which only the running kernel may put its own parameters.
///
/// # Errors
/// The refusal, naming the part and the reason.
pub fn decide<'a>(
    handover: &'a [u8],
    command_line: &[u8],
    trust: &Trust<'_>,
) -> Result<Decision<'a>, Refusal> {
    let parsed = Handover::parse(handover)
        .map_err(|error| Refusal::new(Component::Handover, Reason::BadHandover(error)))?;
    check_occasion(&parsed, command_line)
        .map_err(|reason| Refusal::new(Component::Handover, reason))?;
    records::check_signatures(&parsed)?;
    let manifest = records::check_manifest(&parsed, trust)?;
    let initrds_vouched = records::check_initrds(&parsed, manifest.as_ref(), trust)?;
    let (kernel, bzimage) = check_kernel(&parsed, manifest.as_ref(), trust)
        .map_err(|reason| Refusal::new(Component::Kernel, reason))?;
    check_command_line(command_line, &bzimage)
        .and_then(|()| check_rule(&parsed, command_line, manifest.as_ref()))
        .map_err(|reason| Refusal::new(Component::CommandLine, reason))?;
    let initrd_range = parsed.initrd_range();
    Ok(Decision {
        kernel,
        bzimage,
        initrds: initrd_range.clone().and_then(|range| handover.get(range)),
        initrd_range,
        initrd_count: initrds_vouched.len(),
        initrds_vouched,
        manifest,
        crash: parsed.is_crash(),
    })
}

/// A handover made for a crash isn't taken at another time, nor the reverse. In a crash the
/// running kernel puts `elfcorehdr=` first (setup_cmdline in arch/x86/kernel/kexec-bzimage64.c).
fn check_occasion(handover: &Handover<'_>, command_line: &[u8]) -> Result<(), Reason> {
    match (
        handover.is_crash(),
        command_line.starts_with(b"elfcorehdr="),
    ) {
        (true, false) => Err(Reason::OnlyForCrash),
        (false, true) => Err(Reason::NotForCrash),
        _ => Ok(()),
    }
}

fn check_kernel<'a>(
    handover: &Handover<'a>,
    manifest: Option<&VerifiedManifest<'_>>,
    trust: &Trust<'_>,
) -> Result<(Verified<'a>, BzImage<'a>), Reason> {
    let record = handover.kernel();
    let signature = handover.signature_of(record.index);
    let signature = signature.map(|signature| signature.bytes);
    let kernel = verify_kernel(record.bytes, signature, manifest, trust)?;
    if kernel.digest() != record.digest {
        return Err(Reason::HandoverDigestMismatch);
    }
    match kernel.way() {
        Way::Authenticode | Way::ListedDigest => check_coverage(record.bytes)?,
        // The signature in the note could hold a setup header that nobody signed.
        Way::Note => return Err(Reason::BadKernel(BzImageError::NoHdrS)),
        Way::Appended | Way::Detached | Way::Manifest => {}
    }
    // Also what isn't needed must be right.
    if let Some(signature) = signature.filter(|_| kernel.way() != Way::Detached) {
        verify_detached([record.bytes], signature, trust)?;
    }
    if let Some(manifest) = manifest.filter(|_| kernel.way() != Way::Manifest) {
        records::fits_manifest(&record, manifest)?;
    }
    // Only what the signature is about: a bzImage can't reach into the certificate table.
    let bzimage = BzImage::parse(kernel.bytes()).map_err(Reason::BadKernel)?;
    Ok((kernel, bzimage))
}

/// No digest covers CheckSum and the certificate table's directory entry. In a kernel they lie
/// before the setup header, where nothing is read at boot. An image signed for another purpose
/// whose PE header lies elsewhere could be turned into another kernel by rewriting them.
fn check_coverage(bytes: &[u8]) -> Result<(), Reason> {
    let offsets = Pe::parse(bytes).map_err(Reason::BadImage)?.offsets();
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

fn check_command_line(command_line: &[u8], kernel: &BzImage<'_>) -> Result<(), Reason> {
    if command_line.contains(&0) {
        return Err(Reason::CommandLineNul);
    }
    // cmdline_size doesn't count the NUL (Documentation/arch/x86/boot.rst).
    let limit = usize::try_from(kernel.cmdline_size()).unwrap_or(usize::MAX);
    if command_line.len() > limit {
        return Err(Reason::CommandLineTooLong {
            length: command_line.len(),
            limit,
        });
    }
    Ok(())
}

/// Checks the command line by the manifest's rule. In a crash, the parameters that the running
/// kernel puts first aren't judged (setup_cmdline in arch/x86/kernel/kexec-bzimage64.c).
fn check_rule(
    handover: &Handover<'_>,
    command_line: &[u8],
    manifest: Option<&VerifiedManifest<'_>>,
) -> Result<(), Reason> {
    let Some(manifest) = manifest else {
        return Ok(());
    };
    let chosen = match handover.is_crash() {
        true => without(without(command_line, b"elfcorehdr=0x"), b"dmcryptkeys=0x"),
        false => command_line,
    };
    manifest.check_command_line(chosen)
}

/// The line without the hexadecimal parameter that it begins with, and the space after it.
fn without<'l>(line: &'l [u8], parameter: &[u8]) -> &'l [u8] {
    let Some(value) = line.strip_prefix(parameter) else {
        return line;
    };
    let digits = value.iter().take_while(|byte| byte.is_ascii_hexdigit());
    match value.get(digits.count()..) {
        Some([b' ', rest @ ..]) => rest,
        Some([]) => &[],
        _ => line,
    }
}
