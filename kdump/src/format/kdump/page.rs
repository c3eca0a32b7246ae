//! Descriptors of pages, in the order of the second bitmap.

use super::disk::{DESCRIPTOR, PageDescriptor, flags};
use crate::cache::Cache;
use crate::decode::Codec;
use crate::source::{Source, reason};
use std::io;
use std::sync::Arc;
use zerocopy::FromBytes;

/// How many are read at once.
const BATCH: u64 = 170;
/// How many are read at once where all are looked at.
const MANY: usize = 1 << 14;

impl PageDescriptor {
    /// Fails if the page's data can't be there, in a file of this size.
    pub(super) fn checked(self, size: u64, page_size: u64) -> Result<PageDescriptor, String> {
        let (offset, length) = (self.offset.get(), u64::from(self.size.get()));
        // makedumpfile begins with a table of zeros.
        if offset == 0 {
            return Err("it was lost when the dump was written".to_owned());
        }
        // What doesn't become smaller is stored as it is.
        if length == 0 || length > page_size {
            return Err(format!("it is said to have {length} bytes"));
        }
        if offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(reason(&io::ErrorKind::UnexpectedEof.into()));
        }
        self.codec().map(|_| self)
    }

    /// How the data is compressed.
    pub(super) fn codec(self) -> Result<Codec, String> {
        match self.flags.get() {
            0 => Ok(Codec::Raw),
            flags::ZLIB => Ok(Codec::Zlib),
            flags::LZO => Ok(Codec::Lzo),
            flags::SNAPPY => Ok(Codec::Snappy),
            flags::ZSTD => Ok(Codec::Zstd),
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

    /// Whether the file ends before this one.
    pub(super) fn ends_before(&self, index: u64, size: u64) -> bool {
        let end = self.at.saturating_add((index + 1) * DESCRIPTOR);
        end > size
    }

    /// One of them; the reason if it can't be read.
    pub(super) fn get(&self, source: &dyn Source, index: u64) -> Result<PageDescriptor, String> {
        let number = index / BATCH;
        let batch = self.batches.get(number, || self.fetch(source, number))?;
        let start = usize::try_from(index % BATCH * DESCRIPTOR).unwrap_or(usize::MAX);
        let rest = batch.get(start..).unwrap_or_default();
        let found = PageDescriptor::read_from_prefix(rest);
        found.map_or_else(
            |_| Err("the file ends before its descriptor".to_owned()),
            |(it, _)| Ok(it),
        )
    }

    /// How many of them point to a page that is in the file.
    pub(super) fn sound(&self, source: &dyn Source, page_size: u64) -> u64 {
        let size = source.size().unwrap_or(0);
        let mut sound = 0;
        for first in (0..self.count).step_by(MANY) {
            // What can't be read is lost.
            let Ok(bytes) = self.read(source, first, MANY as u64) else {
                continue;
            };
            if bytes.is_empty() {
                break;
            }
            let descriptors = <[PageDescriptor]>::ref_from_bytes(&bytes).unwrap_or_default();
            let found = descriptors.iter();
            let found = found.filter(|it| it.checked(size, page_size).is_ok());
            sound += found.count() as u64;
        }
        sound
    }

    fn fetch(&self, source: &dyn Source, number: u64) -> Result<Arc<[u8]>, String> {
        let bytes = self.read(source, number * BATCH, BATCH);
        bytes.map(Arc::from).map_err(|error| reason(&error))
    }

    /// So many of them, as far as the file has them.
    fn read(&self, source: &dyn Source, first: u64, count: u64) -> io::Result<Vec<u8>> {
        let start = self.at.saturating_add(first * DESCRIPTOR);
        let wanted = self.count.saturating_sub(first).min(count) * DESCRIPTOR;
        let there = source.size()?.saturating_sub(start).min(wanted) / DESCRIPTOR * DESCRIPTOR;
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(0)];
        if !bytes.is_empty() {
            source.read_at(start, &mut bytes)?;
        }
        Ok(bytes)
    }
}
