//! One file of a dump: all of it, or a part of a split one.

use super::bitmap::Bitmap;
use super::header::{HEADER, Header, SUB_HEADER, SubHeader};
use super::page::{Descriptor, Descriptors};
use super::{Codec, KdumpError, Source, Unreadable};
use crate::cache::Cache;
use crate::decode::Decoder;
use crate::source::reason;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// More notes than any machine has.
const MOST_NOTES: u64 = 1 << 26;
/// VMCOREINFO is at most a page.
const MOST_VMCOREINFO: u64 = 1 << 16;

pub(super) struct Part {
    pub(super) header: Header,
    pub(super) sub_header: SubHeader,
    source: Arc<dyn Source>,
    size: u64,
    exists: Bitmap,
    dumped: Bitmap,
    /// How many dumped pages other parts have before this one's first.
    skipped: u64,
    descriptors: Descriptors,
    pages: Cache,
    decoders: Mutex<Vec<Decoder>>,
}

impl Part {
    pub(super) fn open(source: Arc<dyn Source>) -> Result<Part, KdumpError> {
        let size = source.size()?;
        let header = Header::parse(&start(&*source, 0, HEADER, size)?)?;
        let bytes = start(&*source, header.block(), SUB_HEADER, size)?;
        let sub_header = SubHeader::parse(&header, &bytes)?;
        // A dump that was broken off before its bitmaps were written says what crashed, and has no pages.
        let frames = match header.descriptors_at() <= size {
            true => sub_header.frames,
            false if header.incomplete() => 0,
            false => return Err(KdumpError::CutOff("bitmaps", size)),
        };
        let bitmap = |at| Bitmap::read(&*source, at, frames);
        let exists = bitmap(header.bitmaps_at())?;
        let dumped = bitmap(header.bitmaps_at() + header.bitmap_size())?;
        let skipped = dumped.rank(&*source, sub_header.start)?;
        let count = dumped
            .rank(&*source, sub_header.end)?
            .saturating_sub(skipped);
        Ok(Part {
            descriptors: Descriptors::new(header.descriptors_at(), count),
            header,
            sub_header,
            size,
            exists,
            dumped,
            skipped,
            source,
            pages: Cache::new(16),
            decoders: Mutex::new(Vec::new()),
        })
    }

    /// The frames that this file may hold.
    pub(super) fn pages(&self) -> Range<u64> {
        self.sub_header.start..self.sub_header.end
    }

    /// One more than the highest frame.
    pub(super) fn frames(&self) -> u64 {
        self.sub_header.frames
    }

    pub(super) fn page_size(&self) -> u64 {
        self.header.block()
    }

    /// How many pages this file should hold.
    pub(super) fn dumped(&self) -> u64 {
        self.descriptors.count()
    }

    pub(super) fn incomplete(&self) -> bool {
        self.header.incomplete() || self.descriptors.end() > self.size
    }

    /// Whether both are parts of the same dump, as far as their headers tell.
    pub(super) fn belongs_with(&self, other: &Part) -> bool {
        let same = |part: &Part| {
            let header = &part.header;
            (
                header.version,
                header.block_size,
                header.bitmap_blocks,
                header.utsname.clone(),
                part.sub_header.frames,
                part.sub_header.dump_level,
                part.dumped.total(),
            )
        };
        same(self) == same(other)
    }

    /// The memory that there was.
    pub(super) fn ranges(&self) -> Result<Vec<Range<u64>>, KdumpError> {
        let frames = self.exists.ranges(&*self.source)?;
        let frames = frames.ok_or(KdumpError::Damaged(
            "it has more than 2^20 ranges of memory",
        ))?;
        let size = self.page_size();
        let bytes = |it: &Range<u64>| it.start * size..it.end * size;
        Ok(frames.iter().map(bytes).collect())
    }

    /// The bytes of the notes.
    pub(super) fn notes(&self) -> Result<Vec<u8>, KdumpError> {
        self.held("notes", self.sub_header.notes, MOST_NOTES)
    }

    /// The text of VMCOREINFO.
    pub(super) fn vmcoreinfo(&self) -> Result<Vec<u8>, KdumpError> {
        self.held("VMCOREINFO", self.sub_header.vmcoreinfo, MOST_VMCOREINFO)
    }

