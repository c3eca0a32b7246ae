//! What CPUs have taken off the LRU lists, or not put there yet: `struct cpu_fbatches` (mm/swap.c).

use super::CpuPages;
use super::layout::{Batches, CpuLayout};
use super::structs::Structs;
use crate::bytes::u64_at;
use crate::filter::page::Page;

/// Takes in page cache that is in batches. Anonymous memory says itself that it is.
pub(super) fn walk(structs: &mut Structs<'_, '_>, layout: &CpuLayout, found: &mut CpuPages) {
    let Some(batches) = &layout.batches else {
        return;
    };
    for offset in &layout.offsets {
        for at in &batches.each {
            let address = batches.address.wrapping_add(*offset);
            batch(structs, batches, address.wrapping_add((*at).into()), found);
        }
    }
}

fn batch(structs: &mut Structs<'_, '_>, batches: &Batches, address: u64, found: &mut CpuPages) {
    let at = |offset: u32| usize::try_from(offset).unwrap_or(0);
    let length = at(batches.folios) + 8 * at(batches.most);
    let mut bytes = vec![0; length.max(at(batches.count) + 1)];
    if structs.reader.kernel.read(address, &mut bytes).is_err() {
        return;
    }
    let count = bytes.get(at(batches.count)).copied().unwrap_or(0);
    for number in 0..u32::from(count).min(batches.most) {
        let folio = u64_at(&bytes, at(batches.folios) + 8 * at(number));
        // What isn't page cache by its own word stays.
        let _ = folio.and_then(|folio| take(structs, folio, found));
    }
}

fn take(structs: &mut Structs<'_, '_>, folio: u64, found: &mut CpuPages) -> Option<()> {
    let page = structs.page(folio)?;
    let layout = &structs.reader.layout;
    // A page and the one after it, which says how large the whole is.
    let block = Page::new(layout, structs.read(folio, 2)?).cached_off_lists(page)?;
    found.add(page, block).then_some(())
}
