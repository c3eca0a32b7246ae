//! Which pages are dumped: what the filter says, and what else is known.

use super::Options;
use super::priority::PriorityPages;
use super::structs::{self, Structs};
use crate::bits::{Bits, REGION};
use crate::filter::{Filter, Found, Level, Scanned, Wanted};
use crate::memory::{Memory, Presence, presence, read_page};
use crate::parallel;
use crate::regions::Regions;
use crate::write::{Job, Phase, WriteError, WriteResult};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many regions are remembered where they can't be read back.
const REMEMBERED: usize = 4;

/// The choice of pages, region by region.
pub(crate) struct Choice<'a> {
    pub filter: Filter<'a>,
    pub found: Found,
    /// How many pages are memory, and how many are chosen.
    pub present: u64,
    pub chosen: u64,
    /// How many the source left out itself, and how many it lost.
    pub lacking: u64,
    pub lost: u64,
    /// Whether a page is read before it is chosen.
    pub try_each: bool,
    /// How many pages are left out that hold page structures and nothing else.
    pub structs: u64,
    /// What regions lose by that, if they do.
    idle_structs: Option<Structs>,
    /// Whether it is known what all regions lose.
    settled: bool,
    regions: &'a Regions,
    memory: &'a dyn Memory,
    priority: &'a PriorityPages,
    recent: Mutex<VecDeque<(usize, Arc<Bits>)>>,
}

