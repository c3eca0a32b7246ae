//! Where the `struct page` of each page is: sparse memory (include/linux/mmzone.h).

use super::layout::LayoutError;
use crate::address_space::{AddressError, KernelMemory};
use crate::vmcoreinfo::VmcoreInfo;
use std::ops::Range;

/// SECTION_MARKED_PRESENT.
const PRESENT: u64 = 1;
/// The bits of `section_mem_map` that are flags: five, or six since 6.15 (SECTION_MAP_LAST_BIT).
const FLAGS: u64 = 0x3f;

/// The table of sections.
#[derive(Debug, Clone)]
pub(crate) struct MemoryMap {
    /// The table, or the table of its parts.
    table: u64,
    /// How many entries each part has, if it has parts (SPARSEMEM_EXTREME).
    part: Option<u64>,
    parts: u64,
    entry: u64,
    member: u64,
    /// How many pages a section has.
    pages: u64,
    page_struct: u64,
}

/// A section: its pages, and where the first one's `struct page` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub pages: Range<u64>,
    pub address: u64,
}

impl MemoryMap {
    pub(crate) fn new(info: &VmcoreInfo, page_struct: usize) -> Result<MemoryMap, LayoutError> {
        let page_size = info.page_size()?;
        let entry = info.size("mem_section")?;
        let member = info.offset("mem_section.section_mem_map")?;
        let parts = info.length("mem_section")?;
        let bits = |name, odd| {
            let bits = info.number(name)?;
            u32::try_from(bits)
                .ok()
                .filter(|bits| (20..=60).contains(bits))
                .ok_or(LayoutError::Odd(odd))
        };
        let section = bits("SECTION_SIZE_BITS", "NUMBER(SECTION_SIZE_BITS)")?;
        let memory = bits("MAX_PHYSMEM_BITS", "NUMBER(MAX_PHYSMEM_BITS)")?;
        if !(8..=page_size).contains(&entry) || member > entry - 8 {
            return Err(LayoutError::Odd("SIZE(mem_section)"));
        }
        let sections = 1u64 << memory.saturating_sub(section);
        Ok(MemoryMap {
            table: info.symbol("mem_section")?,
            // Where there are as many parts as sections, they are the entries.
            part: (parts != sections).then_some(page_size / entry),
            parts,
            entry,
            member,
            pages: (1 << section) / page_size,
            page_struct: page_struct as u64,
        })
    }

    /// How many pages a section has.
    pub(crate) fn pages(&self) -> u64 {
        self.pages
    }

    /// The section of a page; `None` if the kernel had none there.
    pub(crate) fn section(
        &self,
        kernel: &KernelMemory<'_>,
        page: u64,
    ) -> Result<Option<Section>, AddressError> {
        let number = page / self.pages;
        let (table, index) = match self.part {
            None => (self.table, number),
            Some(each) if number / each < self.parts => {
                let at = self.table.wrapping_add(8 * (number / each));
                (kernel.u64(at)?, number % each)
            }
            Some(_) => return Ok(None),
        };
        if table == 0 || self.part.is_none() && number >= self.parts {
            return Ok(None);
        }
        let at = table
            .wrapping_add(index * self.entry)
            .wrapping_add(self.member);
        let coded = kernel.u64(at)?;
        let first = number * self.pages;
        let map = coded & !FLAGS;
        if coded & PRESENT == 0 || map == 0 {
            return Ok(None);
        }
        // sparse_encode_mem_map
        Ok(Some(Section {
            pages: first..first + self.pages,
            address: map.wrapping_add(first.wrapping_mul(self.page_struct)),
        }))
    }
}

impl Section {
    /// Where a page's `struct page` is.
    pub(crate) fn page(&self, page: u64, size: usize) -> u64 {
        let before = page.wrapping_sub(self.pages.start);
        self.address.wrapping_add(before.wrapping_mul(size as u64))
    }
}
