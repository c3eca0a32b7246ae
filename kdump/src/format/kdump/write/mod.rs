//! The kdump-compressed format, version 6.
//!
//! Pages need not stand in order: a descriptor says where each is. So every thread compresses pages into
//! a buffer of its own, takes room at the end of the file for what it has, and writes it there, and then
//! the descriptors. No thread waits for another. A descriptor that isn't written is zeros: its page is
//! lost, and all others can be read.

pub(crate) mod headers;
mod layout;
mod worker;

pub use layout::Identity;

use crate::bits::{Bits, REGION};
use crate::encode::Compression;
use crate::format::elf::Segment;
use crate::format::kdump::disk::{DESCRIPTOR, PageDescriptor};
use crate::machine::Machine;
use crate::memory::Memory;
use crate::parallel;
use crate::regions::Regions;
use crate::write::observe::{Observer, Phase};
use crate::write::output::Output;
use crate::write::{WriteError, WriteResult};
use headers::Front;
use layout::{Layout, STATUS_AT};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use worker::Worker;
use zerocopy::IntoBytes;

/// How many pages are a unit of work: 2 MiB of pages of 4 KiB.
const UNIT: usize = 512;

/// What is written of a machine, and how.
pub(crate) struct Subject<'a> {
    pub memory: &'a dyn Memory,
    pub machine: Machine,
    /// The segments of an ELF source, which have virtual addresses.
    pub segments: &'a [Segment],
    pub regions: &'a Regions,
    pub notes: &'a [u8],
    /// Where VMCOREINFO's text is among the notes.
    pub vmcoreinfo: Option<Range<usize>>,
    pub identity: &'a Identity,
    pub compression: Compression,
}

/// What is known of pages that were written.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Pages written, or found to be zeros.
    pub pages: AtomicU64,
    /// Of them, zeros.
    pub zero: AtomicU64,
    /// Pages that can't be read.
    pub unreadable: AtomicU64,
}

/// A dump whose pages are chosen, but not yet written.
pub(crate) struct Dump<'a> {
    pub subject: &'a Subject<'a>,
    pub output: &'a dyn Output,
    pub observer: &'a dyn Observer,
    layout: Layout,
    /// How many chosen pages there are before each region, and in all.
    before: Vec<u64>,
    total: u64,
    /// Where the next bytes go.
    next: AtomicU64,
    /// How much is written between checkpoints.
    interval: u64,
    pub tally: Tally,
}

impl<'a> Dump<'a> {
    /// Makes room for the pages, of which so many are chosen in each region.
    pub(crate) fn begin(
        front: &Front<'a>,
        counts: &[u32],
        observer: &'a dyn Observer,
        interval: u64,
    ) -> WriteResult<Dump<'a>> {
        let mut total = 0;
        let before = counts
            .iter()
            .map(|count| {
                let before = total;
                total += u64::from(*count);
                before
            })
            .collect();
        front.finish(total)?;
        let zero_page = front.layout.descriptors + total * DESCRIPTOR;
        let page = front.layout.block;
        let zeros = vec![0; usize::try_from(page).unwrap_or(0)];
        front.output.write_at(zero_page, &zeros)?;
        Ok(Dump {
            subject: front.subject,
            output: front.output,
            observer,
            layout: front.layout.clone(),
            before,
            total,
            next: AtomicU64::new(zero_page + page),
            interval: interval.max(1),
            tally: Tally::default(),
        })
    }
}

