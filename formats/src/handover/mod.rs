//! The handover: what the gate receives as "its initrd".
//!
//! User space writes it, so nothing in it is trusted: the layout below has one form only for given
//! contents, and everything else is refused. All integers are little-endian. Version 1.
//!
//! # The blob
//!
//! Page-aligned in memory; its length is a multiple of 4096.
//!
//! | offset | size | |
//! |---|---|---|
//! | 0 | 4096 | the header page |
//! | 4096 | length of record 0 | its bytes |
//! | | 0–4095 | zeros up to a multiple of 4096 |
//! | … | | record 1 and so on, each directly after the padding of the one before |
//!
//! # The header page
//!
//! | offset | size | field | must be |
//! |---|---|---|---|
//! | 0x00 | 8 | magic | `BATON\0HO` |
//! | 0x08 | 4 | version | 1 |
//! | 0x0c | 4 | record count | 1 to 32 |
//! | 0x10 | 8 | total length in bytes | the blob's length |
//! | 0x18 | 4 | flags | bit 0: meant for a crash load; other bits 0 |
//! | 0x1c | 4 | profile: the number of the profile of the UKI that the kernel image is | 0 unless it has more than one |
//! | 0x20 | 64 × count | the record table | |
//! | | | the rest of the page | 0 |
//!
//! # A record in the table
//!
//! | offset | size | field | must be |
//! |---|---|---|---|
//! | 0x00 | 4 | kind | 1: kernel image; 2: initrd; 3: detached signature; 4: manifest; 6: addon of a UKI. (5, device tree, is reserved) |
//! | 0x04 | 4 | flags | 0 |
//! | 0x08 | 8 | offset of its bytes in the blob | where the record before ends, rounded up to 4096; 4096 for the first |
//! | 0x10 | 8 | length in bytes | not 0 |
//! | 0x18 | 32 | digest | see below |
//! | 0x38 | 4 | subject: the number in the table of the record that a signature is about | 0 in records of other kinds |
//! | 0x3c | 4 | reserved | 0 |
//!
//! In the table there are, in this order:
//!
//! 1. exactly one kernel image;
//! 2. initrds, adjacent therefore in the blob: all of them are used in place as one (zeros between
//!    two cpio archives mean nothing to Linux);
//! 3. addons of the UKI that the kernel image is ([`crate::uki`]), in the order in which they apply;
//! 4. at most one manifest ([`crate::manifest`]);
//! 5. detached signatures (CMS, in DER): each is about one of the records above but addons, and each
//!    has a higher subject than the one before, so that nothing has two.
//!
//! A record's digest is the one that the record is judged by: of a kernel image the SHA-256 digest of
//! what vouches for it signs (its Authenticode digest; that of what comes before an appended
//! signature; that of the file with the signature's bytes zero where it is in an ELF note; that of all
//! its bytes where a detached signature or a manifest vouches), so that the image is hashed once; of an
//! addon its Authenticode digest; of all others the SHA-256 of their bytes. The profile is user
//! space's choice among what was signed together. This module carries digests and judges none.

mod error;
mod layout;
mod order;

#[cfg(test)]
mod tests;

pub use error::{HandoverError, LayoutError, RecordProblem};
pub use layout::{Layout, PlannedRecord};

use crate::PAGE_SIZE;
use crate::reader::{Reader, is_zero, slice};
use core::ops::Range;
use order::Order;

/// The first bytes of a handover.
pub const MAGIC: [u8; 8] = *b"BATON\0HO";
/// The version of the layout described here.
pub const VERSION: u32 = 1;
/// The most records a handover may have.
pub const MAX_RECORDS: usize = 32;
/// The flag of a handover that is meant for a crash load.
pub const FLAG_CRASH: u32 = 1;
/// The offset of the record table in the header page.
pub const TABLE_OFFSET: usize = 0x20;
/// The length of a record in the table, in bytes.
pub const RECORD_LEN: usize = 64;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// The kernel image to boot.
    Kernel,
    /// An initrd: a cpio archive, compressed or not.
    Initrd,
    /// A detached signature of another record: CMS, in DER.
    Signature,
    /// A manifest: what else may be booted, in text; see [`crate::manifest`].
    Manifest,
    /// An addon of the UKI that the kernel image is; see [`crate::uki::Addon`].
    Addon,
}

impl RecordKind {
    /// The number that stands for it in the table.
    pub fn number(self) -> u32 {
        match self {
            RecordKind::Kernel => 1,
            RecordKind::Initrd => 2,
            RecordKind::Signature => 3,
            RecordKind::Manifest => 4,
            RecordKind::Addon => 6,
        }
    }

    /// The kind that a number stands for; `None` for unknown and for reserved numbers.
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(RecordKind::Kernel),
            2 => Some(RecordKind::Initrd),
            3 => Some(RecordKind::Signature),
            4 => Some(RecordKind::Manifest),
            6 => Some(RecordKind::Addon),
            _ => None,
        }
    }
}

