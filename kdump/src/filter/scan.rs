//! A region's pages, told apart.

use super::class::{Class, Classes, Counts};
use super::memory_map::Section;
use super::page::Page;
use super::{Filter, Wanted};
use crate::bits::{Bits, REGION};
use crate::memory::{Presence, presence};
use crate::regions::Regions;

/// How many `struct page`s are read at once: 64 KiB of them, mostly.
const BATCH: u64 = 1024;
/// How many are read at once where some of those can't be: a page of them, mostly.
const SMALL_BATCH: u64 = 64;

/// What was found in a region.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// The pages that are dumped.
    pub chosen: Bits,
    /// The pages that must not be read.
    pub forbidden: Bits,
    /// The pages that the source itself left out.
    pub lacking: Bits,
    /// The pages that the source should have, and hasn't.
    pub lost: Bits,
    /// How many pages there are of each class, left out or not.
    pub found: Counts,
    /// Pages left out.
    pub excluded: Counts,
    /// Pages left out that hold nothing but structures of pages that aren't dumped.
    pub structs: u64,
    /// Pages that the source left out together with what describes them.
    pub gone: u64,
    /// Pages of which nothing could be found out.
    pub unknown: u64,
    /// Classes of pages that are the kernel's for certain: what was read of these classes is wrong.
    pub wrong: Classes,
}

