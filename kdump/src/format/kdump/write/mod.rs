//! The kdump-compressed format, version 6.
//!
//! Pages need not stand in order: a descriptor says where each is. So every thread compresses pages into
//! a buffer of its own, takes room at the end of the file for what it has, and writes it there, and then
//! the descriptors. No thread waits for another. A descriptor that isn't written is zeros: its page is
//! lost, and all others can be read. Of a page that is equal to one that is written, it says where that one is.

mod digest;
mod equal;
mod headers;
mod layout;
mod parts;
mod ranks;
mod worker;

pub(crate) use layout::Identity;
pub(crate) use parts::begin_parts;

use super::disk::{DESCRIPTOR, PageDescriptor};
use crate::bits::{Bits, REGION};
use crate::convert::Choice;
use crate::parallel;
use crate::write::{DumpWriter, Job, Phase, WriteResult};
use equal::Equal;
use headers::Headers;
use layout::{STATUS_AT, status};
use ranks::Ranks;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use worker::Worker;
use zerocopy::IntoBytes;

/// How many pages are a unit of work: 2 MiB of pages of 4 KiB.
const UNIT: usize = 512;

/// A dump whose pages are chosen, but not yet written.
pub(crate) struct Writer<'a> {
    job: &'a Job<'a>,
    headers: Headers<'a>,
    choice: &'a Choice<'a>,
    /// How many chosen pages there are before each region, and in all.
    ranks: Arc<Ranks>,
    /// The pages that may be in this file: all of them, or those of a part of a split dump.
    part: Range<u64>,
    /// How many chosen pages come before them, and how many there are of them.
    skipped: u64,
    pages: u64,
    /// Where the next bytes go.
    next: AtomicU64,
    equal: Equal,
}

impl<'a> DumpWriter<'a> for Writer<'a> {
    /// The headers, and how many pages are chosen in each region.
    type Chosen = (Headers<'a>, Vec<u32>);

    fn choose(job: &'a Job<'a>, choice: &mut Choice<'_>) -> WriteResult<Self::Chosen> {
        let chosen = if job.output.can_rewrite() {
            choose_into_file(job, choice)
        } else {
            choose_into_stream(job, choice)
        }?;
        job.observer.checkpoint(Phase::Choosing)?;
        Ok(chosen)
    }

    fn begin(
        job: &'a Job<'a>,
        choice: &'a Choice<'a>,
        (headers, counts): Self::Chosen,
    ) -> WriteResult<Writer<'a>> {
        let ranks = Arc::new(Ranks::new(counts));
        let all = 0..ranks.total();
        Writer::with(job, choice, headers, ranks, 0..u64::MAX, all)
    }

    fn write_priority(&self, phase: Phase, pages: &[u64]) -> WriteResult<()> {
        let mut worker = Worker::new(self)?;
        for (done, page) in pages.iter().enumerate() {
            self.job.progress(phase, done as u64, pages.len() as u64)?;
            let Some((region, place)) = self.job.regions.find(*page) else {
                continue;
            };
            let bits = worker.chosen(region)?;
            if bits.has(place) && self.part.contains(page) {
                worker.write(self.index(region, &bits, place), *page, 1)?;
            }
        }
        worker.finish()
    }

    fn write_rest(&self) -> WriteResult<()> {
        parallel::each(
            self.job.options.threads,
            self.job.regions.count() * (REGION / UNIT),
            || Worker::new(self),
            |worker, unit| {
                let region = unit / (REGION / UNIT);
                let start = unit % (REGION / UNIT) * UNIT;
                let first = self.job.regions.first_page(region) + start as u64;
                if !self.part.contains(&first) {
                    return Ok(());
                }
                self.write_unit(worker, region, start..start + UNIT)
            },
            Worker::finish,
        )
    }

    fn whole_mark(&self) -> (u64, [u8; 4]) {
        (STATUS_AT, status(self.job.options).to_le_bytes())
    }

    fn size(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }
}