impl Dump<'_> {
    /// Where the dump ends, so far.
    pub(crate) fn size(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The page that all zero pages share.
    pub(super) fn zero_page(&self) -> u64 {
        self.layout.descriptors + self.total * DESCRIPTOR
    }

    /// Writes compressed pages where there is room, and says where that is.
    pub(super) fn append(&self, bytes: &[u8]) -> WriteResult<u64> {
        let length = bytes.len() as u64;
        let offset = self.next.fetch_add(length, Ordering::Relaxed);
        self.output.write_at(offset, bytes)?;
        if offset / self.interval != (offset + length) / self.interval {
            self.observer.checkpoint(Phase::Pages)?;
        }
        Ok(offset)
    }

    /// Writes the descriptors of pages, the first of which has this index.
    pub(super) fn describe(&self, index: u64, descriptors: &[PageDescriptor]) -> WriteResult<()> {
        let offset = self.layout.descriptors + index * DESCRIPTOR;
        Ok(self.output.write_at(offset, descriptors.as_bytes())?)
    }

    /// Writes some pages of their own, before all others: those of `pages` that are chosen.
    pub(crate) fn write_first(
        &self,
        phase: Phase,
        pages: &[u64],
        chosen: impl Fn(usize) -> WriteResult<Arc<Bits>>,
    ) -> WriteResult<()> {
        let mut worker = Worker::new(self)?;
        let mut known: Option<(usize, Arc<Bits>)> = None;
        for (done, page) in pages.iter().enumerate() {
            self.progress(phase, done as u64, pages.len() as u64)?;
            let Some((region, place)) = self.subject.regions.find(*page) else {
                continue;
            };
            let bits = match &known {
                Some((of, bits)) if *of == region => bits,
                _ => &known.insert((region, chosen(region)?)).1,
            };
            if bits.has(place) {
                worker.write(self.index(region, bits, place), *page, 1)?;
            }
        }
        worker.finish()?;
        Ok(self.observer.checkpoint(phase)?)
    }

    /// Writes all chosen pages but those that [`write_first`](Dump::write_first) wrote, `first`, sorted.
    pub(crate) fn write_rest(
        &self,
        threads: NonZeroUsize,
        first: &[u64],
        chosen: impl Fn(usize) -> WriteResult<Arc<Bits>> + Sync,
    ) -> WriteResult<()> {
        parallel::each(
            threads,
            self.subject.regions.count() * (REGION / UNIT),
            || Ok((Worker::new(self)?, None)),
            |(worker, known): &mut (Worker<'_>, Option<(usize, Arc<Bits>)>), unit| {
                let region = unit / (REGION / UNIT);
                let start = unit % (REGION / UNIT) * UNIT;
                let bits = match known {
                    Some((of, bits)) if *of == region => bits,
                    _ => &known.insert((region, chosen(region)?)).1,
                };
                self.write_unit(worker, region, bits, start..start + UNIT, first)
            },
            |(worker, _)| worker.finish(),
        )?;
        Ok(self.observer.checkpoint(Phase::Pages)?)
    }

    fn write_unit(
        &self,
        worker: &mut Worker<'_>,
        region: usize,
        bits: &Bits,
        unit: Range<usize>,
        first: &[u64],
    ) -> WriteResult<()> {
        let base = self.subject.regions.first_page(region);
        let mut index = self.index(region, bits, unit.start);
        for run in bits.runs(unit) {
            let run = base + run.start as u64..base + run.end as u64;
            let done = first.partition_point(|page| *page < run.start);
            let mut page = run.start;
            for &done in first.iter().skip(done).take_while(|it| **it < run.end) {
                worker.write(index + (page - run.start), page, done - page)?;
                page = done + 1;
            }
            worker.write(index + (page - run.start), page, run.end - page)?;
            index += run.end - run.start;
        }
        let pages = self.tally.pages.load(Ordering::Relaxed);
        self.progress(Phase::Pages, pages, self.total)
    }

    /// A page's index among all chosen ones.
    fn index(&self, region: usize, bits: &Bits, place: usize) -> u64 {
        self.before.get(region).copied().unwrap_or(0) + u64::from(bits.rank(place))
    }

    fn progress(&self, phase: Phase, done: u64, total: u64) -> WriteResult<()> {
        if self.observer.cancelled() {
            return Err(WriteError::Cancelled);
        }
        self.observer.progress(phase, done, total);
        Ok(())
    }

    /// Marks the dump as whole, if it is.
    pub(crate) fn end(&self, whole: bool) -> WriteResult<()> {
        let whole = whole && self.tally.unreadable.load(Ordering::Relaxed) == 0;
        if whole && self.output.can_rewrite() {
            let status = Layout::whole(self.subject.compression);
            self.output.write_at(STATUS_AT, &status)?;
        }
        Ok(self.observer.checkpoint(Phase::End)?)
    }
}