/// A record of a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number in the table, from 0.
    pub index: usize,
    /// What it holds.
    pub kind: RecordKind,
    /// The digest it is to be judged by (unverified; see the module's documentation).
    pub digest: [u8; 32],
    /// Its bytes, without padding.
    pub bytes: &'a [u8],
    /// Where its bytes begin in the blob; a multiple of 4096.
    pub offset: u64,
    subject: u32,
    is_draft: bool,
}

impl Record<'_> {
    /// The number of the record that this one, a signature, is about; `None` in other kinds.
    pub fn subject(&self) -> Option<usize> {
        match self.kind {
            RecordKind::Signature => usize::try_from(self.subject).ok(),
            _ => None,
        }
    }

    /// Whether this is the digest that it is to be judged by. In a draft it may be any.
    pub fn has_digest(&self, digest: &[u8; 32]) -> bool {
        self.is_draft || self.digest == *digest
    }
}

/// A handover whose layout has been checked in full.
#[derive(Clone, Copy, Debug)]
pub struct Handover<'a> {
    blob: &'a [u8],
    table: &'a [u8],
    kernel: Record<'a>,
    flags: u32,
    profile: u32,
    is_draft: bool,
}

impl<'a> Handover<'a> {
    /// Checks everything that the module's documentation says of `blob`.
    pub fn parse(blob: &'a [u8]) -> Result<Self, HandoverError> {
        Self::read(blob, false)
    }

    /// As [`Handover::parse`], but for the digests, which whoever is making `blob` doesn't know yet. For
    /// writers alone.
    pub fn parse_draft(blob: &'a [u8]) -> Result<Self, HandoverError> {
        Self::read(blob, true)
    }

    fn read(blob: &'a [u8], is_draft: bool) -> Result<Self, HandoverError> {
        let header = Header::read(blob)?;
        let mut position = PAGE_SIZE as u64;
        let mut kernel = None;
        let mut order = Order::default();
        let mut index = 0_usize;
        while let Some(entry) = Entry::nth(header.table, index) {
            let record = entry.check(index, blob, position, is_draft)?;
            position = padded_end(blob, &record)?;
            order
                .next(index, record.kind, entry.subject)
                .map_err(|problem| record_error(index, problem))?;
            if record.kind == RecordKind::Kernel {
                kernel = Some(record);
            }
            index = index.saturating_add(1);
        }
        if position != header.total_len {
            return Err(HandoverError::TrailingBytes { end: position });
        }
        Ok(Handover {
            blob,
            table: header.table,
            kernel: kernel.ok_or(HandoverError::NoKernel)?,
            flags: header.flags,
            profile: header.profile,
            is_draft,
        })
    }

    /// All records, in the order of the table.
    pub fn records(&self) -> Records<'a> {
        Records {
            blob: self.blob,
            table: self.table,
            index: 0,
            is_draft: self.is_draft,
        }
    }

    fn records_of(&self, kind: RecordKind) -> RecordsOf<'a> {
        RecordsOf {
            records: self.records(),
            kind,
        }
    }

    /// The kernel image.
    pub fn kernel(&self) -> Record<'a> {
        self.kernel
    }

    /// The initrds, in the order in which they are to be unpacked.
    pub fn initrds(&self) -> RecordsOf<'a> {
        self.records_of(RecordKind::Initrd)
    }

    /// Where the initrds lie in the blob, from the first one's begin to the last one's end, the
    /// padding between them included; `None` if there is none.
    pub fn initrd_range(&self) -> Option<Range<usize>> {
        let mut whole: Option<Range<usize>> = None;
        for record in self.initrds() {
            let range = range(&record)?;
            let start = whole.map_or(range.start, |before| before.start);
            whole = Some(start..range.end);
        }
        whole
    }

    /// The addons, in the order in which they apply.
    pub fn addons(&self) -> RecordsOf<'a> {
        self.records_of(RecordKind::Addon)
    }

    /// The manifest, if there is one.
    pub fn manifest(&self) -> Option<Record<'a>> {
        self.records_of(RecordKind::Manifest).next()
    }

    /// The detached signatures, in the order of what they are about.
    pub fn signatures(&self) -> RecordsOf<'a> {
        self.records_of(RecordKind::Signature)
    }

    /// The detached signature that is about the record of this number, if there is one.
    pub fn signature_of(&self, index: usize) -> Option<Record<'a>> {
        let mut signatures = self.signatures();
        signatures.find(|record| record.subject() == Some(index))
    }

    /// Whether it is meant for a crash load.
    pub fn is_crash(&self) -> bool {
        self.flags & FLAG_CRASH != 0
    }

    /// The number of the profile to boot of the UKI that the kernel image is.
    pub fn profile(&self) -> u32 {
        self.profile
    }

    /// The whole blob.
    pub fn bytes(&self) -> &'a [u8] {
        self.blob
    }
}

/// The records of a handover that has been checked, in the order of the table.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    blob: &'a [u8],
    table: &'a [u8],
    index: usize,
    is_draft: bool,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.index;
        let entry = Entry::nth(self.table, index)?;
        self.index = index.checked_add(1)?;
        entry.record(index, self.blob, self.is_draft)
    }
}

/// Those of them that are of one kind, in the order of the table.
#[derive(Clone, Debug)]
pub struct RecordsOf<'a> {
    records: Records<'a>,
    kind: RecordKind,
}

