//! Sets of pages within a region of memory.

use std::ops::Range;

/// How many pages a region has: 128 MiB where a page has 4 KiB.
pub const REGION: usize = 1 << 15;
/// A region's bitmap, in bytes.
pub const REGION_BYTES: usize = REGION / 8;

const WORDS: usize = REGION / 64;

/// A set of the pages of one region, numbered from the region's first.
#[derive(Clone, PartialEq, Eq)]
pub struct Bits(Box<[u64; WORDS]>);

impl Default for Bits {
    fn default() -> Bits {
        Bits(Box::new([0; WORDS]))
    }
}

impl std::fmt::Debug for Bits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.runs(0..REGION)).finish()
    }
}

impl Bits {
    /// As it stands in a bitmap of a dump: the first page is the lowest bit of the first byte.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; REGION_BYTES]) -> Bits {
        let mut bits = Bits::default();
        let (words, _) = bytes.as_chunks::<8>();
        for (word, bytes) in bits.0.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        bits
    }

    /// As it stands in a bitmap of a dump.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; REGION_BYTES] {
        let mut bytes = [0; REGION_BYTES];
        let (words, _) = bytes.as_chunks_mut::<8>();
        for (bytes, word) in words.iter_mut().zip(self.0.iter()) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }

    /// Adds pages; those beyond the region are no part of it.
    pub fn insert(&mut self, pages: Range<usize>) {
        self.change(pages, |word, mask| *word |= mask);
    }

    /// Takes pages away.
    pub fn remove(&mut self, pages: Range<usize>) {
        self.change(pages, |word, mask| *word &= !mask);
    }

    /// Adds all pages of another set.
    pub fn insert_all(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(other.0.iter()) {
            *word |= other;
        }
    }

    /// Takes away all pages of another set.
    pub fn remove_all(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(other.0.iter()) {
            *word &= !other;
        }
    }

    fn change(&mut self, pages: Range<usize>, change: impl Fn(&mut u64, u64)) {
        for (index, mask) in masks(pages) {
            if let Some(word) = self.0.get_mut(index) {
                change(word, mask);
            }
        }
    }

    /// How many pages of a range are in it.
    #[must_use]
    pub fn count_in(&self, pages: Range<usize>) -> u32 {
        masks(pages)
            .filter_map(|(index, mask)| Some((self.0.get(index)? & mask).count_ones()))
            .sum()
    }

    /// Whether a page is in it.
    #[must_use]
    pub fn has(&self, page: usize) -> bool {
        self.0
            .get(page / 64)
            .is_some_and(|word| word >> (page % 64) & 1 == 1)
    }

    /// How many pages are in it.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// How many of the pages before this one are in it.
    #[must_use]
    pub fn rank(&self, page: usize) -> u32 {
        let (before, rest) = self.0.split_at((page / 64).min(WORDS));
        let whole: u32 = before.iter().map(|word| word.count_ones()).sum();
        let part = rest
            .first()
            .map_or(0, |word| word & ((1 << (page % 64)) - 1));
        whole + part.count_ones()
    }

    /// The pages of a range that are in it, in runs.
    pub fn runs(&self, within: Range<usize>) -> Runs<'_> {
        Runs {
            bits: self,
            next: within.start,
            end: within.end.min(REGION),
        }
    }

    /// The first page from `page` on that is (or isn't) in it; the region's end if there is none.
    fn find(&self, page: usize, is: bool) -> usize {
        let flip = if is { 0 } else { u64::MAX };
        let mut mask = u64::MAX << (page % 64);
        for (index, word) in self.0.iter().enumerate().skip(page / 64) {
            let found = (word ^ flip) & mask;
            if found != 0 {
                return index * 64 + found.trailing_zeros() as usize;
            }
            mask = u64::MAX;
        }
        REGION
    }
}

/// The words that a range of pages has bits in, and those bits.
fn masks(pages: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    let end = pages.end.min(REGION);
    let mut page = pages.start;
    std::iter::from_fn(move || {
        let low = page % 64;
        let count = (64 - low).min(end.checked_sub(page).filter(|left| *left > 0)?);
        let word = (page / 64, (u64::MAX >> (64 - count)) << low);
        page += count;
        Some(word)
    })
}

/// The runs of pages in a set.
#[derive(Debug, Clone)]
pub struct Runs<'a> {
    bits: &'a Bits,
    next: usize,
    end: usize,
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.bits.find(self.next, true);
        if start >= self.end {
            return None;
        }
        let end = self.bits.find(start, false).min(self.end);
        self.next = end;
        Some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(runs: &[Range<usize>]) -> Bits {
        let mut bits = Bits::default();
        runs.iter().for_each(|run| bits.insert(run.clone()));
        bits
    }

    #[test]
    fn runs_come_out_as_they_went_in() {
        for runs in [
            vec![],
            vec![0..1],
            vec![63..65, 128..192, 200..201],
            vec![0..REGION],
            vec![5..64, 65..REGION],
            vec![REGION - 1..REGION],
        ] {
            let found: Vec<_> = bits(&runs).runs(0..REGION).collect();
            assert_eq!(found, runs);
        }
    }

    #[test]
    fn runs_are_cut_at_the_bounds_asked_for() {
        let bits = bits(&[10..20, 30..100]);
        let found: Vec<_> = bits.runs(15..64).collect();
        assert_eq!(found, [15..20, 30..64]);
    }

    #[test]
    fn pages_are_counted_before_each() {
        let bits = bits(&[1..3, 63..66, 1000..1064]);
        let mut before = 0;
        for page in 0..1100 {
            assert_eq!(bits.rank(page), before, "{page}");
            before += u32::from(bits.has(page));
        }
        assert_eq!(bits.count(), before);
        assert_eq!(bits.rank(REGION), before);
    }

    #[test]
    fn pages_of_a_range_are_counted() {
        let bits = bits(&[1..3, 63..66, 1000..1064]);
        for start in [0, 1, 2, 64, 999, 1063, REGION] {
            for end in [0, 1, 2, 65, 66, 1001, REGION, REGION + 9] {
                let expected = (start..end).filter(|page| bits.has(*page)).count();
                assert_eq!(
                    bits.count_in(start..end) as usize,
                    expected,
                    "{start}..{end}"
                );
            }
        }
    }

    #[test]
    fn pages_are_taken_away() {
        let mut set = bits(&[0..200]);
        set.remove(60..70);
        set.remove_all(&bits(&[100..101, 199..300]));
        let found: Vec<_> = set.runs(0..REGION).collect();
        assert_eq!(found, [0..60, 70..100, 101..199]);
    }

    #[test]
    fn pages_beyond_the_region_are_no_part_of_it() {
        let set = bits(&[REGION - 1..REGION + 70]);
        assert_eq!(set.count(), 1);
        assert!(!set.has(REGION));
    }

    #[test]
    fn the_first_page_is_the_lowest_bit_of_the_first_byte() {
        let set = bits(&[0..1, 9..11]);
        let bytes = set.to_bytes();
        assert_eq!(bytes[..3], [1, 6, 0]);
        assert_eq!(Bits::from_bytes(&bytes), set);
    }
}
