//! The free lists of CPUs: `struct per_cpu_pages`, one for each zone and CPU (include/linux/mmzone.h).

use super::layout::CpuLayout;
use super::structs::Structs;
use super::{CpuPages, CpusError};
use crate::bytes::{u32_at, u64_at};
use crate::filter::class::Class;
use crate::filter::page::{Block, Page};
use crate::filter::zones::zones;
use crate::vmcoreinfo::VmcoreInfo;

/// The most lists' heads that are looked at: of more than any machine has of nodes, zones and processors.
const MAX_SETS: usize = 1 << 18;
/// MIGRATE_PCPTYPES lists for each order up to PAGE_ALLOC_COSTLY_ORDER, and then those of large pages.
const TYPES: u32 = 3;
const COSTLY_ORDER: u32 = 3;
/// The order of pages of 2 MiB (HPAGE_PMD_ORDER).
const LARGE_ORDER: u32 = 9;

/// Takes in all that is on the lists.
pub(super) fn walk(
    structs: &mut Structs<'_, '_>,
    info: &VmcoreInfo,
    layout: &CpuLayout,
    found: &mut CpuPages,
) -> Result<(), CpusError> {
    let reader = structs.reader;
    let links = reader
        .layout
        .links
        .ok_or(CpusError::Odd("OFFSET(page.lru)"))?;
    let zones = zones(&reader.kernel, info)?;
    let mut sets = 0;
    for zone in zones {
        let pointer = reader.kernel.u64(zone.wrapping_add(layout.pageset))?;
        for offset in &layout.offsets {
            sets += 1;
            if sets > MAX_SETS {
                return Err(CpusError::Odd("number of zones and processors"));
            }
            let mut walk = Walk {
                structs,
                links,
                found,
            };
            walk.set(layout, pointer.wrapping_add(*offset));
        }
    }
    Ok(())
}

/// What became of a list.
#[derive(Default)]
struct List {
    /// Pages.
    taken: u64,
    is_broken: bool,
}

struct Walk<'w, 'a, 'b> {
    structs: &'w mut Structs<'a, 'b>,
    links: usize,
    found: &'w mut CpuPages,
}

impl Walk<'_, '_, '_> {
    /// A CPU's lists of a zone.
    fn set(&mut self, layout: &CpuLayout, address: u64) {
        let at = |offset: u32| usize::try_from(offset).unwrap_or(0);
        let length = at(layout.lists) + 16 * at(layout.length);
        let mut set = vec![0; length.max(at(layout.count) + 4)];
        if self.structs.reader.kernel.read(address, &mut set).is_err() {
            // Nobody knows how many: at least one, so that it is said.
            self.found.doubtful += 1;
            return;
        }
        let count = u32_at(&set, at(layout.count)).map_or(0, u32::cast_signed);
        let count = u64::try_from(count).unwrap_or(0);
        let (mut taken, mut broken) = (0, 0);
        for number in 0..layout.length {
            let head = at(layout.lists) + 16 * at(number);
            let first = u64_at(&set, head).unwrap_or(0);
            let list = self.list(address.wrapping_add(head as u64), first, order(number));
            taken += list.taken;
            broken += u64::from(list.is_broken);
        }
        // A list that breaks off has at least one more, whatever the count says.
        self.found.doubtful += count.saturating_sub(taken).max(broken);
    }

    /// Goes through a list from its head to where it ends, or leads to what can't be on it.
    fn list(&mut self, head: u64, first: u64, order: u32) -> List {
        let (mut before, mut here) = (head, first);
        let mut list = List::default();
        // None comes twice, since each leads back to one alone: what goes round ends there.
        while here != head {
            let Some(next) = self.block(before, here, order) else {
                list.is_broken = true;
                break;
            };
            list.taken += 1 << order;
            (before, here) = (here, next);
        }
        list
    }

    /// Takes a block whose link is here, and returns where the next one's is.
    fn block(&mut self, before: u64, here: u64, order: u32) -> Option<u64> {
        let layout = &self.structs.reader.layout;
        let address = here.wrapping_sub(self.links as u64);
        let page = self.structs.page(address)?;
        if page & ((1 << order) - 1) != 0 {
            return None;
        }
        let structs = self.structs.read(address, 1 << order)?;
        let idle = |bytes| Page::new(layout, bytes).is_idle();
        let back = u64_at(structs, self.links + 8)?;
        if back != before || !structs.chunks(layout.size).all(idle) {
            return None;
        }
        let next = u64_at(structs, self.links)?;
        let block = Block {
            class: Class::Free,
            pages: 1 << order,
        };
        self.found.add(page, block).then_some(next)
    }
}

/// The order of the pages on a list of this number (order_to_pindex of mm/page_alloc.c).
fn order(number: u32) -> u32 {
    match number / TYPES {
        order @ 0..=COSTLY_ORDER => order,
        _ => LARGE_ORDER,
    }
}
