//! Memory in regions: the units in which pages are chosen and bitmaps are made.

use crate::bits::{Bits, REGION};
use std::ops::Range;

/// Why memory can't be divided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionsError {
    /// There is no memory.
    #[error("the dump has no memory")]
    Empty,
    /// There can't be memory so high up.
    #[error("the dump has memory at {0:#x}: dumps can hold none beyond 2^48")]
    TooHigh(u64),
}

/// 256 TiB: more than any machine has, and little enough to keep something for each region.
pub(crate) const HIGHEST: u64 = 1 << 48;

/// The regions of a machine that have memory in them.
#[derive(Debug, Clone)]
pub struct Regions {
    ranges: Vec<Range<u64>>,
    page_size: u64,
    runs: Vec<Run>,
}

/// Regions that follow one another, by their numbers if all of memory were divided. There is one of these for each gap
/// in memory, not for each region: 12 TiB have 98,304 of them.
#[derive(Debug, Clone)]
struct Run {
    numbers: Range<u64>,
    /// How many regions with memory there are before it.
    before: u64,
}

impl Regions {
    /// Divides memory, given in bytes, sorted and apart. A page that is there in part is there.
    ///
    /// # Errors
    /// When there is none, or more than can be.
    pub fn new(memory: &[Range<u64>], page_size: u64) -> Result<Regions, RegionsError> {
        let end = memory.last().ok_or(RegionsError::Empty)?.end;
        if end > HIGHEST {
            return Err(RegionsError::TooHigh(end - 1));
        }
        let ranges: Vec<Range<u64>> = memory
            .iter()
            .map(|range| range.start / page_size..range.end.div_ceil(page_size))
            .collect();
        let mut runs: Vec<Run> = Vec::new();
        for range in &ranges {
            let first = range.start / REGION as u64;
            let end = range.end.div_ceil(REGION as u64);
            match runs.last_mut() {
                Some(last) if first <= last.numbers.end => last.numbers.end = end,
                last => {
                    let before = last.map_or(0, |last| last.end());
                    runs.push(Run {
                        numbers: first..end,
                        before,
                    });
                }
            }
        }
        Ok(Regions {
            ranges,
            page_size,
            runs,
        })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let end = self.runs.last().map_or(0, Run::end);
        // At most 2^48 / 2^27.
        usize::try_from(end).unwrap_or(usize::MAX)
    }

    /// The size of a page, in bytes.
    #[must_use]
    pub fn page_size(&self) -> u64 {
        self.page_size
    }

    /// The number of the page after the last.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.ranges.last().map_or(0, |range| range.end)
    }

    /// The number of a region's first page.
    #[must_use]
    pub fn first_page(&self, region: usize) -> u64 {
        let region = region as u64;
        let after = self.runs.partition_point(|run| run.end() <= region);
        let run = self.runs.get(after);
        run.map_or(0, |run| {
            (run.numbers.start + region - run.before) * REGION as u64
        })
    }

    /// The region that a page is in, and its place there.
    #[must_use]
    pub fn find(&self, page: u64) -> Option<(usize, usize)> {
        let number = page / REGION as u64;
        let after = self.runs.partition_point(|run| run.numbers.end <= number);
        let run = self.runs.get(after)?;
        let region = run.before + number.checked_sub(run.numbers.start)?;
        Some((
            usize::try_from(region).ok()?,
            usize::try_from(page % REGION as u64).ok()?,
        ))
    }

    /// The pages of a region that are memory.
    #[must_use]
    pub fn present(&self, region: usize) -> Bits {
        let first = self.first_page(region);
        let end = first + REGION as u64;
        let begin = self.ranges.partition_point(|range| range.end <= first);
        let inside = self.ranges.iter().skip(begin);
        let mut bits = Bits::default();
        for range in inside.take_while(|range| range.start < end) {
            let place = |page: u64| usize::try_from(page.clamp(first, end) - first);
            if let (Ok(start), Ok(end)) = (place(range.start), place(range.end)) {
                bits.insert(start..end);
            }
        }
        bits
    }
}

impl Run {
    /// How many regions with memory there are up to its end.
    fn end(&self) -> u64 {
        self.before + self.numbers.end - self.numbers.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(memory: &[Range<u64>]) -> Regions {
        Regions::new(memory, 4096).unwrap()
    }

    #[test]
    fn each_region_with_memory_is_there_once() {
        let regions = regions(&[0..0x1000, 0x2000..0x800_2000, 0x4000_0000..0x4000_1000]);
        assert_eq!(regions.count(), 3);
        assert_eq!(regions.first_page(1), 0x8000);
        assert_eq!(regions.first_page(2), 0x4_0000);
        assert_eq!(regions.end(), 0x4_0001);
        let all: u32 = (0..3).map(|it| regions.present(it).count()).sum();
        assert_eq!(all, 1 + 0x8000 + 1);
        let first: Vec<_> = regions.present(0).runs(0..REGION).collect();
        assert_eq!(first, [0..1, 2..REGION]);
    }

    #[test]
    fn a_page_that_is_there_in_part_is_there() {
        let regions = regions(&[0x1234..0x1235, 0x2fff..0x3001]);
        let found: Vec<_> = regions.present(0).runs(0..REGION).collect();
        assert_eq!(found, [1..4]);
    }

    #[test]
    fn pages_are_found_in_their_regions() {
        let regions = regions(&[0..0x1000, 0x4000_0000..0x4000_1000]);
        assert_eq!(regions.find(5), Some((0, 5)));
        assert_eq!(regions.find(0x4_0003), Some((1, 3)));
        assert_eq!(regions.find(0x2_0000), None);
    }

    #[test]
    fn all_that_is_kept_is_of_ranges_however_much_memory_they_have() {
        // 1 MiB, 3 GiB, and 12 TiB from 16 TiB on.
        let high = 1 << 44;
        let memory = [
            0..0x10_0000,
            0x1000_0000..0xd000_0000,
            high..high + (12 << 40),
        ];
        let regions = regions(&memory);
        assert_eq!(regions.runs.len(), 3);
        assert_eq!(regions.count(), 1 + 24 + 98_304);
        for (region, first) in [(0, 0), (1, 0x1_0000), (24, 0xc_8000), (25, 1 << 32)] {
            assert_eq!(regions.first_page(region), first);
            assert_eq!(regions.find(first + 7), Some((region, 7)));
        }
        let last = regions.count() - 1;
        let page = regions.end() - 1;
        assert_eq!(regions.find(page), Some((last, REGION - 1)));
        assert_eq!(regions.first_page(last), page + 1 - REGION as u64);
        assert_eq!(regions.find(page + 1), None);
        assert_eq!(regions.find(0x8000), None);
    }

    #[test]
    fn memory_that_no_machine_has_is_refused() {
        let error = |memory: &[Range<u64>]| Regions::new(memory, 4096).unwrap_err();
        assert_eq!(error(&[]), RegionsError::Empty);
        assert_eq!(
            error(&[0..1, u64::MAX - 1..u64::MAX]),
            RegionsError::TooHigh(u64::MAX - 1)
        );
        assert_eq!(error(&[0..(1 << 48) + 1]), RegionsError::TooHigh(1 << 48));
    }
}
