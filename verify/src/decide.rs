//! The one decision: may this handover be booted?

use core::ops::Range;

use baton_formats::bzimage::BzImage;
use baton_formats::handover::{Handover, HandoverError, Kind, Record, RecordProblem};
use baton_formats::pe::Pe;

use crate::hash::sha256;
use crate::image::verify_image;
use crate::reason::Reason;
use crate::refusal::{Component, Refusal};
use crate::trust::Trust;
use crate::verified::Verified;

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
    /// Whether this is a crash.
    pub crash: bool,
}

/// Decides whether `handover` may be booted with this command line (without its NUL).
///
/// The kernel must be vouched for by `trust`. Initrds and the command line come from user
/// space as they do with the stock kernel: an initrd must be the one that its record's digest
/// says, which guards against damage, not against malice; the command line must fit.
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
    check_kinds(&parsed)?;
    check_occasion(&parsed, command_line)
        .map_err(|reason| Refusal::new(Component::Handover, reason))?;
    let initrd_count = check_initrds(&parsed)?;
    let (kernel, bzimage) = check_kernel(&parsed.kernel(), trust)
        .map_err(|reason| Refusal::new(Component::Kernel, reason))?;
    check_command_line(command_line, &bzimage)
        .map_err(|reason| Refusal::new(Component::CommandLine, reason))?;
    let initrd_range = parsed.initrd_range();
    Ok(Decision {
        kernel,
        bzimage,
        initrds: initrd_range.clone().and_then(|range| handover.get(range)),
        initrd_range,
        initrd_count,
        crash: parsed.is_crash(),
    })
}

/// What isn't judged isn't accepted: detached signatures and manifests are unknown here.
fn check_kinds(handover: &Handover<'_>) -> Result<(), Refusal> {
    let unknown = |record: &Record<'_>| !matches!(record.kind, Kind::Kernel | Kind::Initrd);
    handover.records().find(unknown).map_or(Ok(()), |record| {
        let error = HandoverError::Record {
            index: record.index,
            problem: RecordProblem::Kind(record.kind.number()),
        };
        Err(Refusal::new(
            Component::Handover,
            Reason::BadHandover(error),
        ))
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

fn check_initrds(handover: &Handover<'_>) -> Result<usize, Refusal> {
    let mut count = 0_usize;
    for record in handover.initrds() {
        if sha256([record.bytes]) != record.digest {
            return Err(Refusal::new(
                Component::Initrd(count),
                Reason::RecordAltered,
            ));
        }
        count = count.saturating_add(1);
    }
    Ok(count)
}

fn check_kernel<'a>(
    record: &Record<'a>,
    trust: &Trust<'_>,
) -> Result<(Verified<'a>, BzImage<'a>), Reason> {
    let kernel = verify_image(record.bytes, trust)?;
    if kernel.digest() != record.digest {
        return Err(Reason::HandoverDigestMismatch);
    }
    check_coverage(record.bytes)?;
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
