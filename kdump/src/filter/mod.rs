//! Which pages are dumped.
//!
//! Everything is stated by the crashed kernel's VMCOREINFO and its `struct page`s, and checked: a class
//! that can't be told, that seems to have pages which are certainly the kernel's, or of which there seem
//! to be more than the kernel counted is kept, with the reason, unless what is in doubt is to be dropped. Nothing here
//! fails: where all is unknown, all is in doubt.

mod class;
mod counters;
mod cpus;
mod doubt;
mod layout;
mod memory_map;
mod page;
mod scan;
mod structs;
mod warning;
mod zones;

pub use class::{Class, Classes, Counts, Level, NoSuchLevel};
pub(crate) use doubt::Wanted;
pub use doubt::{NoSuchTreatment, OnDoubt};
pub(crate) use scan::Scanned;
pub(crate) use structs::StructPages;
pub use warning::Warning;

use crate::address_space::KernelMemory;
use crate::bits::{Bits, REGION};
use crate::regions::Regions;
use crate::vmcoreinfo::VmcoreInfo;
use cpus::CpuPages;
use layout::{Layout, LayoutError};
use memory_map::{MemoryMap, Section};
use scan::Scan;

/// As many of its own pages as the kernel is asked for: those of 512 GiB, and of more memory a sample.
const MOST_OWN: usize = 1 << 12;

/// Reads what the kernel knew of its pages.
struct Reader<'a> {
    kernel: KernelMemory<'a>,
    layout: Layout,
    map: MemoryMap,
}

/// Chooses pages, region by region, in any order, from several threads.
pub(crate) struct Filter<'a> {
    reader: Option<Reader<'a>>,
    counted: Option<Result<u64, String>>,
    left_out: Classes,
    on_doubt: OnDoubt,
    wanted: Wanted,
    warnings: Vec<Warning>,
    /// What CPUs keep for themselves.
    cpus: CpuPages,
    /// Pages that the kernel has for certain, sorted.
    known_pages: Vec<u64>,
}

impl<'a> Filter<'a> {
    /// A filter that can tell no page, because of this.
    pub(crate) fn none(why: String, level: Level, on_doubt: OnDoubt) -> Filter<'a> {
        let mut filter = Filter {
            reader: None,
            counted: None,
            left_out: Classes::default(),
            on_doubt: on_doubt.with(level),
            wanted: Wanted::default(),
            warnings: vec![Warning::NoMap { why }],
            cpus: CpuPages::default(),
            known_pages: Vec::new(),
        };
        filter.nothing_is_told();
        filter
    }

    /// A filter for the memory of a kernel. `known_pages` are numbers of pages that it surely used.
    pub(crate) fn new(
        kernel: &KernelMemory<'a>,
        info: &VmcoreInfo,
        level: Level,
        on_doubt: OnDoubt,
        regions: &Regions,
        known_pages: &[u64],
    ) -> Filter<'a> {
        let reader = match Reader::new(kernel.clone(), info) {
            Ok(reader) => reader,
            Err(error) => return Filter::none(error.to_string(), level, on_doubt),
        };
        let mut filter = Filter {
            left_out: Classes::of(level),
            on_doubt: on_doubt.with(level),
            wanted: Wanted::default(),
            warnings: Vec::new(),
            cpus: CpuPages::default(),
            counted: None,
            known_pages: reader.own_pages(regions),
            reader: Some(reader),
        };
        filter.known_pages.extend(known_pages);
        filter.known_pages.sort_unstable();
        filter.known_pages.dedup();
        filter.keep_what_cannot_be_told();
        if filter.left_out.has(Class::Free) || filter.left_out.has(Class::Cache) {
            filter.find_what_cpus_keep(info, regions);
        }
        if filter.left_out.has(Class::Free) {
            let counted = counters::free_pages(kernel, info);
            let cpus = filter.cpus.free;
            let counted = counted.map(|counted| counted.saturating_add(cpus));
            filter.counted = Some(counted.map_err(|error| error.to_string()));
        }
        filter
    }

    fn find_what_cpus_keep(&mut self, info: &VmcoreInfo, regions: &Regions) {
        let Some(reader) = &self.reader else {
            return;
        };
        match CpuPages::find(reader, info, regions) {
            Ok(found) => self.cpus = found,
            Err(error) => {
                let why = error.to_string();
                self.warnings.push(Warning::CpusUntold { why });
            }
        }
        if self.cpus.doubtful > 0 {
            self.warnings.push(Warning::CpusDoubtful {
                pages: self.cpus.doubtful,
            });
        }
    }

    fn keep_what_cannot_be_told(&mut self) {
        let Some(reader) = &self.reader else {
            return;
        };
        let layout = &reader.layout;
        let lacks = [
            (Class::Cache, layout.cache_lacks()),
            (Class::CachePrivate, layout.cache_lacks()),
            (Class::User, layout.user_lacks()),
            (Class::Free, layout.free_lacks()),
        ];
        let mut untold = false;
        for (class, missing) in lacks {
            if let Some(missing) = missing
                && self.left_out.has(class)
            {
                self.in_doubt(class);
                untold = true;
                self.warnings.push(Warning::Unstated {
                    class,
                    missing: missing.to_owned(),
                });
            }
        }
        if untold {
            // Any page that is of no other class may be of this one.
            self.nothing_is_told();
        }
    }

    /// Pages of a class are in doubt.
    fn in_doubt(&mut self, class: Class) {
        if self.on_doubt == OnDoubt::Keep {
            self.left_out.remove(class);
        }
    }

    /// Whatever isn't surely the kernel's is in doubt.
    fn nothing_is_told(&mut self) {
        self.wanted = match self.on_doubt {
            OnDoubt::Keep => Wanted::ByLevel,
            OnDoubt::Drop => Wanted::Priority,
            OnDoubt::LogOnly => Wanted::Log,
        };
    }

    /// Which pages are written, whatever a scan chooses.
    pub(crate) fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// Whether pages that nobody uses may be free ones of a CPU whose lists can't be followed, and are left out.
    fn drops_idle(&self) -> bool {
        let is_of_cpus = |it: &Warning| {
            matches!(
                it,
                Warning::CpusUntold { .. } | Warning::CpusDoubtful { .. }
            )
        };
        self.drops() && self.left_out.has(Class::Free) && self.warnings.iter().any(is_of_cpus)
    }

    /// Whether pages in doubt are left out.
    fn drops(&self) -> bool {
        self.on_doubt != OnDoubt::Keep
    }

    /// Whether pages can be told apart at all.
    pub(crate) fn has_map(&self) -> bool {
        self.reader.is_some()
    }

    /// Tells a region's pages apart.
    pub(crate) fn scan(&self, regions: &Regions, region: usize) -> Scanned {
        Scan::new(self, regions, region, self.left_out).run()
    }

    /// The level that is really used, where this one was asked for.
    pub(crate) fn level(&self, asked: Level) -> Level {
        match self.wanted {
            Wanted::ByLevel => self.left_out.level(asked),
            Wanted::Priority | Wanted::Log => asked,
        }
    }

    /// Judges what was found in all regions: whether they can stay as they are. If not, the filter now
    /// leaves out less, and everything has to be scanned anew.
    pub(crate) fn judge(&mut self, found: &Found) -> bool {
        if self.wanted == Wanted::Log {
            return true;
        }
        let before = self.left_out;
        for class in Class::ALL {
            if found.wrong.has(class) && self.left_out.has(class) {
                self.in_doubt(class);
                self.warnings.push(Warning::Contradicted { class });
            }
        }
        if self.left_out.has(Class::Free) {
            self.judge_free(found.counts.free, found.gone);
        }
        if self.left_out != before {
            return false;
        }
        if found.unknown > 0 {
            self.warnings.push(Warning::Unread {
                pages: found.unknown,
            });
        }
        let only_the_log = self.on_doubt == OnDoubt::LogOnly && !self.warnings.is_empty();
        if only_the_log {
            self.wanted = Wanted::Log;
        }
        !only_the_log
    }

    /// `gone` are pages that may be free, too, and aren't there in any case.
    fn judge_free(&mut self, found: u64, gone: u64) {
        let counted = match self.counted.take() {
            Some(Ok(counted)) => counted,
            Some(Err(why)) => return self.warnings.push(Warning::Uncounted { why }),
            None => return,
        };
        // CPUs that were stopped while they took or freed pages.
        let slack = counted / 32 + 1024;
        if found > counted.saturating_add(slack) {
            self.in_doubt(Class::Free);
            self.warnings.push(Warning::TooManyFree { found, counted });
        } else if found.saturating_add(gone).saturating_add(slack) < counted {
            self.warnings.push(Warning::TooFewFree { found, counted });
        }
    }

    /// Why less is left out than was asked for.
    pub(crate) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The pages from `first` on, as many as a region has, that the kernel has for certain.
    fn known_pages(&self, first: u64) -> Bits {
        let mut bits = Bits::default();
        let begin = self.known_pages.partition_point(|page| *page < first);
        let places = self.known_pages.iter().skip(begin).map(|page| page - first);
        for place in places.take_while(|place| *place < REGION as u64) {
            if let Ok(place) = usize::try_from(place) {
                bits.insert(place..place + 1);
            }
        }
        bits
    }
}

