//! Building identity page tables, as a pure function of what is to be mapped.
//!
//! The tables live in a fixed pool, so memory use is bounded. Nothing is mapped that wasn't asked for, but to whole
//! pages of 4 KiB: what lies beside RAM may be a device or secure memory, into which a processor may not speculate.
//! Blocks of 1 GiB and 2 MiB are used where they lie wholly inside a range. What is mapped stays as it is: entries are
//! only ever added, so that no translation that the processor remembers becomes stale.

#![allow(
    clippy::cast_possible_truncation,
    reason = "an address is as wide as usize on the machines that have these tables"
)]

use core::fmt;

use crate::memory::PAGE;

// Arm Architecture Reference Manual (DDI 0487), D8.3: descriptors, with pages of 4 KiB.
const VALID: u64 = 1;
/// A table, or at the last level a page; a block otherwise.
const TABLE: u64 = 2;
const DEVICE: u64 = 0 << 2;
const NORMAL: u64 = 1 << 2;
const READ_ONLY: u64 = 1 << 7;
const INNER_SHAREABLE: u64 = 3 << 8;
const ACCESSED: u64 = 1 << 10;
const NEVER_AT_EL1: u64 = 1 << 53;
const NEVER_AT_EL0: u64 = 1 << 54;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;
/// An entry that isn't valid: its page isn't mapped, and never will be.
const GUARD: u64 = 1 << 63;

/// Where the index of each level begins in an address: 9 bits each.
const SHIFTS: [u32; 4] = [39, 30, 21, 12];
/// The first level whose entries may map memory: blocks of 1 GiB.
const BLOCKS: usize = 1;

/// One page table: 512 entries, at any level.
#[repr(C, align(4096))]
#[derive(Clone, Copy)]
pub struct Table(pub [u64; 512]);

impl Table {
    /// A table that maps nothing.
    pub const EMPTY: Table = Table([0; 512]);
}

/// What is at an address, and so what may be done there. The attributes' numbers are those of MAIR in `head.s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RAM that is read and written.
    Memory,
    /// RAM that is run.
    Code,
    /// Registers of a device.
    Device,
}

/// Whose translation it is: the fields differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// EL1, or EL2 of a host (E2H): execution is permitted separately for EL0.
    Kernel,
    /// EL2 alone: bit 54 is for it, and bit 6 is one.
    Hypervisor,
}

impl Regime {
    fn attributes(self, kind: Kind) -> u64 {
        let always = match self {
            Regime::Kernel => ACCESSED | NEVER_AT_EL0,
            Regime::Hypervisor => ACCESSED | 1 << 6,
        };
        let never = match self {
            Regime::Kernel => NEVER_AT_EL1,
            Regime::Hypervisor => NEVER_AT_EL0,
        };
        always
            | match kind {
                Kind::Memory => NORMAL | INNER_SHAREABLE | never,
                Kind::Code => NORMAL | INNER_SHAREABLE | READ_ONLY,
                Kind::Device => DEVICE | never,
            }
    }
}

/// Why a range could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The pool has no table left.
    PoolExhausted,
    /// The range is empty, wraps, or lies above what the processor can address.
    OutOfReach,
    /// Something in it is mapped as something else.
    Mapped,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MapError::PoolExhausted => "the pool of page tables is used up",
            MapError::OutOfReach => "the range lies above what can be addressed",
            MapError::Mapped => "the range is something else",
        })
    }
}

/// Identity page tables under construction in a pool whose first table is the root.
pub struct PageTables<'a> {
    pool: &'a mut [Table],
    base: u64,
    used: usize,
    regime: Regime,
    limit: u64,
}

impl<'a> PageTables<'a> {
    /// Empty tables in `pool`, which lies at the physical address `base`, for a processor whose physical addresses have
    /// so many bits.
    ///
    /// # Errors
    /// `PoolExhausted` if there is no room for the root.
    pub fn new(
        pool: &'a mut [Table],
        base: u64,
        regime: Regime,
        address_bits: u32,
    ) -> Result<Self, MapError> {
        *pool.first_mut().ok_or(MapError::PoolExhausted)? = Table::EMPTY;
        Ok(Self {
            pool,
            base,
            used: 1,
            regime,
            limit: 1 << address_bits.min(48),
        })
    }

