//! ELF cores, as makedumpfile writes them with `-E`: memory that is left out has no bytes in the file.

mod headers;
mod loads;

use crate::bits::REGION;
use crate::convert::Choice;
use crate::encode::is_zero;
use crate::parallel;
use crate::write::{DumpWriter, Job, Phase, WriteResult, read_pages};
use headers::Headers;
use loads::{Load, Loads};
use std::ops::Range;
use std::sync::atomic::Ordering;

/// How many pages are a unit of work.
const UNIT: u64 = 512;
/// How many bytes are read, and written, at once.
const BUFFER: usize = 1 << 18;

/// A core whose headers are written.
pub(crate) struct Writer<'a> {
    job: &'a Job<'a>,
    choice: &'a Choice<'a>,
    loads: Vec<Load>,
    /// How many units there are before each load, and in all.
    units: Vec<u64>,
    headers: Headers,
    page_size: u64,
}

impl<'a> DumpWriter<'a> for Writer<'a> {
    type Chosen = Loads;

    fn choose(job: &'a Job<'a>, choice: &mut Choice<'_>) -> WriteResult<Loads> {
        // Of a page that turns out to be lost there would be zeros, where the file has room for it.
        choice.try_each = job.crash.memory.encoded();
        let loads = Loads::new(job.regions);
        choice.make(job, |region, present, scanned| {
            loads.add(region, present, scanned);
            Ok(())
        })?;
        Ok(loads)
    }

    fn begin(job: &'a Job<'a>, choice: &'a Choice<'a>, loads: Loads) -> WriteResult<Writer<'a>> {
        let mut loads = loads.finish();
        let headers = Headers::place(job, &mut loads)?;
        let whole = !job.output.can_rewrite() && job.is_whole(choice);
        job.output.write_at(0, &headers.bytes(job, &loads, whole))?;
        job.observer.checkpoint(Phase::Headers)?;
        let mut units = vec![0];
        for load in &loads {
            let pages = load.held.end - load.held.start;
            units.push(units.last().copied().unwrap_or(0) + pages.div_ceil(UNIT));
        }
        Ok(Writer {
            job,
            choice,
            loads,
            units,
            headers,
            page_size: job.regions.page_size(),
        })
    }

    /// They are written again with the rest, so that a stream has them only there.
    fn write_priority(&self, phase: Phase, pages: &[u64]) -> WriteResult<()> {
        if !self.job.output.can_rewrite() {
            return Ok(());
        }
        let page_size = buffer_page(self.page_size);
        let mut buffer = vec![0; page_size];
        for (done, &page) in pages.iter().enumerate() {
            self.job.progress(phase, done as u64, pages.len() as u64)?;
            let after = self.loads.partition_point(|load| load.held.start <= page);
            let load = after.checked_sub(1).and_then(|it| self.loads.get(it));
            if let Some(load) = load.filter(|load| page < load.held.end) {
                // Counted with the rest, where it comes again.
                let address = page * self.page_size;
                let _ = read_pages(self.job.crash.memory, address, &mut buffer, page_size);
                let offset = load.place(page, self.page_size);
                self.job.output.write_ahead_at(offset, &buffer)?;
            }
        }
        Ok(())
    }

    fn write_rest(&self) -> WriteResult<()> {
        let count = self.units.last().copied().unwrap_or(0);
        parallel::each(
            self.job.options.threads,
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
                let pages = self.job.tally.pages.load(Ordering::Relaxed);
                self.job.progress(Phase::Pages, pages, self.choice.chosen)
            },
            |_| Ok(()),
        )
    }

    fn whole_mark(&self) -> (u64, [u8; 4]) {
        (headers::FLAGS_AT, [0; 4])
    }

    fn size(&self) -> u64 {
        self.headers.end
    }
}