impl<'a> Choice<'a> {
    pub(super) fn new(
        filter: Filter<'a>,
        options: &Options,
        regions: &'a Regions,
        memory: &'a dyn Memory,
        priority: &'a PriorityPages,
    ) -> Choice<'a> {
        Choice {
            filter,
            found: Found::default(),
            present: 0,
            chosen: 0,
            lacking: 0,
            lost: 0,
            try_each: false,
            structs: 0,
            idle_structs: options.leaves_out_structs().then(Structs::default),
            settled: false,
            regions,
            memory,
            priority,
            recent: Mutex::default(),
        }
    }

    /// The level that is really used.
    pub(crate) fn level(&self, asked: Level) -> Level {
        self.filter.level(asked)
    }

    /// Chooses pages in all regions; `take` gets each region's. Returns how many are chosen in each. If
    /// what was found is implausible, all is done again, leaving out less.
    pub(crate) fn make(
        &mut self,
        job: &Job<'_>,
        take: impl Fn(usize, &Bits, &Scanned) -> WriteResult<()> + Sync,
    ) -> WriteResult<Vec<u32>> {
        loop {
            let (mut counts, found, lacking, lost) = self.pass(job, &take)?;
            // The filter leaves out one class less each time.
            if self.filter.judge(&found) {
                self.structs = found.structs;
                self.leave_out_structs(&mut counts, &take)?;
                self.found = found;
                self.lacking = lacking;
                self.lost = lost;
                self.chosen = counts.iter().copied().map(u64::from).sum();
                let regions = 0..self.regions.count();
                let present = regions.map(|it| u64::from(self.regions.present(it).count()));
                self.present = present.sum();
                return Ok(counts);
            }
            if let Some(structs) = &self.idle_structs {
                structs.clear();
            }
        }
    }

    /// Chooses the pages of regions once more that lose page structures which describe pages of others.
    fn leave_out_structs(
        &mut self,
        counts: &mut [u32],
        take: impl Fn(usize, &Bits, &Scanned) -> WriteResult<()>,
    ) -> WriteResult<()> {
        self.settled = true;
        for region in self.idle_structs.iter().flat_map(Structs::regions) {
            let scanned = self.choose(region, self.try_each);
            take(region, &self.regions.present(region), &scanned)?;
            if let Some(count) = counts.get_mut(region) {
                let before = std::mem::replace(count, scanned.chosen.count());
                self.structs += u64::from(before.saturating_sub(*count));
            }
        }
        Ok(())
    }

    fn pass(
        &self,
        job: &Job<'_>,
        take: &(impl Fn(usize, &Bits, &Scanned) -> WriteResult<()> + Sync),
    ) -> WriteResult<(Vec<u32>, Found, u64, u64)> {
        let count = self.regions.count();
        let counts: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
        let total = Mutex::new(Found::default());
        let (lacking, lost) = (AtomicU64::new(0), AtomicU64::new(0));
        let done = AtomicU64::new(0);
        let pages = |regions: u64| regions * REGION as u64;
        parallel::each(
            job.options.threads,
            count,
            || Ok(Found::default()),
            |found, region| {
                if job.observer.cancelled() {
                    return Err(WriteError::Cancelled);
                }
                let scanned = self.choose(region, self.try_each);
                found.add(&scanned);
                lacking.fetch_add(scanned.lacking.count().into(), Ordering::Relaxed);
                lost.fetch_add(scanned.lost.count().into(), Ordering::Relaxed);
                if let Some(count) = counts.get(region) {
                    count.store(scanned.chosen.count(), Ordering::Relaxed);
                }
                take(region, &self.regions.present(region), &scanned)?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                job.observer
                    .progress(Phase::Choosing, pages(done), pages(count as u64));
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
        Ok((counts, total, lacking.into_inner(), lost.into_inner()))
    }

    /// Chooses a region's pages; `try_each` reads each before.
    fn choose(&self, region: usize, try_each: bool) -> Scanned {
        let mut scanned = self.filter.scan(self.regions, region);
        let base = self.regions.first_page(region);
        let priority = match self.filter.wanted() {
            Wanted::Log => &self.priority.log,
            Wanted::ByLevel | Wanted::Priority => &self.priority.all,
        };
        let begin = priority.partition_point(|page| *page < base);
        let present = self.regions.present(region);
        for page in priority.iter().skip(begin) {
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
        self.leave_out(base, &mut scanned, try_each);
        self.remove_structs(region, base, &present, &mut scanned);
        scanned
    }

    /// Takes back pages that hold nothing but structures of pages that aren't dumped.
    fn remove_structs(&self, region: usize, base: u64, present: &Bits, scanned: &mut Scanned) {
        let Some(structs) = self.idle_structs.as_ref() else {
            return;
        };
        if self.filter.wanted() != Wanted::ByLevel {
            return;
        }
        let pieces = self.filter.struct_pages(self.regions, region);
        let idle = structs::idle(&pieces, base, present, scanned);
        structs.note(self.regions, region, &idle);
        let mut lost = match structs.of(region) {
            Some(noted) if self.settled => noted,
            _ => Bits::default(),
        };
        for page in idle {
            if let Some((_, place)) = self.regions.find(page).filter(|(it, _)| *it == region) {
                lost.insert(place..place + 1);
            }
        }
        let is_priority = |place: usize| {
            let page = base + place as u64;
            self.priority.all.binary_search(&page).is_ok()
        };
        for place in lost.runs(0..REGION).flatten() {
            if scanned.chosen.has(place) && !is_priority(place) {
                scanned.chosen.remove(place..place + 1);
                scanned.structs += 1;
            }
        }
    }

    /// Takes back pages, from `base` on, that the source doesn't have.
    fn leave_out(&self, base: u64, scanned: &mut Scanned, try_each: bool) {
        let mut buffer = Vec::new();
        for run in scanned.chosen.clone().runs(0..REGION) {
            let mut place = run.start;
            while place < run.end {
                let (presence, pages) = self.presence(base + place as u64);
                let end = usize::try_from(pages).map_or(run.end, |it| place.saturating_add(it));
                let pages = place..end.min(run.end);
                place = pages.end;
                match presence {
                    Presence::LeftOut => scanned.lacking.insert(pages),
                    Presence::Lost => scanned.lost.insert(pages),
                    Presence::Held if try_each => {
                        let unreadable = pages.filter(|it| !self.reads(base, *it, &mut buffer));
                        unreadable.for_each(|it| scanned.lost.insert(it..it + 1));
                    }
                    Presence::Held | Presence::Absent => {}
                }
            }
        }
        scanned.chosen.remove_all(&scanned.lacking);
        scanned.chosen.remove_all(&scanned.lost);
    }

    /// What the source has of a page, and of how many at least from it on.
    fn presence(&self, page: u64) -> (Presence, u64) {
        let page_size = self.regions.page_size();
        let address = page * page_size;
        let extent = self.memory.extent(address);
        match extent.end.saturating_sub(address) / page_size {
            0 => (presence(self.memory, address..address + page_size), 1),
            whole => (extent.presence, whole),
        }
    }

    fn reads(&self, base: u64, place: usize, buffer: &mut Vec<u8>) -> bool {
        let page_size = self.regions.page_size();
        buffer.resize(usize::try_from(page_size).unwrap_or(0), 0);
        read_page(self.memory, (base + place as u64) * page_size, buffer).is_ok()
    }

    /// Chooses a region's pages once more: the same ones, and those that turned out not to be readable.
    pub(crate) fn again(&self, region: usize) -> Arc<Bits> {
        // Held while choosing, so that threads which come to a region at once don't all do so.
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bits)) = recent.iter().find(|(of, _)| *of == region) {
            return Arc::clone(bits);
        }
        let bits = Arc::new(self.choose(region, false).chosen);
        if recent.len() >= REMEMBERED {
            recent.pop_front();
        }
        recent.push_back((region, Arc::clone(&bits)));
        bits
    }
}
