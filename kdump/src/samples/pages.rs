//! A machine with `struct page`s, as kernels of several releases lay them out.

use super::{cpus, note};
use crate::arch::Machine;
use crate::memory::{Memory, Unreadable};
use crate::vmcoreinfo::VmcoreInfo;
use std::collections::BTreeMap;
use std::ops::Range;

const PAGE: u64 = 4096;
/// The image's mapping, which needs no page tables, begins at physical address 0.
pub(crate) const IMAGE: u64 = 0xffff_ffff_8000_0000;
/// Where things are, by physical address; everything lies in the first 32 MiB.
const SECTION_ROOTS: u64 = 0x10_0000;
const SECTION_TABLE: u64 = 0x10_1000;
const NODE: u64 = 0x11_0000;
/// Its one zone.
pub(crate) const ZONE: u64 = NODE + 64;
/// `struct page`s of all sections: 2 MiB each, at a multiple of what a compound page may have.
const STRUCTS: u64 = 0x100_0000;

/// Bits of the flags that all these kernels share.
pub(crate) const LRU: u64 = 1 << 4;
pub(crate) const HEAD: u64 = 1 << 16;
pub(crate) const PRIVATE: u64 = 1 << 13;
pub(crate) const SWAPBACKED: u64 = 1 << 18;
pub(crate) const SWAPCACHE: u64 = 1 << 10;
pub(crate) const POISON: u64 = 1 << 22;
const SLAB: u64 = 1 << 9;
const HUGETLB_FLAG: u64 = 8;

/// A kernel's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    V5_10,
    V6_3,
    V6_6,
    V6_9,
    V6_12,
    V7_1,
}

impl Release {
    pub(crate) const ALL: [Release; 6] = [
        Release::V5_10,
        Release::V6_3,
        Release::V6_6,
        Release::V6_9,
        Release::V6_12,
        Release::V7_1,
    ];

    fn types_are_bytes(self) -> bool {
        matches!(self, Release::V6_12 | Release::V7_1)
    }

    fn buddy(self) -> i64 {
        if self.types_are_bytes() {
            -0x1000_0000
        } else {
            -0x81
        }
    }

    fn offline(self) -> i64 {
        if self.types_are_bytes() {
            -0x0f00_0000
        } else {
            -0x101
        }
    }

    fn hugetlb(self) -> i64 {
        if self.types_are_bytes() {
            -0x0c00_0000
        } else {
            -0x801
        }
    }

    const UNACCEPTED: i64 = -0x0900_0000;
    const SLAB: i64 = -0x0b00_0000;

    fn text(self) -> String {
        let mut text = format!(
            "OSRELEASE=sample\nPAGESIZE=4096\nNUMBER(phys_base)=0\nSYMBOL(init_top_pgt)={IMAGE:x}\n\
             SYMBOL(mem_section)={:x}\nLENGTH(mem_section)=2048\nSIZE(mem_section)=16\n\
             OFFSET(mem_section.section_mem_map)=0\nNUMBER(SECTION_SIZE_BITS)=27\n\
             NUMBER(MAX_PHYSMEM_BITS)=46\nSIZE(page)=64\nOFFSET(page.flags)=0\n\
             OFFSET(page._refcount)=52\nOFFSET(page.mapping)=24\nOFFSET(page.lru)=8\n\
             OFFSET(page._mapcount)=48\nOFFSET(page.private)=40\nLENGTH(zone.free_area)=11\n\
             NUMBER(PG_lru)=4\nNUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\n\
             NUMBER(PG_swapbacked)=18\nNUMBER(PG_hwpoison)=22\nNUMBER(PG_head_mask)=65536\n\
             NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)={}\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)={}\n\
             SYMBOL(contig_page_data)={:x}\nOFFSET(pglist_data.node_zones)=64\n\
             OFFSET(pglist_data.nr_zones)=0\nSIZE(zone)=1024\nOFFSET(zone.free_area)=128\n\
             SIZE(free_area)=72\nOFFSET(free_area.free_list)=0\nLENGTH(free_area.free_list)=4\n\
             SIZE(list_head)=16\n",
            IMAGE + SECTION_ROOTS,
            self.buddy(),
            self.offline(),
            IMAGE + NODE,
        );
        text += match self {
            Release::V5_10 => {
                "NUMBER(PG_slab)=9\nOFFSET(page.compound_head)=8\nOFFSET(page.compound_order)=17\n\
                 OFFSET(page.compound_dtor)=16\nNUMBER(HUGETLB_PAGE_DTOR)=2\n"
            }
            Release::V6_3 => {
                "NUMBER(PG_slab)=9\nOFFSET(page.compound_head)=8\nOFFSET(folio._folio_order)=81\n\
                 OFFSET(folio._folio_dtor)=80\nNUMBER(HUGETLB_PAGE_DTOR)=2\n"
            }
            Release::V6_6 => {
                "NUMBER(PG_slab)=9\nOFFSET(page.compound_head)=8\nNUMBER(PG_hugetlb)=8\n"
            }
            Release::V6_9 => "NUMBER(PG_slab)=9\nOFFSET(page.compound_head)=8\n",
            Release::V6_12 => "OFFSET(page.compound_head)=8\n",
            Release::V7_1 => "OFFSET(page.compound_info)=8\n",
        };
        text += &cpus::text(self);
        if self.types_are_bytes() || self == Release::V6_9 {
            text += &format!("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)={}\n", self.hugetlb());
        }
        if self.types_are_bytes() {
            text += &format!(
                "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)={}\nNUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)={}\n",
                Release::SLAB,
                Release::UNACCEPTED
            );
        }
        text
    }
}

