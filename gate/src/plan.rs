//! Choosing memory: plain values in, plain values out.
//!
//! The memory map comes from the old kernel, but it is checked as if it were hostile: entries may
//! overlap, wrap, be empty or lie in any order. What is not certainly free is not used.

extern crate alloc;

use alloc::vec::Vec;
use core::ops;

use baton_formats::sort::sort;
use baton_verify::Reason;

use crate::memory::PAGE;

/// Below this nothing is ever chosen: firmware and real-mode code keep data there, and a capture
/// kernel is given the first MiB without its contents having been saved.
pub const LOWEST: u64 = 0x10_0000;

/// A half-open range of physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The first byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Range {
    /// `length` bytes from `start`; `None` if that wraps or is empty.
    #[must_use]
    pub fn new(start: u64, length: u64) -> Option<Self> {
        let end = start.checked_add(length)?;
        (end > start).then_some(Self { start, end })
    }

    /// Whether the two have a byte in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    fn pages_inside(self) -> Option<Self> {
        let start = self.start.checked_next_multiple_of(PAGE)?;
        let end = self.end & !(PAGE - 1);
        (end > start).then_some(Self { start, end })
    }

    fn pages_around(self) -> Self {
        let end = self.end.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX);
        Self {
            start: self.start & !(PAGE - 1),
            end,
        }
    }

    fn length(self) -> u64 {
        self.end - self.start
    }
}

/// What memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Free for the next kernel.
    Ram,
    /// RAM that holds setup_data, or once did: the next kernel's, but nothing is put there before.
    SetupData,
    /// Anything else: never written to.
    Reserved,
}

/// One entry of a memory map, as it was read: nothing about it has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// The first byte.
    pub address: u64,
    /// Length in bytes.
    pub size: u64,
    /// What it is for.
    pub kind: Use,
}

impl MapEntry {
    /// Whether it is about a byte of a range. One that wraps is about everything above its start.
    #[must_use]
    pub fn claims(&self, range: Range) -> bool {
        self.size > 0 && self.address < range.end && range.start < self.end()
    }

    fn end(&self) -> u64 {
        self.address.saturating_add(self.size)
    }
}

/// Memory that may be written: sorted, disjoint ranges of whole pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free(Vec<Range>);

impl Free {
    /// The RAM of `map`, less everything that any other entry claims and the first MiB.
    ///
    /// # Errors
    /// `BadMemoryMap` if there is no RAM at all.
    pub fn from_map(map: &[MapEntry]) -> Result<Self, Reason> {
        let mut ram = Vec::new();
        for entry in map.iter().filter(|entry| entry.kind == Use::Ram) {
            let range = Range::new(entry.address, entry.size);
            ram.extend(range.and_then(|range| range.pages_inside()));
        }
        sort(&mut ram);
        let mut free = Self(merge(&ram));
        if free.0.is_empty() {
            return Err(Reason::BadMemoryMap("it has no RAM"));
        }
        free.remove(Range {
            start: 0,
            end: LOWEST,
        });
        for entry in map
            .iter()
            .filter(|entry| entry.kind != Use::Ram && entry.size > 0)
        {
            free.remove(Range {
                start: entry.address,
                end: entry.end(),
            });
        }
        Ok(free)
    }

    /// Takes every page that `taken` touches out of the free memory. In place: the gate's arena
    /// doesn't get a list back that a longer one replaces.
    pub fn remove(&mut self, taken: Range) {
        let taken = taken.pages_around();
        let mut index = 0;
        while let Some(range) = self.0.get_mut(index) {
            let after = Range {
                start: range.start.max(taken.end),
                end: range.end,
            };
            range.end = range.end.min(taken.start);
            if range.start < range.end {
                index += 1;
            } else {
                self.0.remove(index);
            }
            if after.start < after.end {
                self.0.insert(index, after);
                index += 1;
            }
        }
    }

    /// Keeps only what also lies in one of `areas` (Kexec HandOver: everything outside its scratch
    /// areas may hold preserved memory that no map shows; a crash: everything outside what was reserved
    /// for it may still be written to by devices).
    pub fn keep_only(&mut self, areas: &[Range]) {
        let mut kept = Vec::new();
        for &range in &self.0 {
            for area in areas.iter().filter_map(|area| area.pages_inside()) {
                let part = Range {
                    start: range.start.max(area.start),
                    end: range.end.min(area.end),
                };
                if part.start < part.end {
                    kept.push(part);
                }
            }
        }
        sort(&mut kept);
        self.0 = merge(&kept);
    }