    /// The physical address of the root table, for TTBR0.
    #[must_use]
    pub fn root(&self) -> u64 {
        self.base
    }

    /// How many tables of the pool are in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used
    }

    /// Maps every page of 4 KiB that `[start, end)` touches, one to one. Mapping twice is harmless.
    ///
    /// # Errors
    /// See [`MapError`]. What was mapped before the error stays mapped.
    pub fn map(&mut self, start: u64, end: u64, kind: Kind) -> Result<(), MapError> {
        if start >= end || end > self.limit {
            return Err(MapError::OutOfReach);
        }
        let end = end.next_multiple_of(PAGE);
        let mut at = start & !(PAGE - 1);
        while at < end {
            at += self.map_largest(at, end - at, kind)?;
        }
        Ok(())
    }

    /// Keeps a page from ever being mapped.
    ///
    /// # Errors
    /// `Mapped` if it is already, `PoolExhausted` if there is no table for it.
    pub fn guard(&mut self, page: u64) -> Result<(), MapError> {
        let mut table = 0;
        for level in 0..SHIFTS.len() - 1 {
            let entry = self.pool[table].0[slot(page, level)];
            if entry & (VALID | TABLE) == VALID {
                return Err(MapError::Mapped);
            }
            table = self.below(table, slot(page, level))?;
        }
        let entry = &mut self.pool[table].0[slot(page, SHIFTS.len() - 1)];
        if *entry & VALID != 0 {
            return Err(MapError::Mapped);
        }
        *entry = GUARD;
        Ok(())
    }

    /// Whether every byte of `[start, end)` is mapped as this.
    #[must_use]
    pub fn covers(&self, start: u64, end: u64, kind: Kind) -> bool {
        if start >= end || end > self.limit {
            return false;
        }
        let mut at = start;
        while at < end {
            match self.mapped_at(at) {
                Some((size, attributes)) if attributes == self.regime.attributes(kind) => {
                    at = (at & !(size - 1)) + size;
                }
                _ => return false,
            }
        }
        true
    }

    /// The size of the block or page at an address, and its attributes.
    fn mapped_at(&self, address: u64) -> Option<(u64, u64)> {
        let mut table = 0;
        for (level, shift) in SHIFTS.into_iter().enumerate() {
            let entry = self.pool[table].0[slot(address, level)];
            if entry & VALID == 0 {
                return None;
            }
            if is_leaf(entry, level) {
                return Some((1 << shift, entry & !ADDRESS & !(VALID | TABLE)));
            }
            table = self.index_of(entry);
        }
        None
    }

    /// Maps as much from `at` on as one entry can, of `length` bytes that there are to map; gives how much that is.
    fn map_largest(&mut self, at: u64, length: u64, kind: Kind) -> Result<u64, MapError> {
        let attributes = self.regime.attributes(kind);
        let mut table = 0;
        for (level, shift) in SHIFTS.into_iter().enumerate() {
            let size = 1u64 << shift;
            let entry = self.pool[table].0[slot(at, level)];
            let fits = at.is_multiple_of(size) && length >= size;
            if entry & VALID != 0 && is_leaf(entry, level) {
                if entry & !ADDRESS & !(VALID | TABLE) != attributes {
                    return Err(MapError::Mapped);
                }
                // What is left of it.
                return Ok(size - (at & (size - 1)));
            }
            if entry == GUARD {
                return Ok(size);
            }
            if entry & VALID == 0 && level >= BLOCKS && fits {
                let last = level == SHIFTS.len() - 1;
                let kind = if last { TABLE } else { 0 };
                self.pool[table].0[slot(at, level)] = at | attributes | kind | VALID;
                return Ok(size);
            }
            table = self.below(table, slot(at, level))?;
        }
        // Any page fits at the last level, at which all of them end.
        Err(MapError::OutOfReach)
    }

    /// The table that an entry leads to, made where there is none.
    fn below(&mut self, table: usize, slot: usize) -> Result<usize, MapError> {
        let entry = self.pool[table].0[slot];
        if entry & VALID != 0 {
            return Ok(self.index_of(entry));
        }
        let index = self.used;
        *self.pool.get_mut(index).ok_or(MapError::PoolExhausted)? = Table::EMPTY;
        self.used += 1;
        self.pool[table].0[slot] = (self.base + index as u64 * PAGE) | TABLE | VALID;
        Ok(index)
    }

    fn index_of(&self, entry: u64) -> usize {
        (((entry & ADDRESS) - self.base) / PAGE) as usize
    }
}

