//! ELF cores, as makedumpfile writes them with `-E`: memory that is left out has no bytes in the file.

mod headers;
mod loads;

pub(crate) use loads::Loads;

use crate::encode::is_zero;
use crate::format::kdump::write::{Subject, Tally};
use crate::parallel;
use crate::write::observe::{Observer, Phase};
use crate::write::output::Output;
use crate::write::reading::read_pages;
use crate::write::{WriteError, WriteResult};
use headers::Headers;
use loads::Load;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many pages are a unit of work.
const UNIT: u64 = 512;
/// How many bytes are read, and written, at once.
const BUFFER: usize = 1 << 18;

/// A core whose headers are written.
pub(crate) struct Dump<'a> {
    subject: &'a Subject<'a>,
    output: &'a dyn Output,
    observer: &'a dyn Observer,
    loads: Vec<Load>,
    /// How many units there are before each load, and in all.
    units: Vec<u64>,
    headers: Headers,
    page_size: u64,
    total: u64,
    interval: u64,
    written: AtomicU64,
    pub tally: Tally,
}

impl<'a> Dump<'a> {
    /// Writes the headers and notes of a core that isn't whole yet; in a stream, `whole` says what it will be.
    pub(crate) fn begin(
        subject: &'a Subject<'a>,
        output: &'a dyn Output,
        observer: &'a dyn Observer,
        loads: Loads,
        interval: u64,
        whole: bool,
    ) -> WriteResult<Dump<'a>> {
        let page_size = subject.regions.page_size();
        let mut loads = loads.finish();
        let headers = Headers::place(subject, &mut loads)?;
        let whole = whole && !output.can_rewrite();
        output.write_at(0, &headers.bytes(subject, &loads, whole))?;
        let mut units = vec![0];
        let mut total = 0;
        for load in &loads {
            let pages = load.held.end - load.held.start;
            total += pages;
            units.push(units.last().copied().unwrap_or(0) + pages.div_ceil(UNIT));
        }
        Ok(Dump {
            subject,
            output,
            observer,
            loads,
            units,
            headers,
            page_size,
            total,
            interval: interval.max(1),
            written: AtomicU64::new(0),
            tally: Tally::default(),
        })
    }

    /// The length of the core, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.headers.end
    }

    /// Writes some pages before all others, where they may be written again.
    pub(crate) fn write_first(&self, phase: Phase, pages: &[u64]) -> WriteResult<()> {
        if !self.output.can_rewrite() {
            return Ok(());
        }
        let mut buffer = vec![0; usize::try_from(self.page_size).unwrap_or(0)];
        for (done, &page) in pages.iter().enumerate() {
            self.progress(phase, done as u64, pages.len() as u64)?;
            let after = self.loads.partition_point(|load| load.held.start <= page);
            let load = after.checked_sub(1).and_then(|it| self.loads.get(it));
            if let Some(load) = load.filter(|load| page < load.held.end) {
                // Counted with the rest, where it comes again.
                let _ = read_pages(
                    self.subject.memory,
                    page * self.page_size,
                    &mut buffer,
                    buffer_page(self.page_size),
                );
                self.put(load.place(page, self.page_size), &buffer)?;
            }
        }
        Ok(self.observer.checkpoint(phase)?)
    }

    /// Writes all pages.
    pub(crate) fn write_rest(&self, threads: NonZeroUsize) -> WriteResult<()> {
        let count = self.units.last().copied().unwrap_or(0);
        parallel::each(
            threads,
            usize::try_from(count).unwrap_or(usize::MAX),
            || Ok(vec![0; BUFFER]),
            |buffer, unit| {
                let unit = unit as u64;
                let load = self.units.partition_point(|before| *before <= unit) - 1;
                let (Some(load), Some(before)) = (self.loads.get(load), self.units.get(load))
                else {
                    return Ok(());
                };
                let start = load.held.start + (unit - before) * UNIT;
                self.write_unit(buffer, load, start..(start + UNIT).min(load.held.end))?;
                let pages = self.tally.pages.load(Ordering::Relaxed);
                self.progress(Phase::Pages, pages, self.total)
            },
            |_| Ok(()),
        )?;
        Ok(self.observer.checkpoint(Phase::Pages)?)
    }

    fn write_unit(
        &self,
        buffer: &mut [u8],
        load: &Load,
        pages: std::ops::Range<u64>,
    ) -> WriteResult<()> {
        let page_size = buffer_page(self.page_size);
        let most = (buffer.len() / page_size) as u64;
        let mut page = pages.start;
        while page < pages.end {
            let count = most.min(pages.end - page);
            let length = usize::try_from(count * self.page_size).unwrap_or(0);
            let Some(bytes) = buffer.get_mut(..length) else {
                return Ok(());
            };
            let address = page * self.page_size;
            let lost = read_pages(self.subject.memory, address, bytes, page_size);
            let lost = lost.len() as u64;
            self.tally.unreadable.fetch_add(lost, Ordering::Relaxed);
            self.put_sparse(load.place(page, self.page_size), bytes, page_size)?;
            self.tally.pages.fetch_add(count, Ordering::Relaxed);
            page += count;
        }
        Ok(())
    }

    /// Writes pages, but not zeros where the output has them already.
    fn put_sparse(&self, offset: u64, bytes: &[u8], page_size: usize) -> WriteResult<()> {
        let mut zero: Vec<bool> = bytes.chunks(page_size).map(is_zero).collect();
        let zeros = zero.iter().filter(|zero| **zero).count() as u64;
        self.tally.zero.fetch_add(zeros, Ordering::Relaxed);
        if !self.output.begins_empty() {
            return self.put(offset, bytes);
        }
        if offset + bytes.len() as u64 == self.headers.end
            && let Some(last) = zero.last_mut()
        {
            // The file is as long as it should be.
            *last = false;
        }
        let mut start = 0;
        for run in zero.chunk_by(|a, b| a == b) {
            let length = run.len() * page_size;
            if run.first() == Some(&false) {
                let bytes = bytes.get(start..start + length).unwrap_or_default();
                self.put(offset + start as u64, bytes)?;
            }
            start += length;
        }
        Ok(())
    }

    fn put(&self, offset: u64, bytes: &[u8]) -> WriteResult<()> {
        self.output.write_at(offset, bytes)?;
        let length = bytes.len() as u64;
        let before = self.written.fetch_add(length, Ordering::Relaxed);
        if before / self.interval != (before + length) / self.interval {
            self.observer.checkpoint(Phase::Pages)?;
        }
        Ok(())
    }

    fn progress(&self, phase: Phase, done: u64, total: u64) -> WriteResult<()> {
        if self.observer.cancelled() {
            return Err(WriteError::Cancelled);
        }
        self.observer.progress(phase, done, total);
        Ok(())
    }

    /// Marks the core as whole, if it is.
    pub(crate) fn end(&self, whole: bool) -> WriteResult<()> {
        let whole = whole && self.tally.unreadable.load(Ordering::Relaxed) == 0;
        if whole && self.output.can_rewrite() {
            self.output.write_at(headers::FLAGS_AT, &[0; 4])?;
        }
        Ok(self.observer.checkpoint(Phase::End)?)
    }
}

/// At most 64 KiB.
fn buffer_page(page_size: u64) -> usize {
    usize::try_from(page_size).unwrap_or(1 << 16)
}
