//! Descriptors of pages (`struct page_desc`, diskdump_mod.h), in the order of the second bitmap.

use crate::bytes::{u32_at, u64_at};
use crate::cache::Cache;
use crate::decode::Codec;
use crate::source::{Source, reason};
use std::sync::Arc;

/// The size of a descriptor.
pub(super) const DESCRIPTOR: u64 = 24;
/// How many are read at once.
const BATCH: u64 = 170;

/// Where a page's data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) offset: u64,
    pub(super) size: u32,
    flags: u32,
}

impl Descriptor {
    fn parse(bytes: &[u8]) -> Option<Descriptor> {
        Some(Descriptor {
            offset: u64_at(bytes, 0)?,
            size: u32_at(bytes, 8)?,
            flags: u32_at(bytes, 12)?,
        })
    }

    /// DUMP_DH_COMPRESSED_ZLIB and its like.
    pub(super) fn codec(self) -> Result<Codec, String> {
        match self.flags {
            0 => Ok(Codec::Raw),
            0x1 => Ok(Codec::Zlib),
            0x2 => Ok(Codec::Lzo),
            0x4 => Ok(Codec::Snappy),
            0x20 => Ok(Codec::Zstd),
            flags => Err(format!("its flags are {flags:#x}")),
        }
    }
}

/// All descriptors of a file.
pub(super) struct Descriptors {
    at: u64,
    count: u64,
    batches: Cache,
}

impl Descriptors {
    pub(super) fn new(at: u64, count: u64) -> Descriptors {
        Descriptors {
            at,
            count,
            batches: Cache::new(8),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Where they end.
    pub(super) fn end(&self) -> u64 {
        self.at
            .saturating_add(self.count.saturating_mul(DESCRIPTOR))
    }

    /// One of them; the reason if it can't be read.
    pub(super) fn get(&self, source: &dyn Source, index: u64) -> Result<Descriptor, String> {
        let number = index / BATCH;
        let batch = self.batches.get(number, || self.fetch(source, number))?;
        let start = usize::try_from(index % BATCH * DESCRIPTOR).unwrap_or(usize::MAX);
        let found = batch.get(start..).and_then(Descriptor::parse);
        match found {
            None => Err("the file ends before its descriptor".to_owned()),
            // makedumpfile begins with a table of zeros.
            Some(it) if it.offset == 0 => Err("it was lost when the dump was written".to_owned()),
            Some(it) => Ok(it),
        }
    }

    /// A batch, as far as the file has it.
    fn fetch(&self, source: &dyn Source, number: u64) -> Result<Arc<[u8]>, String> {
        let start = self.at.saturating_add(number * BATCH * DESCRIPTOR);
        let size = source.size().map_err(|error| reason(&error))?;
        let wanted = self.count.saturating_sub(number * BATCH).min(BATCH) * DESCRIPTOR;
        let there = size.saturating_sub(start).min(wanted) / DESCRIPTOR * DESCRIPTOR;
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(0)];
        source
            .read_at(start, &mut bytes)
            .map_err(|error| reason(&error))?;
        Ok(bytes.into())
    }
}
