//! Every single-bit flip of some bytes, on all processors.

use std::ops::Range;
use std::thread;

/// The positions in `range`, as (byte, bit), at which a flipped bit is `accepted`.
pub fn accepted_flips(
    bytes: &[u8],
    range: Range<usize>,
    accepted: impl Fn(&[u8]) -> bool + Sync,
) -> Vec<(usize, u8)> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let accepted = &accepted;
    let mut found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|worker| {
                let mine = range.clone().skip(worker).step_by(workers);
                scope.spawn(move || flip_each(bytes, mine, accepted))
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic on any flip"))
            .collect()
    });
    found.sort_unstable();
    found
}

fn flip_each(
    bytes: &[u8],
    positions: impl Iterator<Item = usize>,
    accepted: impl Fn(&[u8]) -> bool,
) -> Vec<(usize, u8)> {
    let mut bytes = bytes.to_vec();
    let mut found = Vec::new();
    for position in positions {
        for bit in 0..8 {
            bytes[position] ^= 1 << bit;
            if accepted(&bytes) {
                found.push((position, bit));
            }
            bytes[position] ^= 1 << bit;
        }
    }
    found
}
