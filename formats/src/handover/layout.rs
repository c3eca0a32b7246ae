//! The writer's side: where records go, and the header page. The caller writes the bytes.

use super::{FLAG_CRASH, Kind, LayoutError, MAGIC, MAX_RECORDS, RECORD_LEN, TABLE_OFFSET, VERSION};
use crate::PAGE_SIZE;

/// A handover's layout: what [`Handover::parse`](super::Handover::parse) expects of records of
/// given kinds, lengths and digests.
#[derive(Clone, Debug)]
pub struct Layout {
    records: [Planned; MAX_RECORDS],
    count: usize,
    total_len: u64,
    flags: u32,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    kind: Kind,
    offset: u64,
    length: u64,
    digest: [u8; 32],
}

impl Layout {
    /// Lays out records in the given order; each is (kind, length in bytes, digest). `flags` is 0
    /// or [`FLAG_CRASH`].
    pub fn plan(records: &[(Kind, u64, [u8; 32])], flags: u32) -> Result<Self, LayoutError> {
        if records.is_empty() || records.len() > MAX_RECORDS {
            return Err(LayoutError::RecordCount(records.len()));
        }
        if flags & !FLAG_CRASH != 0 {
            return Err(LayoutError::Flags(flags));
        }
        check_kinds(records)?;
        let unused = Planned {
            kind: Kind::Initrd,
            offset: 0,
            length: 0,
            digest: [0; 32],
        };
        let mut layout = Layout {
            records: [unused; MAX_RECORDS],
            count: records.len(),
            total_len: PAGE_SIZE as u64,
            flags,
        };
        let slots = layout.records.iter_mut();
        for (index, (slot, &(kind, length, digest))) in slots.zip(records).enumerate() {
            if length == 0 {
                return Err(LayoutError::Empty(index));
            }
            *slot = Planned {
                kind,
                offset: layout.total_len,
                length,
                digest,
            };
            layout.total_len = layout
                .total_len
                .checked_add(length)
                .and_then(|end| end.checked_next_multiple_of(PAGE_SIZE as u64))
                .ok_or(LayoutError::TooLong)?;
        }
        Ok(layout)
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
    fn write(&self, slot: &mut [u8]) {
        put(slot, 0x00, &self.kind.number().to_le_bytes());
        put(slot, 0x08, &self.offset.to_le_bytes());
        put(slot, 0x10, &self.length.to_le_bytes());
        put(slot, 0x18, &self.digest);
    }
}

/// Writes a field at a constant offset inside `target`.
fn put(target: &mut [u8], offset: usize, bytes: &[u8]) {
    let fields = target.iter_mut().skip(offset);
    fields.zip(bytes).for_each(|(to, from)| *to = *from);
}

fn check_kinds(records: &[(Kind, u64, [u8; 32])]) -> Result<(), LayoutError> {
    let is_initrd = |record: &(Kind, u64, [u8; 32])| record.0 == Kind::Initrd;
    let kernels = records.iter().filter(|record| !is_initrd(record)).count();
    if kernels != 1 {
        return Err(LayoutError::KernelCount(kernels));
    }
    let after_initrds = records
        .iter()
        .skip_while(|record| !is_initrd(record))
        .skip_while(|record| is_initrd(record));
    if after_initrds.into_iter().any(is_initrd) {
        return Err(LayoutError::InitrdsApart);
    }
    Ok(())
}
