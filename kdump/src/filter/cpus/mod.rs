//! Pages that CPUs keep for themselves: free ones, on lists of their own (`struct per_cpu_pages`), and page cache that
//! they haven't put on the LRU lists yet (`struct cpu_fbatches`).
//!
//! VMCOREINFO says nothing of these structures: they are found by the kernel's symbols and its BTF. A CPU may have been
//! stopped while it changed a list, and memory may say anything: each page is taken only if a list leads to it and
//! back, and if its own `struct page` says that it is what it is taken for.

mod batches;
mod layout;
mod lists;
mod structs;

use super::Reader;
use super::class::Class;
use super::page::Block;
use super::zones::ZoneError;
use crate::address_space::AddressError;
use crate::btf::BtfError;
use crate::kallsyms::KallsymsError;
use crate::regions::Regions;
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};
use layout::CpuLayout;
use std::ops::Range;
use structs::Structs;

/// The most blocks that are remembered, in 2 MiB: those of more are kept.
const MAX_BLOCKS: usize = 1 << 18;

/// Why these pages can't be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CpusError {
    #[error(transparent)]
    VmcoreInfo(#[from] VmcoreInfoError),
    #[error(transparent)]
    Kallsyms(#[from] KallsymsError),
    #[error(transparent)]
    Btf(#[from] BtfError),
    #[error(transparent)]
    Zone(#[from] ZoneError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("the crashed kernel has no symbol {0}")]
    NoSymbol(&'static str),
    #[error("the crashed kernel's BTF has no {0}")]
    NoStructure(&'static str),
    #[error("the crashed kernel's {0} can't be")]
    Odd(&'static str),
}

/// The pages that were found.
#[derive(Debug, Default)]
pub(crate) struct CpuPages {
    /// Sorted: the block's first page, its order, its class.
    blocks: Vec<u64>,
    /// How many of the pages are free.
    pub free: u64,
    /// How many pages CPUs should have, and haven't been found or don't look as if they had.
    pub doubtful: u64,
}

impl CpuPages {
    /// Finds them.
    pub(crate) fn find(
        reader: &Reader<'_>,
        info: &VmcoreInfo,
        regions: &Regions,
    ) -> Result<CpuPages, CpusError> {
        let layout = CpuLayout::find(&reader.kernel, info)?;
        let anchor = reader
            .anchor(regions)
            .ok_or(CpusError::Odd("map of memory"))?;
        let mut structs = Structs::new(reader, anchor);
        let mut found = CpuPages::default();
        lists::walk(&mut structs, info, &layout, &mut found)?;
        batches::walk(&mut structs, &layout, &mut found);
        found.blocks.sort_unstable();
        found.blocks.dedup();
        Ok(found)
    }

    /// Those from a page on up to another, in order.
    pub(crate) fn blocks(&self, pages: Range<u64>) -> impl Iterator<Item = (u64, Block)> + '_ {
        let start = self.blocks.partition_point(|it| it >> 8 < pages.start);
        let blocks = self.blocks.iter().skip(start).copied();
        blocks
            .take_while(move |it| it >> 8 < pages.end)
            .filter_map(unpacked)
    }

    /// Takes a block in; whether there was room for it.
    fn add(&mut self, page: u64, block: Block) -> bool {
        if self.blocks.len() >= MAX_BLOCKS || page >> 56 != 0 {
            return false;
        }
        let order = u64::from(block.pages.trailing_zeros());
        self.blocks
            .push(page << 8 | order << 3 | block.class as u64);
        if block.class == Class::Free {
            self.free += block.pages;
        }
        true
    }
}

fn unpacked(packed: u64) -> Option<(u64, Block)> {
    let class = Class::ALL
        .into_iter()
        .find(|class| *class as u64 == packed & 7)?;
    let pages = 1u64.checked_shl(u32::try_from(packed >> 3 & 31).ok()?)?;
    Some((packed >> 8, Block { class, pages }))
}

#[cfg(test)]
mod tests;
