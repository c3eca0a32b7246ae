//! The writer's side: where records go, and the header page. The caller writes the bytes.

use super::order::Order;
use super::{
    FLAG_CRASH, LayoutError, MAGIC, MAX_RECORDS, RECORD_LEN, RecordKind, RecordProblem,
    TABLE_OFFSET, VERSION,
};
use crate::PAGE_SIZE;

/// What the writer is to lay out as a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedRecord {
    /// What it is.
    pub kind: RecordKind,
    /// Its length in bytes.
    pub length: u64,
    /// The digest it is to be judged by.
    pub digest: [u8; 32],
    /// Of a signature: the number of the record that it is about. Of all others: 0.
    pub subject: usize,
}

impl From<(RecordKind, u64, [u8; 32])> for PlannedRecord {
    /// A part that is no signature, or one of the kernel image.
    fn from((kind, length, digest): (RecordKind, u64, [u8; 32])) -> Self {
        PlannedRecord {
            kind,
            length,
            digest,
            subject: 0,
        }
    }
}

/// A handover's layout: what [`Handover::parse`](super::Handover::parse) expects of records of
/// given kinds, lengths and digests.
#[derive(Clone, Debug)]
pub struct Layout {
    records: [Planned; MAX_RECORDS],
    count: usize,
    total_len: u64,
    flags: u32,
    profile: u32,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    kind: RecordKind,
    offset: u64,
    length: u64,
    digest: [u8; 32],
    subject: u32,
}

impl Layout {
    /// Lays out records in the given order; each is a [`PlannedRecord`] or (kind, length in bytes, digest).
    /// `flags` is 0 or [`FLAG_CRASH`].
    pub fn plan<P: Into<PlannedRecord> + Copy>(
        records: &[P],
        flags: u32,
    ) -> Result<Self, LayoutError> {
        if records.is_empty() || records.len() > MAX_RECORDS {
            return Err(LayoutError::RecordCount(records.len()));
        }
        if flags & !FLAG_CRASH != 0 {
            return Err(LayoutError::Flags(flags));
        }
        let unused = Planned {
            kind: RecordKind::Initrd,
            offset: 0,
            length: 0,
            digest: [0; 32],
            subject: 0,
        };
        let mut layout = Layout {
            records: [unused; MAX_RECORDS],
            count: records.len(),
            total_len: PAGE_SIZE as u64,
            flags,
            profile: 0,
        };
        let mut order = Order::default();
        let mut has_kernel = false;
        let slots = layout.records.iter_mut();
        for (index, (slot, &part)) in slots.zip(records).enumerate() {
            let part = part.into();
            *slot = Planned::of(index, &part, layout.total_len, &mut order)
                .map_err(|problem| LayoutError::Record { index, problem })?;
            has_kernel |= part.kind == RecordKind::Kernel;
            layout.total_len = layout
                .total_len
                .checked_add(part.length)
                .and_then(|end| end.checked_next_multiple_of(PAGE_SIZE as u64))
                .ok_or(LayoutError::TooLong)?;
        }
        if has_kernel {
            Ok(layout)
        } else {
            Err(LayoutError::NoKernel)
        }
    }

    /// This layout, for the given profile of the UKI that the kernel image is.
    #[must_use]
    pub fn with_profile(self, profile: u32) -> Self {
        Layout { profile, ..self }
    }

    /// States the digest of record `index`, for writers that learn it from the finished blob; nothing if there is no
    /// such record.
    pub fn set_digest(&mut self, index: usize, digest: [u8; 32]) {
        let planned = self.records.get_mut(..self.count).unwrap_or_default();
        if let Some(record) = planned.get_mut(index) {
            record.digest = digest;
        }
    }

    /// The length of the whole blob, in bytes.
    pub fn total_len(&self) -> u64 {
        self.total_len
    }

    /// Where the bytes of record `index` go in the blob; `None` if there is no such record. What
    /// lies between records is zero.
    pub fn offset(&self, index: usize) -> Option<u64> {
        self.planned().get(index).map(|record| record.offset)
    }

    /// The first page of the blob.
    pub fn header_page(&self) -> [u8; PAGE_SIZE] {
        let mut page = [0; PAGE_SIZE];
        put(&mut page, 0, &MAGIC);
        put(&mut page, 8, &VERSION.to_le_bytes());
        // At most MAX_RECORDS: the saturation is never reached.
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        put(&mut page, 0x0c, &count.to_le_bytes());
        put(&mut page, 0x10, &self.total_len.to_le_bytes());
        put(&mut page, 0x18, &self.flags.to_le_bytes());
        put(&mut page, 0x1c, &self.profile.to_le_bytes());
        let table = page.get_mut(TABLE_OFFSET..).unwrap_or_default();
        for (slot, record) in table.chunks_exact_mut(RECORD_LEN).zip(self.planned()) {
            record.write(slot);
        }
        page
    }

    fn planned(&self) -> &[Planned] {
        self.records.get(..self.count).unwrap_or_default()
    }
}

impl Planned {
    fn of(
        index: usize,
        part: &PlannedRecord,
        offset: u64,
        order: &mut Order,
    ) -> Result<Self, RecordProblem> {
        if part.length == 0 {
            return Err(RecordProblem::Empty);
        }
        let subject = u32::try_from(part.subject).unwrap_or(u32::MAX);
        order.next(index, part.kind, subject)?;
        Ok(Planned {
            kind: part.kind,
            offset,
            length: part.length,
            digest: part.digest,
            subject,
        })
    }

    fn write(&self, slot: &mut [u8]) {
        put(slot, 0x00, &self.kind.number().to_le_bytes());
        put(slot, 0x08, &self.offset.to_le_bytes());
        put(slot, 0x10, &self.length.to_le_bytes());
        put(slot, 0x18, &self.digest);
        put(slot, 0x38, &self.subject.to_le_bytes());
    }
}

/// Writes a field at a constant offset inside `target`.
fn put(target: &mut [u8], offset: usize, bytes: &[u8]) {
    let fields = target.iter_mut().skip(offset);
    fields.zip(bytes).for_each(|(to, from)| *to = *from);
}