impl<'a> Iterator for RecordsOf<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.kind;
        self.records.find(|record| record.kind == kind)
    }
}

/// The checked header page.
struct Header<'a> {
    total_len: u64,
    flags: u32,
    profile: u32,
    table: &'a [u8],
}

impl<'a> Header<'a> {
    fn read(blob: &'a [u8]) -> Result<Self, HandoverError> {
        let too_short = |_| HandoverError::TooShort(blob.len());
        let mut page = Reader::new(blob).sub(PAGE_SIZE).map_err(too_short)?;
        if page.array().map_err(too_short)? != MAGIC {
            return Err(HandoverError::Magic);
        }
        let version = page.u32().map_err(too_short)?;
        if version != VERSION {
            return Err(HandoverError::Version(version));
        }
        let count = page.u32().map_err(too_short)?;
        let table_len = table_len(count).ok_or(HandoverError::RecordCount(count))?;
        let total_len = page.u64().map_err(too_short)?;
        check_length(blob, total_len)?;
        let flags = page.u32().map_err(too_short)?;
        if flags & !FLAG_CRASH != 0 {
            return Err(HandoverError::Flags(flags));
        }
        let profile = page.u32().map_err(too_short)?;
        let table = page.take(table_len).map_err(too_short)?;
        if !is_zero(page.rest()) {
            return Err(HandoverError::HeaderNotZero);
        }
        Ok(Header {
            total_len,
            flags,
            profile,
            table,
        })
    }
}

fn table_len(count: u32) -> Option<usize> {
    match usize::try_from(count).ok()? {
        count @ 1..=MAX_RECORDS => count.checked_mul(RECORD_LEN),
        _ => None,
    }
}

fn check_length(blob: &[u8], stated: u64) -> Result<(), HandoverError> {
    if usize::try_from(stated) == Ok(blob.len()) && blob.len().is_multiple_of(PAGE_SIZE) {
        return Ok(());
    }
    Err(HandoverError::Length {
        stated,
        actual: blob.len(),
    })
}

/// A record of the table, as it stands there.
struct Entry {
    kind: u32,
    flags: u32,
    offset: u64,
    length: u64,
    digest: [u8; 32],
    subject: u32,
    reserved: u32,
}

impl Entry {
    /// The one of this number; `None` after the last one.
    fn nth(table: &[u8], index: usize) -> Option<Self> {
        Self::read(table.get(index.checked_mul(RECORD_LEN)?..)?)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Entry {
            kind: reader.u32().ok()?,
            flags: reader.u32().ok()?,
            offset: reader.u64().ok()?,
            length: reader.u64().ok()?,
            digest: reader.array().ok()?,
            subject: reader.u32().ok()?,
            reserved: reader.u32().ok()?,
        })
    }

    /// The record, whose bytes must begin at `position`.
    fn check<'a>(
        &self,
        index: usize,
        blob: &'a [u8],
        position: u64,
        is_draft: bool,
    ) -> Result<Record<'a>, HandoverError> {
        let refuse = |problem| Err(record_error(index, problem));
        if RecordKind::from_number(self.kind).is_none() {
            return refuse(RecordProblem::Kind(self.kind));
        }
        if self.flags != 0 {
            return refuse(RecordProblem::Flags(self.flags));
        }
        if self.reserved != 0 {
            return refuse(RecordProblem::Reserved);
        }
        if self.length == 0 {
            return refuse(RecordProblem::Empty);
        }
        if self.offset != position {
            return refuse(RecordProblem::Offset {
                stated: self.offset,
                expected: position,
            });
        }
        match self.record(index, blob, is_draft) {
            Some(record) => Ok(record),
            None => refuse(RecordProblem::BeyondEnd),
        }
    }

    /// The record, if its kind is known and its bytes are in the blob.
    fn record<'a>(&self, index: usize, blob: &'a [u8], is_draft: bool) -> Option<Record<'a>> {
        Some(Record {
            index,
            kind: RecordKind::from_number(self.kind)?,
            digest: self.digest,
            bytes: slice(blob, self.offset, self.length)?,
            offset: self.offset,
            subject: self.subject,
            is_draft,
        })
    }
}

/// Where the padding after a record ends, after checking that it is all there and zero.
fn padded_end(blob: &[u8], record: &Record<'_>) -> Result<u64, HandoverError> {
    let beyond = record_error(record.index, RecordProblem::BeyondEnd);
    let end = range(record).ok_or(beyond)?.end;
    let padded = end.checked_next_multiple_of(PAGE_SIZE).ok_or(beyond)?;
    let padding = blob.get(end..padded).ok_or(beyond)?;
    if !is_zero(padding) {
        return Err(record_error(record.index, RecordProblem::Padding));
    }
    u64::try_from(padded).map_err(|_| beyond)
}

fn range(record: &Record<'_>) -> Option<Range<usize>> {
    let begin = usize::try_from(record.offset).ok()?;
    Some(begin..begin.checked_add(record.bytes.len())?)
}

fn record_error(index: usize, problem: RecordProblem) -> HandoverError {
    HandoverError::Record { index, problem }
}