/// A region that is being told apart.
pub(super) struct Scan<'a> {
    filter: &'a Filter<'a>,
    left_out: Classes,
    /// The region's first page.
    first: u64,
    end: u64,
    page_size: u64,
    present: Bits,
    /// Pages of which it is known that the kernel has them.
    known_pages: Bits,
    /// Whether pages that nobody uses are left out although no list has them.
    drops_idle: bool,
    result: Scanned,
    batch: Vec<u8>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        filter: &'a Filter<'a>,
        regions: &Regions,
        region: usize,
        left_out: Classes,
    ) -> Scan<'a> {
        let first = regions.first_page(region);
        let present = regions.present(region);
        Scan {
            filter,
            left_out,
            first,
            end: first + REGION as u64,
            page_size: regions.page_size(),
            known_pages: filter.known_pages(first),
            drops_idle: filter.drops_idle(),
            result: Scanned {
                chosen: present.clone(),
                ..Scanned::default()
            },
            present,
            batch: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Scanned {
        let Some(reader) = &self.filter.reader else {
            return self.done();
        };
        let mut page = self.first;
        while page < self.end {
            let next = (page / reader.map.pages() + 1) * reader.map.pages();
            let end = next.min(self.end);
            if self.has_pages(page..end) {
                match reader.map.section(&reader.kernel, page) {
                    Ok(Some(section)) => self.section(&section, page, end),
                    // What the kernel has no section for, it doesn't use, but others might.
                    Ok(None) => {}
                    Err(_) => self.unknown(page..end),
                }
            }
            page = end;
        }
        for (page, block) in self.filter.cpus.blocks(self.first..self.end) {
            self.take(block.class, page, block.pages);
        }
        self.done()
    }

    fn done(mut self) -> Scanned {
        let result = &mut self.result;
        if self.filter.wanted() != Wanted::ByLevel {
            result.chosen = Bits::default();
        } else if self.filter.drops() {
            // What the kernel certainly has isn't in doubt.
            for known in self.known_pages.runs(0..REGION) {
                for place in known.filter(|place| self.present.has(*place)) {
                    if !result.forbidden.has(place) {
                        result.chosen.insert(place..place + 1);
                    }
                }
            }
        }
        self.result
    }

    fn place(&self, page: u64) -> usize {
        usize::try_from(page.clamp(self.first, self.end) - self.first).unwrap_or(REGION)
    }

    fn has_pages(&self, pages: std::ops::Range<u64>) -> bool {
        let places = self.place(pages.start)..self.place(pages.end);
        self.present.count_in(places) > 0
    }

    fn unknown(&mut self, pages: std::ops::Range<u64>) {
        let gone = self.left_out_by_source(pages.clone());
        let places = self.place(pages.start)..self.place(pages.end);
        self.result.gone += gone;
        self.result.unknown += u64::from(self.present.count_in(places.clone())) - gone;
        if self.filter.drops() {
            self.result.chosen.remove(places);
        }
    }

    /// How many of these pages the source left out: whatever they are, they are in no dump.
    fn left_out_by_source(&self, pages: std::ops::Range<u64>) -> u64 {
        let Some(reader) = &self.filter.reader else {
            return 0;
        };
        let (memory, size) = (reader.kernel.physical(), self.page_size);
        let places = self.place(pages.start)..self.place(pages.end);
        let present = self.present.runs(places).flatten();
        let addresses = present.map(|place| (self.first + place as u64) * size);
        let left_out = addresses.filter(|it| presence(memory, *it..it + size) == Presence::LeftOut);
        left_out.count() as u64
    }

    /// Goes through the pages from `start` to `end` of a section.
    fn section(&mut self, section: &Section, start: u64, end: u64) {
        let Some(reader) = &self.filter.reader else {
            return;
        };
        let size = reader.layout.size;
        let mut page = self.begun_before(section, start).unwrap_or(start);
        // Up to where pages are read in small batches.
        let mut small_until = page;
        while page < end {
            let some = if page < small_until {
                SMALL_BATCH
            } else {
                BATCH
            };
            // To the next multiple, so that a head and the page after it are in one batch.
            let stop = ((page / some + 1) * some).min(end);
            if !self.has_pages(page..stop) {
                page = stop;
                continue;
            }
            let length = usize::try_from(stop - page).unwrap_or(0) * size;
            let mut batch = std::mem::take(&mut self.batch);
            batch.resize(length, 0);
            let address = section.page(page, size);
            if reader.kernel.read(address, &mut batch).is_ok() {
                page = self.pages(&batch, page, stop);
            } else if some > SMALL_BATCH {
                small_until = stop;
            } else {
                self.unknown(page..stop);
                page = stop;
            }
            self.batch = batch;
        }
    }

    /// Goes through a batch, and returns the page to go on with.
    fn pages(&mut self, batch: &[u8], start: u64, stop: u64) -> u64 {
        let Some(reader) = &self.filter.reader else {
            return stop;
        };
        let size = reader.layout.size;
        let mut page = start;
        while page < stop {
            let at = usize::try_from(page - start).unwrap_or(0) * size;
            let here = Page::new(&reader.layout, batch.get(at..).unwrap_or_default());
            page += self.page(here, page).max(1);
        }
        page
    }

    /// Takes in one page, and returns how many are done with it.
    fn page(&mut self, here: Page<'_>, page: u64) -> u64 {
        if let Some(block) = here.block(page)
            && self.take(block.class, page, block.pages)
        {
            return block.pages;
        }
        let poisoned = here.poisons(page);
        if poisoned > 0 && self.take(Class::Poisoned, page, poisoned) {
            return poisoned;
        }
        if self.drops_idle && here.is_idle() {
            let place = self.place(page);
            self.result.chosen.remove(place..place + 1);
        }
        1
    }

    /// Counts pages of a class; whether they are left out.
    fn take(&mut self, class: Class, page: u64, count: u64) -> bool {
        let left_out = self.left_out.has(class);
        let places = self.place(page)..self.place(page + count);
        if self.known_pages.count_in(places.clone()) > 0 {
            self.result.wrong.insert(class);
        }
        let present = u64::from(self.present.count_in(places.clone()));
        *self.result.found.of(class) += present;
        if left_out {
            *self.result.excluded.of(class) += present;
            self.result.chosen.remove(places.clone());
            if matches!(class, Class::Poisoned | Class::Offline) {
                self.result.forbidden.insert(places);
            }
        }
        left_out
    }

    /// Takes in the pages from `start` on that belong to a compound page that begins before; returns
    /// the first page after it.
    fn begun_before(&mut self, section: &Section, start: u64) -> Option<u64> {
        let reader = self.filter.reader.as_ref()?;
        let size = reader.layout.size;
        let address = section.page(start, size);
        let mut pair = vec![0; 2 * size];
        reader.kernel.read(address, &mut pair).ok()?;
        let head_address = Page::new(&reader.layout, &pair).head(address);
        let before = address.checked_sub(head_address)? / size as u64;
        let head = start.checked_sub(before).filter(|head| *head < start)?;
        // Where the kernel has the `struct page` of that page, too.
        let home = reader.map.section(&reader.kernel, head).ok()??;
        if home.page(head, size) != head_address {
            return None;
        }
        reader.kernel.read(head_address, &mut pair).ok()?;
        let page = Page::new(&reader.layout, &pair);
        let left = |pages: u64| (head + pages).checked_sub(start).filter(|it| *it > 0);
        if let Some(block) = page.block(head)
            && let Some(count) = left(block.pages)
            && self.take(block.class, start, count)
        {
            return Some(start + count);
        }
        let count = left(page.poisons(head))?;
        self.take(Class::Poisoned, start, count)
            .then_some(start + count)
    }
}