    /// What is cut off of a dump that was broken off isn't there.
    fn held(
        &self,
        what: &'static str,
        (at, length): (u64, u64),
        most: u64,
    ) -> Result<Vec<u8>, KdumpError> {
        if length > most {
            return Err(KdumpError::Damaged("its notes are longer than any can be"));
        }
        if at.saturating_add(length) > self.size {
            return match self.header.incomplete() {
                true => Ok(Vec::new()),
                false => Err(KdumpError::CutOff(what, self.size)),
            };
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.source.read_at(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Fails if the dump doesn't have the page, or shouldn't.
    pub(super) fn state(&self, frame: u64, address: u64) -> Result<(), Unreadable> {
        let failed = |error: std::io::Error| Unreadable::Damaged(address, reason(&error));
        if self.dumped.has(&*self.source, frame).map_err(failed)? {
            return Ok(());
        }
        match self.exists.has(&*self.source, frame).map_err(failed)? {
            true => Err(Unreadable::Excluded(address)),
            false => Err(Unreadable::Absent(address)),
        }
    }

    fn descriptor(&self, frame: u64, address: u64) -> Result<Descriptor, Unreadable> {
        self.state(frame, address)?;
        let damaged = |reason| Unreadable::Damaged(address, reason);
        let rank = self
            .dumped
            .rank(&*self.source, frame)
            .map_err(|error| damaged(reason(&error)))?;
        self.descriptors
            .get(&*self.source, rank.saturating_sub(self.skipped))
            .map_err(damaged)
    }

    pub(super) fn codec(&self, frame: u64) -> Result<Codec, Unreadable> {
        let address = frame * self.page_size();
        self.descriptor(frame, address)?
            .codec()
            .map_err(|reason| Unreadable::Damaged(address, reason))
    }

    /// Fills the buffer from within a page on; it ends within the page.
    pub(super) fn read(
        &self,
        frame: u64,
        inside: u64,
        buffer: &mut [u8],
    ) -> Result<(), Unreadable> {
        if buffer.len() as u64 == self.page_size() && self.pages.kept(frame).is_none() {
            return self.decode(frame, buffer);
        }
        let page = self.pages.get(frame, || {
            let mut page = vec![0; usize::try_from(self.page_size()).unwrap_or(0)];
            self.decode(frame, &mut page).map(|()| Arc::from(page))
        })?;
        let start = usize::try_from(inside).unwrap_or(usize::MAX);
        match page.get(start..).and_then(|it| it.get(..buffer.len())) {
            Some(found) => buffer.copy_from_slice(found),
            None => return Err(Unreadable::Absent(frame * self.page_size())),
        }
        Ok(())
    }

    /// Reads and decompresses a page.
    fn decode(&self, frame: u64, page: &mut [u8]) -> Result<(), Unreadable> {
        let address = frame * self.page_size();
        let damaged = |reason| Unreadable::Damaged(address, reason);
        let descriptor = self.descriptor(frame, address)?;
        let codec = descriptor.codec().map_err(damaged)?;
        // What doesn't become smaller is stored as it is.
        let size = usize::try_from(descriptor.size).unwrap_or(usize::MAX);
        if size > page.len() {
            return Err(damaged(format!("it is said to have {size} bytes")));
        }
        let mut data = vec![0; size];
        self.source
            .read_at(descriptor.offset, &mut data)
            .map_err(|error| damaged(reason(&error)))?;
        let mut decoder = self.take();
        let decoded = decoder.decode(codec, &data, page);
        self.give_back(decoder);
        decoded.map_err(|error| damaged(error.to_string()))
    }

    /// A decoder, of which each thread needs one.
    fn take(&self) -> Decoder {
        let mut free = self.decoders.lock().unwrap_or_else(PoisonError::into_inner);
        free.pop().unwrap_or_else(Decoder::new)
    }

    fn give_back(&self, decoder: Decoder) {
        let mut free = self.decoders.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(decoder);
    }
}

/// Up to so many bytes from `at` on: what is missing, the parser misses.
fn start(source: &dyn Source, at: u64, length: usize, size: u64) -> Result<Vec<u8>, KdumpError> {
    let there = usize::try_from(size.saturating_sub(at)).unwrap_or(length);
    let mut bytes = vec![0; length.min(there)];
    if !bytes.is_empty() {
        source.read_at(at, &mut bytes)?;
    }
    Ok(bytes)
}
