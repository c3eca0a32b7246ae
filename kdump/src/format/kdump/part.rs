//! One file of a dump: all of it, or a part of a split one.

use super::bitmap::Bitmap;
use super::disk::{DiskDumpHeader, KdumpSubHeader, PageDescriptor};
use super::header::{Header, SubHeader};
use super::page::Descriptors;
use super::{Codec, KdumpError, Presence, Source, Unreadable};
use crate::cache::Cache;
use crate::decode::Decoder;
use crate::source::{read_up_to, reason};
use crate::survey::Flaw;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// More notes than any machine has.
const MAX_NOTES: u64 = 1 << 26;
/// VMCOREINFO is at most a page.
const MAX_VMCOREINFO: u64 = 1 << 16;

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
    /// Whole pages, by their descriptors, which may be the same for many frames.
    pages: Cache<PageDescriptor>,
    /// The highest offset of a page that was read.
    furthest: AtomicU64,
    decoders: Mutex<Vec<Decoder>>,
}

impl Part {
    pub(super) fn open(source: Arc<dyn Source>) -> Result<Part, KdumpError> {
        let size = source.size()?;
        let length = size_of::<DiskDumpHeader>() as u64;
        let header = Header::parse(&read_up_to(&*source, 0, length)?)?;
        let length = size_of::<KdumpSubHeader>() as u64;
        let bytes = read_up_to(&*source, header.block(), length)?;
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
            furthest: AtomicU64::new(0),
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

    /// How many pages this file really holds.
    pub(super) fn held(&self) -> u64 {
        self.descriptors.sound(&*self.source, self.page_size())
    }

    /// How many pages all parts together should hold.
    pub(super) fn all_dumped(&self) -> u64 {
        self.dumped.total()
    }

    /// What is wrong with it, besides its pages.
    pub(super) fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if self.header.incomplete() {
            flaws.push(Flaw::Marked);
        }
        if self.header.descriptors_at() > self.size {
            flaws.push(Flaw::CutOff("bitmaps"));
        }
        let sub_header = &self.sub_header;
        for (what, part, most) in [
            ("notes", sub_header.notes, MAX_NOTES),
            ("VMCOREINFO", sub_header.vmcoreinfo, MAX_VMCOREINFO),
            ("table of what was erased", sub_header.erased, u64::MAX),
        ] {
            flaws.extend(self.place(what, part, most).err());
        }
        flaws
    }

    /// Whether both are parts of the same dump, as far as their headers tell.
    pub(super) fn belongs_with(&self, other: &Part) -> bool {
        let same = |part: &Part| {
            let header = &part.header.raw;
            (
                header.header_version,
                header.block_size,
                header.bitmap_blocks,
                part.header.utsname.clone(),
                part.sub_header.frames,
                part.sub_header.dump_level,
                part.dumped.total(),
            )
        };
        same(self) == same(other)
    }

    /// The memory that there was.
    pub(super) fn ranges(&self) -> Result<Vec<Range<u64>>, KdumpError> {
        // Whatever is dumped was there.
        let frames = self.exists.ranges_with(&self.dumped, &*self.source)?;
        let frames = frames.ok_or(KdumpError::Damaged(
            "it has more than 2^20 ranges of memory",
        ))?;
        let size = self.page_size();
        let bytes = |it: &Range<u64>| it.start * size..it.end * size;
        Ok(frames.iter().map(bytes).collect())
    }

    /// The bytes of the notes, as far as they are there.
    pub(super) fn notes(&self) -> Result<Vec<u8>, KdumpError> {
        self.bytes("notes", self.sub_header.notes, MAX_NOTES)
    }

    /// The text of VMCOREINFO, if it is there.
    pub(super) fn vmcoreinfo(&self) -> Result<Vec<u8>, KdumpError> {
        self.bytes("VMCOREINFO", self.sub_header.vmcoreinfo, MAX_VMCOREINFO)
    }

    /// What is cut off, or can't be, isn't there.
    fn bytes(
        &self,
        what: &'static str,
        part: (u64, u64),
        most: u64,
    ) -> Result<Vec<u8>, KdumpError> {
        let Ok(place) = self.place(what, part, most) else {
            return Ok(Vec::new());
        };
        let mut bytes = vec![0; usize::try_from(place.end - place.start).unwrap_or(0)];
        if !bytes.is_empty() {
            self.source.read_at(place.start, &mut bytes)?;
        }
        Ok(bytes)
    }

    /// Where something is in the file.
    fn place(
        &self,
        what: &'static str,
        (at, length): (u64, u64),
        most: u64,
    ) -> Result<Range<u64>, Flaw> {
        if length == 0 {
            return Ok(0..0);
        }
        if length > most {
            return Err(Flaw::Notes);
        }
        let end = at.checked_add(length).filter(|end| *end <= self.size);
        end.map(|end| at..end).ok_or(Flaw::CutOff(what))
    }