impl Writer<'_> {
    fn write_unit(&self, buffer: &mut [u8], load: &Load, pages: Range<u64>) -> WriteResult<()> {
        let page_size = buffer_page(self.page_size);
        let most = (buffer.len() / page_size) as u64;
        let mut page = pages.start;
        while page < pages.end {
            let count = most.min(pages.end - page);
            let length = usize::try_from(count * self.page_size).unwrap_or(0);
            let Some(bytes) = buffer.get_mut(..length) else {
                return Ok(());
            };
            let read = self.read(load, page..page + count, bytes, page_size);
            self.put_sparse(page, load.place(page, self.page_size), bytes, page_size)?;
            let tally = &self.job.tally;
            tally.pages.fetch_add(read, Ordering::Relaxed);
            // Of these, the zeros were counted as well.
            tally.zero.fetch_sub(count - read, Ordering::Relaxed);
            page += count;
        }
        Ok(())
    }

    /// Reads pages of a load, of which those that are left out are zeros. Returns how many aren't.
    fn read(&self, load: &Load, pages: Range<u64>, bytes: &mut [u8], page_size: usize) -> u64 {
        let count = pages.end - pages.start;
        if !load.is_filled {
            self.read_chosen(pages.start, bytes, page_size);
            return count;
        }
        bytes.fill(0);
        let mut chosen = 0;
        for run in self.chosen(pages.clone()) {
            let place = |page: u64| usize::try_from((page - pages.start) * self.page_size);
            let place = place(run.start).unwrap_or(0)..place(run.end).unwrap_or(0);
            if let Some(bytes) = bytes.get_mut(place) {
                self.read_chosen(run.start, bytes, page_size);
                chosen += run.end - run.start;
            }
        }
        chosen
    }

    fn read_chosen(&self, first: u64, bytes: &mut [u8], page_size: usize) {
        let address = first * self.page_size;
        let lost = read_pages(self.job.crash.memory, address, bytes, page_size).len();
        let unreadable = &self.job.tally.unreadable;
        unreadable.fetch_add(lost as u64, Ordering::Relaxed);
    }

    /// Those of these pages that aren't left out.
    fn chosen(&self, pages: Range<u64>) -> Vec<Range<u64>> {
        let mut found = Vec::new();
        let mut next = pages.start;
        while let Some((region, place)) = self.job.regions.find(next).filter(|_| next < pages.end) {
            let base = next - place as u64;
            let end = pages.end.min(base + REGION as u64);
            let places = place..usize::try_from(end - base).unwrap_or(REGION);
            let chosen = self.choice.again(region);
            let absolute = |run: Range<usize>| base + run.start as u64..base + run.end as u64;
            found.extend(chosen.runs(places).map(absolute));
            next = end;
        }
        found
    }

    /// Writes pages, from `first` on, but not zeros where the output has them already.
    fn put_sparse(
        &self,
        first: u64,
        offset: u64,
        bytes: &[u8],
        page_size: usize,
    ) -> WriteResult<()> {
        let mut zero: Vec<bool> = bytes.chunks(page_size).map(is_zero).collect();
        let zeros = zero.iter().filter(|zero| **zero).count() as u64;
        self.job.tally.zero.fetch_add(zeros, Ordering::Relaxed);
        if !self.job.output.begins_empty() {
            return self.job.put(offset, bytes);
        }
        if offset + bytes.len() as u64 == self.headers.end
            && let Some(last) = zero.last_mut()
        {
            // The file is as long as it should be.
            *last = false;
        }
        // What was written ahead may have been something else: it is written again in any case.
        for (page, zero) in (first..).zip(&mut zero) {
            *zero = *zero && self.job.priority.all.binary_search(&page).is_err();
        }
        let mut start = 0;
        for run in zero.chunk_by(|a, b| a == b) {
            let length = run.len() * page_size;
            if run.first() == Some(&false) {
                let bytes = bytes.get(start..start + length).unwrap_or_default();
                self.job.put(offset + start as u64, bytes)?;
            }
            start += length;
        }
        Ok(())
    }
}

/// At most 64 KiB.
fn buffer_page(page_size: u64) -> usize {
    usize::try_from(page_size).unwrap_or(1 << 16)
}
