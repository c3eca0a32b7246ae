//! What memory was used for when the kernel crashed, as far as its page structures say.

use crate::Dump;
use crate::address_space::KernelMemory;
use crate::convert::PriorityPages;
use crate::filter::{Counts, Filter, Found, Level, OnDoubt};
use crate::memory::Memory;
use crate::parallel;
use crate::regions::Regions;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// Numbers of pages by their use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uses {
    /// All pages of memory.
    pub pages: u64,
    /// Those whose use is told, by class. The others are the kernel's, or unknown.
    pub counts: Counts,
    /// Those that the dump lacks together with their page structures.
    pub gone: u64,
    /// Others whose page structure can't be read.
    pub unknown: u64,
}

/// Counts a dump's pages by use, with so many threads; `None` where the dump doesn't say how its kernel keeps account
/// of them. It doesn't matter whether the dump has the pages themselves.
#[must_use]
pub fn of(dump: &Dump, threads: NonZeroUsize) -> Option<Uses> {
    let notes = dump.notes();
    let info = notes.vmcoreinfo.as_ref()?;
    let page_size = info.page_size().ok()?;
    let regions = Regions::new(dump.ranges(), page_size).ok()?;
    let kernel = KernelMemory::new(dump, dump.machine(), info).ok()?;
    let certain = PriorityPages::find(&kernel, info, &notes.cpus, page_size).certain;
    let filter = Filter::new(
        &kernel,
        info,
        Level::HIGHEST,
        OnDoubt::Keep,
        &regions,
        &certain,
    );
    if !filter.has_map() {
        return None;
    }
    let total = Mutex::new(Found::default());
    let counted: Result<(), Infallible> = parallel::each(
        threads,
        regions.count(),
        || Ok(Found::default()),
        |found, region| {
            found.add(&filter.scan(&regions, region));
            Ok(())
        },
        |found| {
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.join(&found);
            Ok(())
        },
    );
    let Ok(()) = counted;
    let found = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let present = (0..regions.count()).map(|it| u64::from(regions.present(it).count()));
    Some(Uses {
        pages: present.sum(),
        counts: found.counts,
        gone: found.gone,
        unknown: found.unknown,
    })
}

impl Uses {
    /// Pages of no class, whose structure can be read: the kernel's own.
    #[must_use]
    pub fn kernel(&self) -> u64 {
        let told = self.counts.total() + self.gone + self.unknown;
        self.pages.saturating_sub(told)
    }
}
