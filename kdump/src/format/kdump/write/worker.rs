//! One thread's share of a kdump-compressed dump.

use super::Writer;
use super::digest::Digest;
use super::layout::flag;
use crate::bits::Bits;
use crate::encode::{Encoder, is_zero};
use crate::format::kdump::disk::PageDescriptor;
use crate::write::{WriteResult, read_pages};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How many bytes are read at once: so few that they stay in the processor's cache.
const READ: usize = 1 << 16;
/// How many bytes are written at once.
const WRITE: usize = 1 << 18;
/// How many pages are held back at most: those of zeros have no bytes that would come together.
const HELD: usize = 1 << 12;

/// What is known of a page before its place in the file is.
#[derive(Clone, Copy)]
enum Page {
    /// Its place is known: it is a zero page, or equal to one that is written.
    Known(PageDescriptor),
    /// Equal to the held page of this number.
    Same(usize),
    /// Bytes of the buffer.
    Here {
        start: usize,
        length: usize,
        flags: u32,
    },
    Lost,
}

/// Reads pages, compresses them, and writes what has come together.
pub(crate) struct Worker<'a> {
    writer: &'a Writer<'a>,
    encoder: Encoder,
    page_size: usize,
    flags: u32,
    /// Pages as they are read.
    input: Vec<u8>,
    /// Compressed pages, `filled` bytes of them.
    data: Vec<u8>,
    filled: usize,
    /// The pages that are held back, without a gap, the first of which has the index `first`.
    pages: Vec<Page>,
    first: u64,
    /// The numbers of those in `data`.
    fresh: HashMap<Digest, usize>,
    descriptors: Vec<PageDescriptor>,
    /// What is chosen in the region that was asked for last.
    known: Option<(usize, Arc<Bits>)>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(writer: &'a Writer<'a>) -> WriteResult<Worker<'a>> {
        let compression = writer.job.options.compression;
        let page_size = usize::try_from(writer.job.regions.page_size()).unwrap_or(1 << 16);
        Ok(Worker {
            writer,
            known: None,
            encoder: Encoder::new(compression, page_size)?,
            page_size,
            flags: flag(compression),
            input: vec![0; READ.max(page_size)],
            data: vec![0; WRITE + page_size],
            filled: 0,
            pages: Vec::new(),
            first: 0,
            fresh: HashMap::new(),
            descriptors: Vec::new(),
        })
    }

    /// The pages that are chosen in a region.
    pub(super) fn chosen(&mut self, region: usize) -> WriteResult<Arc<Bits>> {
        if let Some((_, bits)) = self.known.as_ref().filter(|(of, _)| *of == region) {
            return Ok(Arc::clone(bits));
        }
        let bits = self.writer.chosen(region)?;
        self.known = Some((region, Arc::clone(&bits)));
        Ok(bits)
    }

    /// Writes pages that follow one another in memory and among the chosen ones, where the first has
    /// this index.
    pub(crate) fn write(&mut self, index: u64, page: u64, count: u64) -> WriteResult<()> {
        if count == 0 {
            return Ok(());
        }
        if index != self.first + self.pages.len() as u64 {
            self.flush()?;
            self.first = index;
        }
        let most = (self.input.len() / self.page_size) as u64;
        let mut done = 0;
        while done < count {
            let some = most.min(count - done);
            self.take(page + done, usize::try_from(some).unwrap_or(1))?;
            done += some;
        }
        Ok(())
    }

    /// Takes pages that fit the input buffer.
    fn take(&mut self, page: u64, count: usize) -> WriteResult<()> {
        let mut input = std::mem::take(&mut self.input);
        let mut result = Ok(());
        let length = count * self.page_size;
        if let Some(bytes) = input.get_mut(..length) {
            let address = page * self.page_size as u64;
            let lost = read_pages(self.writer.job.crash.memory, address, bytes, self.page_size);
            let mut pages = bytes.chunks_exact(self.page_size).enumerate();
            result = pages.try_for_each(|(place, page)| self.add(page, lost.contains(&place)));
        }
        self.input = input;
        result
    }

    fn add(&mut self, page: &[u8], lost: bool) -> WriteResult<()> {
        let tally = &self.writer.job.tally;
        if lost {
            tally.unreadable.fetch_add(1, Ordering::Relaxed);
            self.pages.push(Page::Lost);
        } else if is_zero(page) {
            tally.zero.fetch_add(1, Ordering::Relaxed);
            let zeros = PageDescriptor::new(self.writer.zero_page(), self.page_size, 0);
            self.pages.push(Page::Known(zeros));
        } else {
            self.add_content(page);
        }
        if self.filled >= WRITE || self.pages.len() >= HELD {
            self.flush()?;
        }
        Ok(())
    }

    /// Takes a page, or refers to one that is equal to it.
    fn add_content(&mut self, page: &[u8]) {
        let digest = self.writer.equal.digest(page);
        let known = self.writer.equal.find(&digest).map(Page::Known);
        let same = || self.fresh.get(&digest).copied().map(Page::Same);
        if let Some(equal) = known.or_else(same) {
            let tally = &self.writer.job.tally;
            tally.equal.fetch_add(1, Ordering::Relaxed);
            self.pages.push(equal);
        } else {
            self.fresh.insert(digest, self.pages.len());
            self.encode(page);
        }
    }

    fn encode(&mut self, page: &[u8]) {
        let start = self.filled;
        let Some(room) = self.data.get_mut(start..start + page.len()) else {
            return;
        };
        let (length, flags) = match self.encoder.encode(page, room) {
            Some(length) => (length, self.flags),
            None => {
                room.copy_from_slice(page);
                (page.len(), 0)
            }
        };
        self.filled += length;
        self.pages.push(Page::Here {
            start,
            length,
            flags,
        });
    }

    /// Writes what has come together: first the pages, then where they are.
    fn flush(&mut self) -> WriteResult<()> {
        let written = self.pages.len() as u64;
        if written == 0 {
            return Ok(());
        }
        let data = self.data.get(..self.filled).unwrap_or_default();
        let base = match data {
            [] => 0,
            data => self.writer.append(data)?,
        };
        self.descriptors.clear();
        for page in &self.pages {
            let descriptor = match *page {
                Page::Lost => PageDescriptor::new(0, 0, 0),
                Page::Known(descriptor) => descriptor,
                // It came before.
                Page::Same(number) => self.descriptors[number],
                Page::Here {
                    start,
                    length,
                    flags,
                } => PageDescriptor::new(base + start as u64, length, flags),
            };
            self.descriptors.push(descriptor);
        }
        // Only what is written may be referred to.
        for (digest, number) in self.fresh.drain() {
            let descriptor = self.descriptors[number];
            self.writer.equal.remember(digest, descriptor);
        }
        self.writer.describe(self.first, &self.descriptors)?;
        self.writer
            .job
            .tally
            .pages
            .fetch_add(written, Ordering::Relaxed);
        self.first += written;
        self.pages.clear();
        self.filled = 0;
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> WriteResult<()> {
        self.flush()
    }
}