/// Whether a valid entry maps memory.
fn is_leaf(entry: u64, level: usize) -> bool {
    level == SHIFTS.len() - 1 || entry & TABLE == 0
}

fn slot(address: u64, level: usize) -> usize {
    (address >> SHIFTS[level]) as usize % 512
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x4000_0000;
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    fn pool(tables: usize) -> Vec<Table> {
        vec![Table::EMPTY; tables]
    }

    fn tables(pool: &mut [Table]) -> PageTables<'_> {
        PageTables::new(pool, BASE, Regime::Kernel, 48).unwrap()
    }

    /// What the processor would find at `address`: it walks the tables as the manual says, independently of the code
    /// under test. The address, and the descriptor.
    fn translate(tables: &PageTables<'_>, address: u64) -> Option<(u64, u64)> {
        let mut table = 0usize;
        for (level, bit) in [(0, 39), (1, 30), (2, 21), (3, 12)] {
            let entry = tables.pool[table].0[(address >> bit) as usize % 512];
            match (level, entry & 3) {
                (_, 0 | 2) => return None,
                (0, 1) => panic!("there are no blocks of 512 GiB"),
                (3, 1) => panic!("reserved"),
                (1 | 2, 1) | (3, 3) => {
                    let mask = (1u64 << bit) - 1;
                    let output = entry & 0x0000_ffff_ffff_f000;
                    assert_eq!(output & mask, 0, "a block must be aligned");
                    return Some((output | (address & mask), entry));
                }
                _ => table = ((entry & 0x0000_ffff_ffff_f000) - BASE) as usize / 4096,
            }
        }
        unreachable!()
    }

    fn maps(tables: &PageTables<'_>, address: u64) -> bool {
        match translate(tables, address) {
            Some((found, _)) => {
                assert_eq!(found, address);
                true
            }
            None => false,
        }
    }

    #[test]
    fn maps_a_range_to_the_page_one_to_one_and_nothing_else() {
        let mut memory = pool(16);
        let mut tables = tables(&mut memory);
        let (start, end) = (0x4012_3000, 0x1_0000_5000);
        tables.map(start, end, Kind::Memory).unwrap();
        for address in [start, 0x401f_ffff, 0x4020_0000, 0x8000_0000, end - 1] {
            assert!(maps(&tables, address), "{address:#x}");
        }
        for address in [0, start - 1, end, 5 * GIB] {
            assert!(!maps(&tables, address), "{address:#x}");
        }
        assert!(tables.covers(start, end, Kind::Memory));
        assert!(!tables.covers(start, end + 1, Kind::Memory));
        assert!(!tables.covers(start, end, Kind::Device));
    }

    #[test]
    fn large_memory_takes_few_tables() {
        let mut memory = pool(16);
        let mut tables = tables(&mut memory);
        tables.map(0, 3 << 40, Kind::Memory).unwrap();
        assert!(maps(&tables, (3 << 40) - 1) && !maps(&tables, 3 << 40));
        assert_eq!(tables.used(), 7);
    }

    #[test]
    fn what_was_read_page_by_page_is_filled_in_and_never_replaced() {
        let mut memory = pool(16);
        let mut tables = tables(&mut memory);
        tables
            .map(GIB + 5 * PAGE, GIB + 6 * PAGE, Kind::Memory)
            .unwrap();
        let before = translate(&tables, GIB + 5 * PAGE);
        let used = tables.used();
        tables.map(GIB, 4 * GIB, Kind::Memory).unwrap();
        assert_eq!(translate(&tables, GIB + 5 * PAGE), before);
        assert_eq!(tables.used(), used);
        for address in [GIB, GIB + 2 * MIB, 2 * GIB, 4 * GIB - 1] {
            assert!(maps(&tables, address), "{address:#x}");
        }
        assert!(tables.covers(GIB, 4 * GIB, Kind::Memory));
    }

    #[test]
    fn a_part_of_a_block_is_mapped_already() {
        let mut memory = pool(16);
        let mut tables = tables(&mut memory);
        tables.map(0, GIB, Kind::Memory).unwrap();
        let used = tables.used();
        tables.map(5 * MIB + 3, 7 * MIB + 9, Kind::Memory).unwrap();
        assert_eq!(tables.used(), used);
    }

    #[test]
    fn memory_is_not_mapped_as_a_device_nor_a_device_as_memory() {
        let mut memory = pool(16);
        let mut tables = tables(&mut memory);
        tables.map(0, GIB, Kind::Memory).unwrap();
        tables.map(2 * GIB, 2 * GIB + PAGE, Kind::Device).unwrap();
        let map = |tables: &mut PageTables<'_>, at, kind| tables.map(at, at + PAGE, kind);
        assert_eq!(map(&mut tables, MIB, Kind::Device), Err(MapError::Mapped));
        assert_eq!(
            tables.map(GIB, 3 * GIB, Kind::Memory),
            Err(MapError::Mapped)
        );
        assert!(map(&mut tables, 2 * GIB, Kind::Device).is_ok());
    }

    #[test]
    fn only_code_is_run_and_it_is_not_written() {
        const UXN: u64 = 1 << 54;
        const PXN: u64 = 1 << 53;
        const AP1: u64 = 1 << 6;
        const AP2: u64 = 1 << 7;
        let bits = UXN | PXN | AP1 | AP2;
        for (regime, kind, expected) in [
            (Regime::Kernel, Kind::Memory, UXN | PXN),
            (Regime::Kernel, Kind::Device, UXN | PXN),
            (Regime::Kernel, Kind::Code, UXN | AP2),
            (Regime::Hypervisor, Kind::Memory, UXN | AP1),
            (Regime::Hypervisor, Kind::Device, UXN | AP1),
            (Regime::Hypervisor, Kind::Code, AP1 | AP2),
        ] {
            let mut memory = pool(8);
            let mut tables = PageTables::new(&mut memory, BASE, regime, 48).unwrap();
            tables.map(PAGE, 2 * PAGE, kind).unwrap();
            let (_, entry) = translate(&tables, PAGE).unwrap();
            assert_eq!(entry & bits, expected, "{regime:?} {kind:?}");
            assert_eq!(entry & 1 << 10, 1 << 10, "accessed");
            let attribute = u64::from(kind != Kind::Device);
            assert_eq!(entry >> 2 & 7, attribute, "{kind:?}");
        }
    }

    #[test]
    fn a_guard_page_is_never_mapped_and_its_neighbours_are() {
        let mut memory = pool(16);
        let mut tables = tables(&mut memory);
        let guard = GIB + 3 * PAGE;
        tables.guard(guard).unwrap();
        tables.map(0, 4 * GIB, Kind::Memory).unwrap();
        assert!(!maps(&tables, guard) && !maps(&tables, guard + PAGE - 1));
        assert!(maps(&tables, guard - 1) && maps(&tables, guard + PAGE));
        assert_eq!(tables.guard(guard - PAGE), Err(MapError::Mapped));
        assert_eq!(tables.guard(3 * GIB), Err(MapError::Mapped));
    }

    #[test]
    fn says_when_the_pool_is_used_up_and_keeps_what_is_mapped() {
        let mut memory = pool(4);
        let mut tables = tables(&mut memory);
        tables.map(0, PAGE, Kind::Memory).unwrap();
        assert_eq!(
            tables.map(GIB, GIB + PAGE, Kind::Memory),
            Err(MapError::PoolExhausted)
        );
        assert!(tables.covers(0, PAGE, Kind::Memory));
    }

    #[test]
    fn refuses_a_range_that_is_empty_or_beyond_the_processor() {
        let mut memory = pool(4);
        let mut tables = PageTables::new(&mut memory, BASE, Regime::Kernel, 40).unwrap();
        for (start, end) in [
            (PAGE, PAGE),
            (2 * PAGE, PAGE),
            (0, (1 << 40) + 1),
            (u64::MAX - 1, u64::MAX),
        ] {
            assert_eq!(
                tables.map(start, end, Kind::Memory),
                Err(MapError::OutOfReach)
            );
        }
        tables.map(0, 1 << 40, Kind::Memory).unwrap();
    }
}
