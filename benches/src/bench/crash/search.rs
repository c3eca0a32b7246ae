//! The least of some sizes that is enough.

use anyhow::Result;

/// The smallest multiple of `step` up to `enough` with which `works` is true, if what works with one works
/// with all larger ones. `enough` is known to work; each size is tried once at most.
pub fn least(step: u64, enough: u64, mut works: impl FnMut(u64) -> Result<bool>) -> Result<u64> {
    let (mut too_small, mut least) = (0, enough.div_ceil(step));
    while least - too_small > 1 {
        let middle = too_small + (least - too_small) / 2;
        if works(middle * step)? {
            least = middle;
        } else {
            too_small = middle;
        }
    }
    Ok((least * step).min(enough))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_size_is_found_wherever_it_is() {
        for wanted in 1..=256 {
            let mut tried = Vec::new();
            let found = least(8, 256, |size| {
                tried.push(size);
                Ok(size >= wanted)
            });
            assert_eq!(found.unwrap(), wanted.next_multiple_of(8));
            assert!(tried.len() <= 5, "{tried:?}");
        }
    }

    #[test]
    fn what_is_known_to_be_enough_is_the_answer_where_nothing_less_is() {
        assert_eq!(least(8, 100, |_| Ok(false)).unwrap(), 100);
    }

    #[test]
    fn a_size_that_cannot_be_tried_ends_the_search() {
        assert!(least(8, 256, |_| anyhow::bail!("no machine")).is_err());
    }
}
