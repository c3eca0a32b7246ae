//! Which bytes of the file are which physical memory.
//!
//! Segments share memory: the kernel's image has one by its own virtual address, within one of RAM
//! (prepare_elf_headers, arch/x86/kernel/crash.c). Each byte of memory is taken from the first segment
//! that has it.

use super::{Segment, VmcoreError};
use crate::ranges::joined;
use std::ops::Range;

/// Where memory ends at the latest: physical addresses of x86-64 and arm64 have 52 bits.
const HIGHEST: u64 = 1 << 52;

/// Memory whose bytes the file has.
struct Extent {
    start: u64,
    end: u64,
    offset: u64,
}

/// What stands at an address.
pub(super) struct Piece {
    /// Where in the file, or nowhere: zeros.
    pub(super) offset: Option<u64>,
    /// How many bytes are there, one after another.
    pub(super) left: u64,
}

pub(super) struct Layout {
    extents: Vec<Extent>,
    ranges: Vec<Range<u64>>,
    /// Whether there is memory of which the file has no bytes.
    holes: bool,
}

impl Layout {
    pub(super) fn new<'a>(loads: impl Iterator<Item = &'a Segment>) -> Result<Layout, VmcoreError> {
        let mut extents = Vec::new();
        let mut ranges = Vec::new();
        for segment in loads {
            let start = segment.physical_address;
            let end = |length| {
                start
                    .checked_add(length)
                    .filter(|end| *end <= HIGHEST)
                    .ok_or(VmcoreError::Damaged("it has memory beyond 2^52"))
            };
            let held = segment.file_size.min(segment.memory_size);
            segment
                .offset
                .checked_add(held)
                .ok_or(VmcoreError::Damaged("it has a segment beyond 2^64"))?;
            extents.push(Extent {
                start,
                end: end(held)?,
                offset: segment.offset,
            });
            ranges.push(start..end(segment.memory_size)?);
        }
        let extents = apart(extents);
        let ranges = joined(ranges);
        let held: u64 = extents.iter().map(|it| it.end - it.start).sum();
        let memory = ranges.iter().map(|it| it.end - it.start).sum();
        Ok(Layout {
            extents,
            ranges,
            holes: held < memory,
        })
    }

    pub(super) fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// The end of the memory at an address of which the file has no bytes; `None` where it has some.
    pub(super) fn hole_end(&self, address: u64) -> Option<u64> {
        let piece = self
            .at(address)
            .filter(|it| self.holes && it.offset.is_none())?;
        address.checked_add(piece.left)
    }

    /// The memory whose bytes the file has.
    pub(super) fn held(&self) -> Vec<Range<u64>> {
        joined(self.extents.iter().map(|it| it.start..it.end).collect())
    }

    pub(super) fn at(&self, address: u64) -> Option<Piece> {
        let range = self.ranges[..self.ranges.partition_point(|it| it.start <= address)]
            .last()
            .filter(|it| address < it.end)?;
        let after = self.extents.partition_point(|it| it.start <= address);
        let extent = self.extents[..after].last();
        if let Some(extent) = extent.filter(|it| address < it.end) {
            return Some(Piece {
                offset: Some(extent.offset + (address - extent.start)),
                left: extent.end - address,
            });
        }
        let next = self.extents.get(after).map_or(range.end, |it| it.start);
        Some(Piece {
            offset: None,
            left: next.min(range.end) - address,
        })
    }
}

/// The extents without what earlier ones have, sorted.
fn apart(mut extents: Vec<Extent>) -> Vec<Extent> {
    extents.sort_by_key(|it| it.start);
    let mut kept: Vec<Extent> = Vec::new();
    for mut extent in extents {
        let taken = kept.last().map_or(0, |it| it.end);
        let overlap = taken.saturating_sub(extent.start);
        if overlap < extent.end - extent.start {
            extent.start += overlap;
            extent.offset += overlap;
            kept.push(extent);
        }
    }
    kept
}
