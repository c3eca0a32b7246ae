//! Ranges of memory.

use std::ops::Range;

/// The ranges, sorted, and joined where they touch.
pub(crate) fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|it| !it.is_empty());
    ranges.sort_by_key(|it| it.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// What the first have that the second haven't; both are sorted and apart.
pub(crate) fn without(ranges: &[Range<u64>], taken: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    let mut next = 0;
    for range in ranges {
        let mut start = range.start;
        while let Some(other) = taken.get(next).filter(|it| it.start < range.end) {
            left.push(start..other.start.max(start));
            start = start.max(other.end);
            if other.end > range.end {
                break;
            }
            next += 1;
        }
        left.push(start..range.end.max(start));
    }
    left.retain(|it| !it.is_empty());
    left
}

/// The numbers of the pages that these bytes are in, sorted and apart.
#[must_use]
pub fn pages(bytes: &[Range<u64>], page_size: u64) -> Vec<Range<u64>> {
    let page = |it: &Range<u64>| it.start / page_size..it.end.div_ceil(page_size);
    joined(bytes.iter().map(page).collect())
}

/// How much that is.
pub(crate) fn total(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|it| it.end - it.start).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one_and_empty_ones_none() {
        let ranges = vec![8..9, 4..6, 0..2, 1..3, 5..8, 20..20];
        assert_eq!(joined(ranges), [0..3, 4..9]);
    }

    type Pair<'a> = (&'a [Range<u64>], &'a [Range<u64>]);

    #[test]
    fn what_is_taken_away_is_gone_and_all_else_is_left() {
        let cases: [Pair<'_>; 5] = [
            (&[0..10], &[]),
            (&[0..10, 20..30], &[0..10]),
            (&[0..10, 20..30], &[5..25]),
            (&[2..3, 5..9, 12..20], &[0..1, 2..4, 6..7, 8..13, 19..40]),
            (&[], &[1..2]),
        ];
        for (ranges, taken) in cases {
            let has = |of: &[Range<u64>], it: u64| of.iter().any(|range| range.contains(&it));
            let left = without(ranges, taken);
            for it in 0..50 {
                assert_eq!(has(&left, it), has(ranges, it) && !has(taken, it), "{it}");
            }
            assert_eq!(joined(left.clone()), left);
        }
    }

    #[test]
    fn pages_are_counted_once_however_many_parts_of_them_there_are() {
        let pages = pages(&[0x200..0x600, 0x800..0x1001, 0x3fff..0x4001], 0x1000);
        assert_eq!(pages, [0..2, 3..5]);
        assert_eq!(total(&pages), 4);
    }
}