/// Writes headers at once, and bitmaps as pages are chosen, again where they are chosen anew.
fn choose_into_file<'a>(
    job: &'a Job<'a>,
    choice: &mut Choice<'_>,
) -> WriteResult<(Headers<'a>, Vec<u32>)> {
    let asked = job.options.level;
    let level = choice.level(asked);
    let headers = Headers::write(job, level.into(), false)?;
    job.observer.checkpoint(Phase::Headers)?;
    let counts = choice.make(job, |region, present, scanned| {
        headers.write_bitmaps(region, present, &scanned.chosen)
    })?;
    if choice.level(asked) != level {
        headers.change_level(choice.level(asked).into())?;
    }
    Ok((headers, counts))
}

/// Writes headers and bitmaps once all pages are chosen for good.
fn choose_into_stream<'a>(
    job: &'a Job<'a>,
    choice: &mut Choice<'_>,
) -> WriteResult<(Headers<'a>, Vec<u32>)> {
    let counts = choice.make(job, |_, _, _| Ok(()))?;
    let level = choice.level(job.options.level);
    let headers = Headers::write(job, level.into(), job.is_whole(choice))?;
    for region in 0..job.regions.count() {
        headers.write_bitmaps(region, &job.regions.present(region), &choice.again(region))?;
    }
    Ok((headers, counts))
}

impl<'a> Writer<'a> {
    /// Writes what comes after the bitmaps, for the pages of `part`: of all that are chosen, those with these indices.
    fn with(
        job: &'a Job<'a>,
        choice: &'a Choice<'a>,
        headers: Headers<'a>,
        ranks: Arc<Ranks>,
        part: Range<u64>,
        indices: Range<u64>,
    ) -> WriteResult<Writer<'a>> {
        let pages = indices.end - indices.start;
        headers.finish(pages)?;
        let page = headers.layout.block;
        let page_size = usize::try_from(page).unwrap_or(0);
        let writer = Writer {
            job,
            next: AtomicU64::new(headers.layout.descriptors + pages * DESCRIPTOR + page),
            headers,
            choice,
            ranks,
            part,
            skipped: indices.start,
            pages,
            equal: Equal::new(page_size),
        };
        let zeros = vec![0; page_size];
        job.output.write_at(writer.zero_page(), &zeros)?;
        Ok(writer)
    }

    /// The page that all zero pages share.
    fn zero_page(&self) -> u64 {
        self.headers.layout.descriptors + self.pages * DESCRIPTOR
    }

    /// The pages that are chosen in a region.
    fn chosen(&self, region: usize) -> WriteResult<Arc<Bits>> {
        Ok(match self.headers.chosen(region)? {
            Some(bits) => bits.into(),
            None => self.choice.again(region),
        })
    }

    /// Writes compressed pages where there is room, and says where that is.
    fn append(&self, bytes: &[u8]) -> WriteResult<u64> {
        let length = bytes.len() as u64;
        let offset = self.next.fetch_add(length, Ordering::Relaxed);
        self.job.put(offset, bytes)?;
        Ok(offset)
    }

    /// Writes the descriptors of pages, the first of which has this index.
    fn describe(&self, index: u64, descriptors: &[PageDescriptor]) -> WriteResult<()> {
        let offset = self.headers.layout.descriptors + index * DESCRIPTOR;
        Ok(self.job.output.write_at(offset, descriptors.as_bytes())?)
    }

    /// Writes the chosen pages of a unit, but those that were written before all others.
    fn write_unit(
        &self,
        worker: &mut Worker<'_>,
        region: usize,
        unit: Range<usize>,
    ) -> WriteResult<()> {
        let written = &self.job.priority.all;
        let bits = worker.chosen(region)?;
        let base = self.job.regions.first_page(region);
        let mut index = self.index(region, &bits, unit.start);
        for run in bits.runs(unit) {
            let run = base + run.start as u64..base + run.end as u64;
            let before = written.partition_point(|page| *page < run.start);
            let mut page = run.start;
            for &done in written.iter().skip(before).take_while(|it| **it < run.end) {
                worker.write(index + (page - run.start), page, done - page)?;
                page = done + 1;
            }
            worker.write(index + (page - run.start), page, run.end - page)?;
            index += run.end - run.start;
        }
        let pages = self.job.tally.pages.load(Ordering::Relaxed);
        self.job.progress(Phase::Pages, pages, self.ranks.total())
    }

    /// A page's index among the chosen ones of this file.
    fn index(&self, region: usize, bits: &Bits, place: usize) -> u64 {
        self.ranks.before(region) + u64::from(bits.rank(place)) - self.skipped
    }
}
