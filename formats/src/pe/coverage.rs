//! What the Authenticode digest covers, and that nothing else is in the file.

use super::headers::Headers;
use super::section::{self, SectionHeader};
use super::{MAX_SECTIONS, PeError};
use crate::reader::slice;
use crate::sort::sort;

/// Length of `CheckSum`.
const CHECKSUM_LEN: usize = 4;
/// Length of the certificate table's directory entry.
const DIRECTORY_LEN: usize = 8;
/// Signing pads a file to a multiple of this; the certificate table begins at one.
const ALIGNMENT: usize = 8;
/// `WIN_CERTIFICATE` without its data.
const CERTIFICATE_HEADER_LEN: u32 = 8;

/// The certificate table, which must be the file's end; `None` in an unsigned file.
pub(super) fn certificate_table<'a>(
    file: &'a [u8],
    headers: &Headers,
) -> Result<Option<&'a [u8]>, PeError> {
    let (offset, size) = headers.certificate_table;
    match (offset, size) {
        (0, 0) => return Ok(None),
        (0, _) | (_, 0..CERTIFICATE_HEADER_LEN) => return Err(PeError::CertificateDirectory),
        _ => {}
    }
    if !offset.is_multiple_of(8) || offset < headers.size_of_headers {
        return Err(PeError::CertificateTableOffset(offset));
    }
    let wrong_end = PeError::CertificateTableEnd {
        end: u64::from(offset).saturating_add(size.into()),
        file: u64::try_from(file.len()).unwrap_or(u64::MAX),
    };
    let table = slice(file, offset.into(), size.into()).ok_or(wrong_end)?;
    let begin = file.len().saturating_sub(table.len());
    if usize::try_from(offset) != Ok(begin) {
        return Err(wrong_end);
    }
    Ok(Some(table))
}

/// Checks that the sections' data, in the order of the file, lie one directly after another,
/// from the headers on, all before `signed_len`; where the last one ends.
pub(super) fn check_sections(
    table: &[u8],
    size_of_headers: u32,
    signed_len: usize,
) -> Result<usize, PeError> {
    let mut buffer = [Extent::default(); MAX_SECTIONS as usize];
    let mut end = u64::from(size_of_headers);
    for extent in in_file_order(table, &mut buffer) {
        let begin = u64::from(extent.offset);
        if begin < end {
            return Err(PeError::SectionOverlaps(extent.index));
        }
        if begin > end {
            return Err(PeError::SectionLeavesGap(extent.index));
        }
        end = begin.saturating_add(extent.size.into());
        if usize::try_from(end).is_ok_and(|end| end > signed_len) {
            return Err(PeError::SectionBeyondEnd(extent.index));
        }
    }
    Ok(usize::try_from(end).unwrap_or(signed_len).min(signed_len))
}

/// Where a section's data lies in the file.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Extent {
    // First, since it is what they are sorted by; sections at the same offset keep their order.
    offset: u32,
    index: u16,
    size: u32,
}

/// The extents of the sections that have data, sorted by file offset.
fn in_file_order<'b>(table: &[u8], buffer: &'b mut [Extent]) -> &'b [Extent] {
    let with_data = (0u16..)
        .zip(section::headers(table))
        .filter(|(_, header)| header.raw_size > 0);
    let mut count = 0usize;
    for (slot, (index, header)) in buffer.iter_mut().zip(with_data) {
        *slot = extent(index, header);
        count = count.saturating_add(1);
    }
    let (extents, _) = buffer.split_at_mut_checked(count).unwrap_or_default();
    sort(extents);
    extents
}

fn extent(index: u16, header: SectionHeader) -> Extent {
    Extent {
        offset: header.raw_offset,
        size: header.raw_size,
        index,
    }
}

/// The slices that the digest is over, in order. Some may be empty.
///
/// Because sections lie one directly after another, "headers, then sections in the order of the
/// file, then the rest up to the certificate table" is the file without its two holes.
pub(super) fn digest_parts<'a>(
    file: &'a [u8],
    headers: &Headers,
    signed_len: usize,
) -> Result<[&'a [u8]; 4], PeError> {
    let truncated = PeError::Truncated("headers");
    let offsets = headers.offsets;
    let (signed, table) = file.split_at_checked(signed_len).ok_or(truncated)?;
    let (head, rest) = without(signed, offsets.checksum, CHECKSUM_LEN).ok_or(truncated)?;
    let (middle, tail) = match offsets.certificate_directory {
        None => (rest, &[][..]),
        Some(at) => offsets
            .checksum
            .checked_add(CHECKSUM_LEN)
            .and_then(|begin| at.checked_sub(begin))
            .and_then(|at| without(rest, at, DIRECTORY_LEN))
            .ok_or(truncated)?,
    };
    let padding = if table.is_empty() {
        padding_to_alignment(signed_len)
    } else {
        &[]
    };
    Ok([head, middle, tail, padding])
}

/// What lies before and after the `len` bytes at `at`.
fn without(bytes: &[u8], at: usize, len: usize) -> Option<(&[u8], &[u8])> {
    let (before, rest) = bytes.split_at_checked(at)?;
    Some((before, rest.get(len..)?))
}

/// The lengths that an image may have had before signing padded it to this one, longest first: any
/// that rounds up to the same multiple of 8, if what was added is zeros after all sections.
pub(super) fn unpadded_lens(
    signed: &[u8],
    sections_end: usize,
) -> impl Iterator<Item = usize> + use<> {
    let padded = signed.len().next_multiple_of(ALIGNMENT);
    let shortest = padded
        .saturating_sub(ALIGNMENT)
        .saturating_add(1)
        .max(sections_end);
    let zeros = signed.iter().rev().take_while(|byte| **byte == 0).count();
    let shortest = shortest.max(signed.len().saturating_sub(zeros));
    (shortest..=signed.len())
        .rev()
        .filter(move |len| *len != padded)
}

fn padding_to_alignment(len: usize) -> &'static [u8] {
    static ZEROS: [u8; ALIGNMENT] = [0; ALIGNMENT];
    let missing = len.next_multiple_of(ALIGNMENT).saturating_sub(len);
    ZEROS.get(..missing).unwrap_or_default()
}
