//! Building identity page tables, as a pure function of what is to be mapped.
//!
//! The tables live in a fixed pool, so memory use is bounded. One gigabyte pages are used where
//! the processor has them, and only for gigabytes that lie wholly inside a mapped range: a large
//! page over a hole would let the processor speculate into it, which halts some machines
//! (see the history of `arch/x86/mm/ident_map.c`). Everything else gets 2 MiB pages.

#![allow(
    clippy::cast_possible_truncation,
    reason = "an address is as wide as usize on the machines that have these tables"
)]

use core::fmt;

use crate::memory::PAGE;

const LARGE: u64 = 1 << 21;
const HUGE: u64 = 1 << 30;

// Intel SDM volume 3, 5.5.4: present, writable, page size.
const PRESENT: u64 = 1;
const WRITABLE: u64 = 2;
const LARGE_PAGE: u64 = 1 << 7;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// One page table: 512 entries, at any level.
#[repr(C, align(4096))]
#[derive(Clone, Copy)]
pub struct Table(pub [u64; 512]);

impl Table {
    /// A table that maps nothing.
    pub const EMPTY: Table = Table([0; 512]);
}

/// How many levels the processor walks. The gate keeps what the old kernel used: changing it
/// needs paging off, and so code below 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levels {
    /// 48-bit addresses.
    Four,
    /// 57-bit addresses (CR4.LA57).
    Five,
}

impl Levels {
    fn count(self) -> u32 {
        match self {
            Levels::Four => 4,
            Levels::Five => 5,
        }
    }

    /// The first address that can't be mapped one to one: the canonical lower half ends there.
    #[must_use]
    pub fn limit(self) -> u64 {
        match self {
            Levels::Four => 1 << 47,
            Levels::Five => 1 << 56,
        }
    }
}

/// Why a range could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The pool has no table left.
    PoolExhausted,
    /// The range wraps, or lies above what the processor can address.
    OutOfReach,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MapError::PoolExhausted => f.write_str("the pool of page tables is used up"),
            MapError::OutOfReach => f.write_str("the range lies above what can be addressed"),
        }
    }
}

/// Identity page tables under construction in a pool whose first table is the root.
pub struct PageTables<'a> {
    pool: &'a mut [Table],
    base: u64,
    used: usize,
    levels: Levels,
    huge_pages: bool,
}

impl<'a> PageTables<'a> {
    /// Empty tables in `pool`, which lies at the physical address `base`; `huge_pages` says
    /// whether the processor has 1 GiB pages (CPUID 8000_0001h, EDX bit 26).
    ///
    /// # Errors
    /// `PoolExhausted` if there is no room for the root.
    pub fn new(
        pool: &'a mut [Table],
        base: u64,
        levels: Levels,
        huge_pages: bool,
    ) -> Result<Self, MapError> {
        *pool.first_mut().ok_or(MapError::PoolExhausted)? = Table::EMPTY;
        Ok(Self {
            pool,
            base,
            used: 1,
            levels,
            huge_pages,
        })
    }

    /// The physical address of the root table, for CR3.
    #[must_use]
    pub fn root(&self) -> u64 {
        self.base
    }

