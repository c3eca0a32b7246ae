//! Which pages are dumped: what the filter says, and what else is known.

use super::first::First;
use crate::bits::{Bits, REGION};
use crate::filter::{Filter, Found, Level, Scanned};
use crate::memory::Memory;
use crate::parallel;
use crate::regions::Regions;
use crate::write::{Observer, Phase, WriteError};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many regions are remembered where they can't be read back.
const REMEMBERED: usize = 4;

/// The choice of pages, region by region.
pub(super) struct Choice<'a> {
    pub filter: Filter<'a>,
    pub found: Found,
    /// How many pages are memory, and how many are chosen.
    pub present: u64,
    pub chosen: u64,
    /// How many the source lacks.
    pub lacking: u64,
    regions: &'a Regions,
    memory: &'a dyn Memory,
    first: &'a [u64],
    recent: Mutex<VecDeque<(usize, Arc<Bits>)>>,
}

impl<'a> Choice<'a> {
    pub(super) fn new(
        filter: Filter<'a>,
        regions: &'a Regions,
        memory: &'a dyn Memory,
        first: &'a First,
    ) -> Choice<'a> {
        Choice {
            filter,
            found: Found::default(),
            present: 0,
            chosen: 0,
            lacking: 0,
            regions,
            memory,
            first: &first.all,
            recent: Mutex::default(),
        }
    }

    /// The level that is really used.
    pub(super) fn level(&self, asked: Level) -> Level {
        self.filter.level(asked)
    }

    /// Chooses pages in all regions; `take` gets each region's. Returns how many are chosen in each. If
    /// what was found is implausible, all is done again, leaving out less.
    pub(super) fn make(
        &mut self,
        threads: NonZeroUsize,
        observer: &dyn Observer,
        take: impl Fn(usize, &Bits, &Scanned) -> Result<(), WriteError> + Sync,
    ) -> Result<Vec<u32>, WriteError> {
        loop {
            let (counts, found, lacking) = self.pass(threads, observer, &take)?;
            // The filter leaves out one class less each time.
            if self.filter.judge(&found) {
                self.found = found;
                self.lacking = lacking;
                self.chosen = counts.iter().copied().map(u64::from).sum();
                let regions = 0..self.regions.count();
                let present = regions.map(|it| u64::from(self.regions.present(it).count()));
                self.present = present.sum();
                return Ok(counts);
            }
        }
    }

    fn pass(
        &self,
        threads: NonZeroUsize,
        observer: &dyn Observer,
        take: &(impl Fn(usize, &Bits, &Scanned) -> Result<(), WriteError> + Sync),
    ) -> Result<(Vec<u32>, Found, u64), WriteError> {
        let count = self.regions.count();
        let counts: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
        let total = Mutex::new(Found::default());
        let lacking = AtomicU64::new(0);
        let done = AtomicU64::new(0);
        let pages = |regions: u64| regions * REGION as u64;
        parallel::each(
            threads,
            count,
            || Ok(Found::default()),
            |found, region| {
                if observer.cancelled() {
                    return Err(WriteError::Cancelled);
                }
                let (scanned, lacks) = self.choose(region);
                found.add(&scanned);
                lacking.fetch_add(lacks, Ordering::Relaxed);
                if let Some(count) = counts.get(region) {
                    count.store(scanned.chosen.count(), Ordering::Relaxed);
                }
                take(region, &self.regions.present(region), &scanned)?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                observer.progress(Phase::Choosing, pages(done), pages(count as u64));
                Ok(())
            },
            |found| {
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.join(&found);
                Ok(())
            },
        )?;
        let counts = counts.into_iter().map(AtomicU32::into_inner).collect();
        let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((counts, total, lacking.into_inner()))
    }

    /// Chooses a region's pages, and counts those that the source itself lacks.
    fn choose(&self, region: usize) -> (Scanned, u64) {
        let mut scanned = self.filter.scan(self.regions, region);
        let base = self.regions.first_page(region);
        let begin = self.first.partition_point(|page| *page < base);
        let present = self.regions.present(region);
        for page in self.first.iter().skip(begin) {
            // Whatever the filter thinks of them: but what breaks a machine stays unread.
            match usize::try_from(page - base) {
                Ok(place) if place < REGION => {
                    if present.has(place) && !scanned.forbidden.has(place) {
                        scanned.chosen.insert(place..place + 1);
                    }
                }
                _ => break,
            }
        }
        let lacks = self.lacks(base, &scanned.chosen);
        scanned.chosen.remove_all(&lacks);
        (scanned, lacks.count().into())
    }

    /// Pages of these, from `base` on, that the source doesn't have itself.
    fn lacks(&self, base: u64, chosen: &Bits) -> Bits {
        let page_size = self.regions.page_size();
        let mut lacks = Bits::default();
        for run in chosen.runs(0..REGION) {
            let mut place = run.start;
            while place < run.end {
                let address = (base + place as u64) * page_size;
                let left_out = self.memory.excluded_until(address) - address;
                // A page of which a part is there is there.
                let pages = usize::try_from(left_out / page_size).unwrap_or(REGION);
                let end = place.saturating_add(pages).min(run.end);
                lacks.insert(place..end);
                place = end.max(place + 1);
            }
        }
        lacks
    }

    /// Chooses a region's pages once more, the same ones.
    pub(super) fn again(&self, region: usize) -> Arc<Bits> {
        // Held while choosing, so that threads which come to a region at once don't all do so.
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bits)) = recent.iter().find(|(of, _)| *of == region) {
            return Arc::clone(bits);
        }
        let bits = Arc::new(self.choose(region).0.chosen);
        if recent.len() >= REMEMBERED {
            recent.pop_front();
        }
        recent.push_back((region, Arc::clone(&bits)));
        bits
    }
}