    /// The lowest range of `size` bytes within `window`, aligned to `align` (a power of two).
    ///
    /// # Errors
    /// `NoRoom`, with the largest free range there is in the window.
    pub fn find(&self, size: u64, align: u64, window: ops::Range<u64>) -> Result<Range, Reason> {
        self.within(&window)
            .find_map(|range| {
                let start = range.start.checked_next_multiple_of(align)?;
                let found = Range::new(start, size)?;
                (found.end <= range.end).then_some(found)
            })
            .ok_or_else(|| Reason::NoRoom {
                needed: size,
                largest_free: self.within(&window).map(Range::length).max().unwrap_or(0),
            })
    }

    /// Whether all of a range is free.
    #[must_use]
    pub fn covers(&self, wanted: Range) -> bool {
        let covers = |range: &Range| range.start <= wanted.start && wanted.end <= range.end;
        self.0.iter().any(covers)
    }

    /// What is free within a window.
    fn within(&self, window: &ops::Range<u64>) -> impl Iterator<Item = Range> {
        self.0.iter().filter_map(move |range| {
            let part = Range {
                start: range.start.max(window.start),
                end: range.end.min(window.end),
            };
            (part.start < part.end).then_some(part)
        })
    }

    /// The free ranges, in order.
    #[must_use]
    pub fn ranges(&self) -> &[Range] {
        &self.0
    }
}

/// Whether all of a range is RAM of one entry of the map.
#[must_use]
pub fn is_all_ram(map: &[MapEntry], range: Range) -> bool {
    let mut ram = map.iter().filter(|entry| entry.kind == Use::Ram);
    ram.any(|entry| entry.address <= range.start && range.end <= entry.end())
}