    /// What there is of a page, and up to which the next ones are alike. `all_held` says that no page is lost.
    pub(super) fn presence(&self, frame: u64, all_held: bool) -> (Presence, u64) {
        match self.chosen(frame) {
            Ok((Presence::Held, end)) if !all_held => match self.descriptor_at(frame) {
                Ok((index, _)) if self.descriptors.ends_before(index, self.size) => {
                    (Presence::Lost, end)
                }
                Ok((_, Ok(_))) => (Presence::Held, frame + 1),
                Ok((_, Err(_))) | Err(_) => (Presence::Lost, frame + 1),
            },
            Ok(found) => found,
            Err(_) => (Presence::Lost, frame + 1),
        }
    }

    /// What the bitmaps say of a page, and up to which they say the same.
    pub(super) fn chosen(&self, frame: u64) -> std::io::Result<(Presence, u64)> {
        let (dumped, dumped_end) = self.dumped.run(&*self.source, frame)?;
        let (exists, exists_end) = self.exists.run(&*self.source, frame)?;
        let presence = match (dumped, exists) {
            (true, _) => Presence::Held,
            (false, true) => Presence::LeftOut,
            (false, false) => Presence::Absent,
        };
        Ok((presence, dumped_end.min(exists_end)))
    }

    /// Fails if the dump doesn't have the page, or shouldn't.
    pub(super) fn state(&self, frame: u64, address: u64) -> Result<(), Unreadable> {
        let failed = |error: std::io::Error| Unreadable::Damaged(address, reason(&error));
        if self.dumped.has(&*self.source, frame).map_err(failed)? {
            return Ok(());
        }
        if self.exists.has(&*self.source, frame).map_err(failed)? {
            Err(Unreadable::Excluded(address))
        } else {
            Err(Unreadable::Absent(address))
        }
    }

    fn descriptor(&self, frame: u64, address: u64) -> Result<PageDescriptor, Unreadable> {
        self.state(frame, address)?;
        let damaged = |reason| Unreadable::Damaged(address, reason);
        let found = self.descriptor_at(frame);
        let (_, found) = found.map_err(|error| damaged(reason(&error)))?;
        found.map_err(damaged)
    }

    /// The index of a dumped page's descriptor, and the descriptor, if it is one.
    fn descriptor_at(&self, frame: u64) -> std::io::Result<(u64, Result<PageDescriptor, String>)> {
        let rank = self.dumped.rank(&*self.source, frame)?;
        let index = rank.saturating_sub(self.skipped);
        let descriptor = self.descriptors.get(&*self.source, index);
        let checked = descriptor.and_then(|it| it.checked(self.size, self.page_size()));
        Ok((index, checked))
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
        let address = frame * self.page_size();
        let descriptor = self.descriptor(frame, address)?;
        let damaged = |reason| Unreadable::Damaged(address, reason);
        if buffer.len() as u64 == self.page_size() && !self.is_worth_keeping(descriptor) {
            return self.decode(descriptor, buffer).map_err(damaged);
        }
        let page = self.pages.get(descriptor, || {
            let mut page = vec![0; usize::try_from(self.page_size()).unwrap_or(0)];
            let decoded = self.decode(descriptor, &mut page);
            decoded.map(|()| Arc::from(page)).map_err(damaged)
        })?;
        let start = usize::try_from(inside).unwrap_or(usize::MAX);
        match page.get(start..).and_then(|it| it.get(..buffer.len())) {
            Some(found) => buffer.copy_from_slice(found),
            None => return Err(Unreadable::Absent(address)),
        }
        Ok(())
    }

    /// Whoever reads one page after the other comes back only to those that several frames share.
    fn is_worth_keeping(&self, descriptor: PageDescriptor) -> bool {
        let offset = descriptor.offset.get();
        offset <= self.furthest.fetch_max(offset, Ordering::Relaxed)
    }

    /// Reads and decompresses a page; the reason if that fails.
    fn decode(&self, descriptor: PageDescriptor, page: &mut [u8]) -> Result<(), String> {
        let codec = descriptor.codec()?;
        let mut data = vec![0; usize::try_from(descriptor.size.get()).unwrap_or(0)];
        self.source
            .read_at(descriptor.offset.get(), &mut data)
            .map_err(|error| reason(&error))?;
        let mut decoder = self.take();
        let decoded = decoder.decode(codec, &data, page);
        self.give_back(decoder);
        decoded.map_err(|error| error.to_string())
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