    /// How many tables of the pool are in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used
    }

    /// Maps every 2 MiB page that `[start, end)` touches, one to one, readable, writable and
    /// executable. Mapping twice is harmless.
    ///
    /// # Errors
    /// See [`MapError`]. What was mapped before the error stays mapped.
    pub fn map(&mut self, start: u64, end: u64) -> Result<(), MapError> {
        if start >= end || end > self.levels.limit() {
            return Err(MapError::OutOfReach);
        }
        let mut at = start & !(LARGE - 1);
        while at < end {
            let whole_gigabyte = at.is_multiple_of(HUGE) && at >= start && end - at >= HUGE;
            let size = if self.huge_pages && whole_gigabyte {
                HUGE
            } else {
                LARGE
            };
            self.map_page(at, size)?;
            at += size;
        }
        Ok(())
    }

    /// Takes one 4 KiB page out of the mapping, so that touching it faults.
    ///
    /// # Errors
    /// `OutOfReach` if it isn't mapped by a 2 MiB page, `PoolExhausted` if there is no table to split it with.
    pub fn unmap_guard(&mut self, page: u64) -> Result<(), MapError> {
        let (table, index) = self.walk(page, 2)?;
        let entry = self.pool[table].0[index];
        if entry & PRESENT == 0 {
            return Err(MapError::OutOfReach);
        }
        let small = if entry & LARGE_PAGE == 0 {
            self.index_of(entry)
        } else {
            self.split(table, index)?
        };
        self.pool[small].0[slot(page, 1)] = 0;
        Ok(())
    }

    /// Whether every byte of `[start, end)` is mapped.
    #[must_use]
    pub fn covers(&self, start: u64, end: u64) -> bool {
        if start >= end || end > self.levels.limit() {
            return false;
        }
        let mut at = start;
        while at < end {
            match self.page_size_at(at) {
                None => return false,
                Some(size) => at = (at & !(size - 1)) + size,
            }
        }
        true
    }

    fn page_size_at(&self, address: u64) -> Option<u64> {
        let mut table = 0;
        for level in (1..=self.levels.count()).rev() {
            let entry = self.pool[table].0[slot(address, level)];
            if entry & PRESENT == 0 {
                return None;
            }
            if level == 1 || entry & LARGE_PAGE != 0 {
                return Some(1 << shift(level));
            }
            table = self.index_of(entry);
        }
        None
    }

    fn map_page(&mut self, address: u64, size: u64) -> Result<(), MapError> {
        let level = if size == HUGE { 3 } else { 2 };
        if self
            .page_size_at(address)
            .is_some_and(|mapped| mapped >= size)
        {
            return Ok(());
        }
        let (table, index) = self.walk(address, level)?;
        // A table that is already there maps parts of this page; what it lacks is added below it.
        if self.pool[table].0[index] & PRESENT != 0 {
            return self.fill_below(address, size);
        }
        self.pool[table].0[index] = address | PRESENT | WRITABLE | LARGE_PAGE;
        Ok(())
    }

    fn fill_below(&mut self, address: u64, size: u64) -> Result<(), MapError> {
        if size == LARGE {
            return Ok(()); // split for a guard page: stays as it is
        }
        (0..HUGE / LARGE).try_for_each(|n| self.map_page(address + n * LARGE, LARGE))
    }

    /// The table of `level` that holds the entry for `address`, made where it is missing.
    fn walk(&mut self, address: u64, level: u32) -> Result<(usize, usize), MapError> {
        let mut table = 0;
        for at in (level + 1..=self.levels.count()).rev() {
            let index = slot(address, at);
            let entry = self.pool[table].0[index];
            table = if entry & PRESENT == 0 {
                let new = self.take()?;
                self.pool[table].0[index] = self.address_of(new) | PRESENT | WRITABLE;
                new
            } else if entry & LARGE_PAGE != 0 {
                return Err(MapError::OutOfReach);
            } else {
                self.index_of(entry)
            };
        }
        Ok((table, slot(address, level)))
    }

    fn split(&mut self, table: usize, index: usize) -> Result<usize, MapError> {
        let start = self.pool[table].0[index] & ADDRESS & !(LARGE - 1);
        let new = self.take()?;
        for (entry, n) in self.pool[new].0.iter_mut().zip(0u64..) {
            *entry = (start + n * PAGE) | PRESENT | WRITABLE;
        }
        self.pool[table].0[index] = self.address_of(new) | PRESENT | WRITABLE;
        Ok(new)
    }

    fn take(&mut self) -> Result<usize, MapError> {
        let index = self.used;
        *self.pool.get_mut(index).ok_or(MapError::PoolExhausted)? = Table::EMPTY;
        self.used += 1;
        Ok(index)
    }

    fn address_of(&self, index: usize) -> u64 {
        self.base + index as u64 * PAGE
    }

    fn index_of(&self, entry: u64) -> usize {
        ((entry & ADDRESS) - self.base) as usize / PAGE as usize
    }
}

const fn shift(level: u32) -> u32 {
    12 + 9 * (level - 1)
}