/// Joins sorted ranges that touch or overlap.
fn merge(sorted: &[Range]) -> Vec<Range> {
    let mut merged: Vec<Range> = Vec::with_capacity(sorted.len());
    for &range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn ram(address: u64, size: u64) -> MapEntry {
        MapEntry {
            address,
            size,
            kind: Use::Ram,
        }
    }

    fn reserved(address: u64, size: u64) -> MapEntry {
        MapEntry {
            address,
            size,
            kind: Use::Reserved,
        }
    }

    fn free(map: &[MapEntry]) -> Vec<(u64, u64)> {
        Free::from_map(map)
            .unwrap()
            .0
            .iter()
            .map(|range| (range.start, range.end))
            .collect()
    }

    #[test]
    fn never_offers_the_first_mebibyte() {
        assert_eq!(free(&[ram(0, 4 * MIB)]), [(MIB, 4 * MIB)]);
    }

    #[test]
    fn reserved_wins_wherever_it_overlaps_ram() {
        let map = [
            reserved(2 * MIB, MIB),
            ram(0, 8 * MIB),
            reserved(5 * MIB + 1, 1),
        ];
        let end = 5 * MIB;
        assert_eq!(
            free(&map),
            [(MIB, 2 * MIB), (3 * MIB, end), (end + PAGE, 8 * MIB)]
        );
    }

    #[test]
    fn overlapping_unsorted_ram_is_merged() {
        let map = [
            ram(6 * MIB, 2 * MIB),
            ram(MIB, 4 * MIB),
            ram(2 * MIB, 4 * MIB),
        ];
        assert_eq!(free(&map), [(MIB, 8 * MIB)]);
    }

    #[test]
    fn ram_that_wraps_or_is_empty_is_left_out() {
        let map = [ram(u64::MAX - 10, 100), ram(4 * MIB, 0), ram(MIB, MIB)];
        assert_eq!(free(&map), [(MIB, 2 * MIB)]);
    }

    #[test]
    fn a_reserved_entry_that_wraps_claims_everything_above_it() {
        let map = [ram(MIB, u64::MAX - MIB), reserved(8 * MIB, u64::MAX)];
        assert_eq!(free(&map), [(MIB, 8 * MIB)]);
    }

    #[test]
    fn odd_edges_shrink_ram_and_grow_reservations() {
        let map = [ram(MIB + 1, 3 * MIB), reserved(2 * MIB + 5, 10)];
        let expected = [(MIB + PAGE, 2 * MIB), (2 * MIB + PAGE, 4 * MIB)];
        assert_eq!(free(&map), expected);
    }

    #[test]
    fn a_map_without_ram_is_refused() {
        assert!(matches!(
            Free::from_map(&[reserved(0, MIB)]),
            Err(Reason::BadMemoryMap(_))
        ));
        assert!(matches!(Free::from_map(&[]), Err(Reason::BadMemoryMap(_))));
        assert!(matches!(
            Free::from_map(&[ram(MIB, 100)]),
            Err(Reason::BadMemoryMap(_))
        ));
    }

    #[test]
    fn finds_the_lowest_aligned_room() {
        let mut free = Free::from_map(&[ram(0, 64 * MIB), ram(1 << 32, 64 * MIB)]).unwrap();
        free.remove(Range {
            start: 16 * MIB,
            end: 17 * MIB,
        });
        let found = free.find(8 * MIB, 2 * MIB, 16 * MIB..u64::MAX).unwrap();
        assert_eq!(found.start, 18 * MIB);
        let high = free.find(60 * MIB, 2 * MIB, 16 * MIB..u64::MAX).unwrap();
        assert_eq!(high.start, 1 << 32);
    }

    #[test]
    fn says_what_was_needed_and_what_is_there_when_nothing_fits() {
        let free = Free::from_map(&[ram(0, 9 * MIB)]).unwrap();
        let refused = free.find(16 * MIB, MIB, MIB..u64::MAX).unwrap_err();
        assert_eq!(
            refused,
            Reason::NoRoom {
                needed: 16 * MIB,
                largest_free: 8 * MIB
            }
        );
        assert!(free.find(u64::MAX, MIB, MIB..u64::MAX).is_err());
        assert!(free.find(MIB, 1 << 63, u64::MAX..u64::MAX).is_err());
    }

    #[test]
    fn with_kexec_handover_only_the_scratch_areas_are_free() {
        let mut free = Free::from_map(&[ram(0, 64 * MIB)]).unwrap();
        let areas = [
            Range {
                start: 32 * MIB,
                end: 40 * MIB,
            },
            Range {
                start: 60 * MIB,
                end: 90 * MIB,
            },
        ];
        free.keep_only(&areas);
        let kept: Vec<_> = free
            .0
            .iter()
            .map(|range| (range.start, range.end))
            .collect();
        assert_eq!(kept, [(32 * MIB, 40 * MIB), (60 * MIB, 64 * MIB)]);
    }

    /// A small deterministic generator (xorshift), so that a failure can be repeated.
    fn next(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn whatever_the_map_says_what_is_found_is_ram_and_not_reserved() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..20_000 {
            let count = 1 + next(&mut state) % 12;
            let map: Vec<MapEntry> = (0..count)
                .map(|_| {
                    let shift = next(&mut state) % 50;
                    let address = next(&mut state) >> (14 + shift % 30);
                    let size = next(&mut state) >> (14 + shift);
                    let kind = if next(&mut state).is_multiple_of(3) {
                        Use::Reserved
                    } else {
                        Use::Ram
                    };
                    MapEntry {
                        address,
                        size,
                        kind,
                    }
                })
                .collect();
            let Ok(free) = Free::from_map(&map) else {
                continue;
            };
            let Ok(found) = free.find(PAGE * (1 + next(&mut state) % 64), PAGE, 0..u64::MAX) else {
                continue;
            };
            for probe in [found.start, found.end - 1] {
                let inside = |entry: &&MapEntry| {
                    entry.address <= probe && probe - entry.address < entry.size
                };
                assert!(
                    map.iter()
                        .filter(inside)
                        .any(|entry| entry.kind == Use::Ram),
                    "{map:?} {probe:#x}"
                );
                assert!(
                    !map.iter()
                        .filter(inside)
                        .any(|entry| entry.kind == Use::Reserved),
                    "{map:?} {probe:#x}"
                );
            }
            assert!(found.start >= LOWEST);
        }
    }
}