/// The machine. Pages that nothing was put into are zeros.
pub(crate) struct PageSample {
    pub release: Release,
    pub text: String,
    pages: BTreeMap<u64, Vec<u8>>,
    ranges: Vec<Range<u64>>,
}

impl PageSample {
    /// With so many sections of 128 MiB, of which the pages belong to the kernel.
    pub(crate) fn new(release: Release, sections: u64) -> PageSample {
        let mut sample = PageSample {
            release,
            text: release.text(),
            pages: BTreeMap::new(),
            ranges: vec![0..sections << 27],
        };
        sample.put(SECTION_ROOTS, IMAGE + SECTION_TABLE);
        for section in 0..sections {
            // SECTION_MARKED_PRESENT and other flags; all sections' structs follow one another.
            sample.put(SECTION_TABLE + 16 * section, (IMAGE + STRUCTS) | 0x2f);
        }
        // One zone.
        sample.put(NODE, 1);
        sample.add_cpus();
        // What no test speaks of has no type and isn't mapped.
        for page in 0..sections << 15 {
            sample.mapcount(page, -1);
        }
        sample
    }

    /// Adds a section of this number, far above all others, with its `struct page`s after theirs. Returns where these
    /// are.
    pub(crate) fn add_high_section(&mut self, number: u64) -> u64 {
        let structs = STRUCTS + 64 * self.ranges[0].end / PAGE;
        self.ranges.push(number << 27..(number + 1) << 27);
        // Each part has 256 entries; that of this section follows the first one's.
        let part = SECTION_TABLE + PAGE;
        self.put(SECTION_ROOTS + 8 * (number / 256), IMAGE + part);
        let coded = (IMAGE + structs).wrapping_sub(64 * (number << 15));
        self.put(part + 16 * (number % 256), coded | 0x2f);
        for page in 0..1 << 15 {
            self.bytes(structs + 64 * page + 48, &(-1i32).to_le_bytes());
        }
        structs
    }

    pub(crate) fn info(&self) -> VmcoreInfo {
        VmcoreInfo::parse(self.text.as_bytes())
    }

    pub(crate) fn notes(&self) -> Vec<u8> {
        note(b"VMCOREINFO", 0, self.text.as_bytes())
    }

    pub(crate) fn machine(&self) -> Machine {
        Machine::X86_64
    }

