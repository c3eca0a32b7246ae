//! How many chosen pages come before each region.

/// A sum is kept of so many regions, and what each of them has is added as it is asked for: 12 TiB of memory have 98,304
/// regions, and the memory of a capture kernel is short.
const STEP: usize = 64;

/// How many pages are chosen in each region, and before it.
pub(super) struct Ranks {
    counts: Vec<u32>,
    /// How many pages are chosen before every [`STEP`]th region.
    sums: Vec<u64>,
    total: u64,
}

impl Ranks {
    /// Of regions in which so many pages are chosen.
    pub(super) fn new(counts: Vec<u32>) -> Ranks {
        let mut total = 0;
        let sums = counts.chunks(STEP).map(|counts| {
            let before = total;
            total += sum(counts);
            before
        });
        Ranks {
            sums: sums.collect(),
            counts,
            total,
        }
    }

    /// How many pages are chosen in all.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The region in which the page with this index among all chosen ones is; the number of regions, if there is no such
    /// page.
    pub(super) fn region_of(&self, index: u64) -> usize {
        let step = self.sums.partition_point(|before| *before <= index);
        let mut region = step.saturating_sub(1) * STEP;
        while region < self.counts.len() && self.before(region + 1) <= index {
            region += 1;
        }
        region
    }

    /// How many pages are chosen before a region; all of them, if there is no such region.
    pub(super) fn before(&self, region: usize) -> u64 {
        let step = region / STEP;
        match (self.sums.get(step), self.counts.get(step * STEP..region)) {
            (Some(before), Some(counts)) => before + sum(counts),
            _ => self.total,
        }
    }
}

fn sum(counts: &[u32]) -> u64 {
    counts.iter().copied().map(u64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_before_each_region() {
        for regions in [0, 1, 63, 64, 65, 128, 300] {
            let counts: Vec<u32> = (0..regions).map(|it| it * 1_000_003).collect();
            let ranks = Ranks::new(counts.clone());
            let mut before = 0;
            for (region, count) in counts.iter().enumerate() {
                assert_eq!(ranks.before(region), before, "{region} of {regions}");
                before += u64::from(*count);
            }
            assert_eq!(ranks.before(counts.len()), before);
            assert_eq!(ranks.total(), before);
            for (region, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let first = ranks.before(region);
                assert_eq!(ranks.region_of(first), region);
                assert_eq!(ranks.region_of(first + u64::from(*count) - 1), region);
            }
            assert_eq!(ranks.region_of(before), counts.len());
        }
    }
}