fn slot(address: u64, level: u32) -> usize {
    (address >> shift(level)) as usize & 511
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x4000_0000;

    fn pool(tables: usize) -> Vec<Table> {
        vec![Table::EMPTY; tables]
    }

    /// What the processor would find at `address`: it walks the tables as the manual says,
    /// independently of the code under test.
    fn translate(tables: &PageTables<'_>, address: u64) -> Option<u64> {
        let mut table = 0usize;
        let top = if tables.levels == Levels::Five {
            48
        } else {
            39
        };
        let mut bit = top;
        loop {
            let entry = tables.pool[table].0[(address >> bit) as usize % 512];
            if entry & 1 == 0 {
                return None;
            }
            if bit == 12 || entry & 0x80 != 0 {
                assert!(
                    bit <= 30,
                    "a page-size bit above the third level is reserved"
                );
                let mask = (1u64 << bit) - 1;
                assert_eq!(
                    entry & ADDRESS & mask & !0xfff,
                    0,
                    "a large page must be aligned"
                );
                return Some((entry & ADDRESS & !mask) | (address & mask));
            }
            table = ((entry & ADDRESS) - BASE) as usize / 4096;
            bit -= 9;
        }
    }

    #[test]
    fn maps_a_range_one_to_one_and_nothing_else() {
        for levels in [Levels::Four, Levels::Five] {
            for huge in [false, true] {
                let mut memory = pool(16);
                let mut tables = PageTables::new(&mut memory, BASE, levels, huge).unwrap();
                tables.map(0x10_0000, 0xc000_0000).unwrap();
                for address in [0u64, 0x10_0000, 0x3fff_ffff, 0x4000_0000, 0xbfff_ffff] {
                    assert_eq!(
                        translate(&tables, address),
                        Some(address),
                        "{levels:?} {huge} {address:#x}"
                    );
                }
                assert_eq!(translate(&tables, 0xc000_0000), None);
                assert!(tables.covers(0, 0xc000_0000));
                assert!(!tables.covers(0, 0xc000_0001));
            }
        }
    }

    #[test]
    fn maps_more_than_512_gib_with_few_tables_where_there_are_huge_pages() {
        let mut memory = pool(16);
        let mut tables = PageTables::new(&mut memory, BASE, Levels::Four, true).unwrap();
        tables.map(0, 3 << 40).unwrap();
        let last = (3u64 << 40) - 1;
        assert_eq!(translate(&tables, last), Some(last));
        assert_eq!(translate(&tables, last + 1), None);
        assert!(tables.used() <= 7);
    }

    #[test]
    fn does_not_use_a_huge_page_over_a_partly_mapped_gigabyte() {
        let mut memory = pool(16);
        let mut tables = PageTables::new(&mut memory, BASE, Levels::Four, true).unwrap();
        tables.map(HUGE, HUGE + 5 * LARGE).unwrap();
        assert_eq!(
            translate(&tables, HUGE + 5 * LARGE - 1),
            Some(HUGE + 5 * LARGE - 1)
        );
        assert_eq!(translate(&tables, HUGE + 5 * LARGE), None);
    }

    #[test]
    fn says_when_the_pool_is_used_up_and_keeps_what_is_mapped() {
        let mut memory = pool(4);
        let mut tables = PageTables::new(&mut memory, BASE, Levels::Four, false).unwrap();
        assert_eq!(tables.map(0, 16 * HUGE), Err(MapError::PoolExhausted));
        assert!(tables.covers(0, HUGE));
    }

    #[test]
    fn refuses_a_range_that_is_empty_or_above_the_canonical_half() {
        let mut memory = pool(4);
        let mut tables = PageTables::new(&mut memory, BASE, Levels::Four, true).unwrap();
        assert_eq!(tables.map(4, 4), Err(MapError::OutOfReach));
        assert_eq!(tables.map(0, (1 << 47) + 1), Err(MapError::OutOfReach));
        assert_eq!(
            tables.map(u64::MAX - 1, u64::MAX),
            Err(MapError::OutOfReach)
        );
    }

    #[test]
    fn fills_in_a_gigabyte_that_was_partly_mapped_before() {
        let mut memory = pool(16);
        let mut tables = PageTables::new(&mut memory, BASE, Levels::Four, true).unwrap();
        tables.map(HUGE, HUGE + LARGE).unwrap();
        tables.map(0, 4 * HUGE).unwrap();
        assert!(tables.covers(0, 4 * HUGE));
        assert_eq!(translate(&tables, HUGE + LARGE), Some(HUGE + LARGE));
    }

    #[test]
    fn a_guard_page_faults_and_its_neighbours_do_not() {
        let mut memory = pool(16);
        let mut tables = PageTables::new(&mut memory, BASE, Levels::Four, false).unwrap();
        tables.map(0, 2 * LARGE).unwrap();
        tables.unmap_guard(LARGE + 3 * PAGE).unwrap();
        assert_eq!(translate(&tables, LARGE + 3 * PAGE), None);
        assert_eq!(translate(&tables, LARGE + 2 * PAGE), Some(LARGE + 2 * PAGE));
        assert_eq!(translate(&tables, LARGE + 4 * PAGE), Some(LARGE + 4 * PAGE));
        tables.map(0, 2 * LARGE).unwrap();
        assert_eq!(
            translate(&tables, LARGE + 3 * PAGE),
            None,
            "mapping again keeps the guard"
        );
    }
}