    /// Puts bytes there, all in one page.
    pub(crate) fn bytes(&mut self, address: u64, bytes: &[u8]) {
        let page = self
            .pages
            .entry(address / PAGE)
            .or_insert_with(|| vec![0; 4096]);
        let at = usize::try_from(address % PAGE).unwrap();
        page[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn put(&mut self, address: u64, value: u64) {
        self.bytes(address, &value.to_le_bytes());
    }

    /// Where a `struct page` is.
    pub(crate) fn at(page: u64) -> u64 {
        STRUCTS + 64 * page
    }

    /// A number of the page that the kernel has for its own `struct page`s.
    pub(crate) fn struct_page() -> u64 {
        STRUCTS / PAGE
    }

    pub(crate) fn set_section(&mut self, section: u64, value: u64) {
        self.put(SECTION_TABLE + 16 * section, value);
    }

    pub(crate) fn flags(&mut self, page: u64, flags: u64) {
        self.put(PageSample::at(page), flags);
    }

    fn mapcount(&mut self, page: u64, value: i64) {
        let value = i32::try_from(value).unwrap();
        self.bytes(PageSample::at(page) + 48, &value.to_le_bytes());
    }

    pub(crate) fn mapping(&mut self, page: u64, value: u64) {
        self.put(PageSample::at(page) + 24, value);
    }

    /// Slab, with something in `mapping`'s place that looks anonymous.
    pub(crate) fn slab(&mut self, page: u64) {
        self.mapping(page, 0xffff_8880_0000_0001);
        if self.release.types_are_bytes() {
            self.mapcount(page, Release::SLAB);
        } else {
            self.flags(page, SLAB);
        }
    }

    pub(crate) fn free(&mut self, page: u64, order: u64) {
        self.mapcount(page, self.release.buddy());
        self.put(PageSample::at(page) + 40, order);
        if order > 10 {
            return;
        }
        let area = NODE + 64 + 128 + 72 * order + 64;
        let count = self.long(area);
        self.put(area, count + 1);
    }

    /// What the kernel counts as free, in blocks of this order.
    pub(crate) fn counted(&mut self, order: u64, blocks: u64) {
        self.put(NODE + 64 + 128 + 72 * order + 64, blocks);
    }

    pub(crate) fn refcount(&mut self, page: u64, count: u32) {
        self.bytes(PageSample::at(page) + 52, &count.to_le_bytes());
    }

    pub(crate) fn long(&self, address: u64) -> u64 {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    }

    pub(crate) fn offline(&mut self, page: u64) {
        self.mapcount(page, self.release.offline());
    }

    /// Only kernels with types in bytes know it.
    pub(crate) fn unaccepted(&mut self, page: u64) {
        self.mapcount(page, Release::UNACCEPTED);
    }

    /// A compound page of 2^order pages.
    pub(crate) fn compound(&mut self, page: u64, order: u8) {
        let flags = self.long(PageSample::at(page));
        self.flags(page, flags | HEAD);
        for tail in page + 1..page + (1 << order) {
            let value = match self.release {
                // A mask of the address, with as many zeros as all of the page's structs have.
                Release::V7_1 => (u64::MAX << (6 + order)) | 1,
                _ => (IMAGE + PageSample::at(page)) | 1,
            };
            self.put(PageSample::at(tail) + 8, value);
        }
        let second = PageSample::at(page + 1);
        match self.release {
            Release::V5_10 | Release::V6_3 => self.bytes(second + 17, &[order]),
            _ => self.bytes(second, &[order]),
        }
    }

    pub(crate) fn hugetlb(&mut self, page: u64, order: u8) {
        self.compound(page, order);
        let second = PageSample::at(page + 1);
        match self.release {
            Release::V5_10 | Release::V6_3 => self.bytes(second + 16, &[2]),
            Release::V6_6 => self.put(second, (1 << HUGETLB_FLAG) | u64::from(order)),
            _ => self.mapcount(page, self.release.hugetlb()),
        }
    }
}

impl Memory for PageSample {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let end = self.ranges.last().map_or(0, |range| range.end);
        if address.saturating_add(buffer.len() as u64) > end {
            return Err(Unreadable::Absent(address));
        }
        let mut done = 0;
        while done < buffer.len() {
            let here = address + done as u64;
            let inside = usize::try_from(here % PAGE).unwrap();
            let length = (4096 - inside).min(buffer.len() - done);
            let part = &mut buffer[done..done + length];
            match self.pages.get(&(here / PAGE)) {
                Some(page) => part.copy_from_slice(&page[inside..inside + length]),
                None => part.fill(0),
            }
            done += length;
        }
        Ok(())
    }

    fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }
}