/// What was found in all regions.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub counts: Counts,
    pub excluded: Counts,
    pub structs: u64,
    pub gone: u64,
    pub unknown: u64,
    pub wrong: Classes,
}

impl Found {
    /// Adds what was found in one.
    pub(crate) fn add(&mut self, scanned: &Scanned) {
        self.join(&Found {
            counts: scanned.found,
            excluded: scanned.excluded,
            structs: scanned.structs,
            gone: scanned.gone,
            unknown: scanned.unknown,
            wrong: scanned.wrong,
        });
    }

    /// Adds what was found in others.
    pub(crate) fn join(&mut self, other: &Found) {
        self.counts.add(other.counts);
        self.excluded.add(other.excluded);
        self.structs += other.structs;
        self.gone += other.gone;
        self.unknown += other.unknown;
        self.wrong.join(other.wrong);
    }
}

impl<'a> Reader<'a> {
    fn new(kernel: KernelMemory<'a>, info: &VmcoreInfo) -> Result<Reader<'a>, LayoutError> {
        let layout = Layout::new(info)?;
        let map = MemoryMap::new(info, layout.size)?;
        Ok(Reader {
            kernel,
            layout,
            map,
        })
    }

    /// The first section that there is.
    fn anchor(&self, regions: &Regions) -> Option<Section> {
        let mut regions = (0..regions.count()).map(|region| regions.first_page(region));
        regions.find_map(|page| self.map.section(&self.kernel, page).ok()?)
    }

    /// Pages in which `struct page`s are: one of each region, or of every second or third one and so on, where there
    /// are more than need to be known.
    fn own_pages(&self, regions: &Regions) -> Vec<u64> {
        let own = |region| {
            let first = regions.first_page(region);
            let section = self.map.section(&self.kernel, first).ok()??;
            let address = section.page(first, self.layout.size);
            let found = self.kernel.translate(address).ok()?;
            Some(found.physical / regions.page_size())
        };
        let step = regions.count().div_ceil(MOST_OWN).max(1);
        (0..regions.count()).step_by(step).filter_map(own).collect()
    }
}

#[cfg(test)]
mod tests;
