//! Page structures that describe nothing that is dumped, and so are left out as well.
//!
//! A page of them is known when the pages that it describes are chosen. It may be in a region whose pages were chosen
//! before: for such regions it is noted which pages they lose, and they are chosen once more.

use crate::bits::{Bits, REGION};
use crate::filter::{Scanned, StructPages};
use crate::regions::Regions;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which page structures (`struct page`) are dumped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageStructs {
    /// All of them.
    #[default]
    All,
    /// Those of dumped pages, and those that lie in a page with one. Where a level leaves out no memory but zeros, all.
    OfDumped,
}

/// For how many regions there may be notes of 4 KiB each: those of 8 TiB, where structures lie together. What is found
/// beyond is dumped.
const MAX_REGIONS: usize = 1024;

/// The pages that regions lose, by the region that they are in.
#[derive(Default)]
pub(super) struct Structs(Mutex<BTreeMap<usize, Bits>>);

impl Structs {
    /// Forgets all of them.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// The regions that lose pages.
    pub(super) fn regions(&self) -> Vec<usize> {
        self.lock().keys().copied().collect()
    }

    /// The pages that a region loses.
    pub(super) fn of(&self, region: usize) -> Option<Bits> {
        self.lock().get(&region).cloned()
    }

    /// Notes these pages, those in `home` aside.
    pub(super) fn note(&self, regions: &Regions, home: usize, pages: &[u64]) {
        let mut noted = self.lock();
        for page in pages {
            let Some((region, place)) = regions.find(*page).filter(|(it, _)| *it != home) else {
                continue;
            };
            let full = noted.len() >= MAX_REGIONS;
            match noted.entry(region) {
                Entry::Occupied(bits) => bits.into_mut().insert(place..place + 1),
                Entry::Vacant(room) if !full => {
                    room.insert(Bits::default()).insert(place..place + 1)
                }
                Entry::Vacant(_) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Bits>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pages of structures that describe no chosen page of a region, which begins at `base`, and nothing that isn't
/// memory.
pub(super) fn idle(
    pieces: &[StructPages],
    base: u64,
    present: &Bits,
    scanned: &Scanned,
) -> Vec<u64> {
    let places = |pages: Range<u64>| -> Option<Range<usize>> {
        let place = |page: u64| usize::try_from(page.checked_sub(base)?).ok();
        Some(place(pages.start)?..place(pages.end)?).filter(|it| it.end <= REGION)
    };
    let is_idle = |pages: Range<u64>| {
        places(pages).is_some_and(|places| {
            scanned.chosen.count_in(places.clone()) == 0
                && present.count_in(places.clone()) as usize == places.len()
        })
    };
    let all = pieces.iter().flat_map(StructPages::iter);
    let idle = all.filter(|(_, described)| is_idle(described.clone()));
    idle.map(|(page, _)| page).collect()
}
