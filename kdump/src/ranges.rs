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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one_and_empty_ones_none() {
        let ranges = vec![8..9, 4..6, 0..2, 1..3, 5..8, 20..20];
        assert_eq!(joined(ranges), [0..3, 4..9]);
    }
}
