//! Where the log is in physical memory.

use super::KernelMemory;
use super::ring::Ring;
use crate::ranges::joined;
use std::ops::Range;

const PAGE: u64 = 4096;
/// How many pieces of each part are followed: 64 Ki pages, had each its own entry in the page tables.
/// The kernel allocates the log in one piece, which large pages map.
const MAX_PIECES: usize = 1 << 16;

pub(super) fn occupied(kernel: &KernelMemory<'_>, ring: &Ring) -> Vec<Range<u64>> {
    let areas = [
        (ring.pointer, 8),
        (ring.address, ring.size as u64),
        (ring.descriptors, ring.count * ring.descriptor.size as u64),
        (ring.infos, ring.count * ring.info.size as u64),
        (ring.data, ring.data_size),
    ];
    let mut found = Vec::new();
    for (start, length) in areas {
        area(kernel, start, length, &mut found);
        // Pieces of a part that is scattered are joined before the next.
        found = joined(found);
    }
    found
}

fn area(kernel: &KernelMemory<'_>, start: u64, length: u64, found: &mut Vec<Range<u64>>) {
    let mut here = start;
    let mut left = length;
    for _ in 0..MAX_PIECES {
        if left == 0 {
            return;
        }
        let pages = |address: u64, length: u64| {
            let end = address.saturating_add(length);
            address / PAGE * PAGE..end.checked_next_multiple_of(PAGE).unwrap_or(end)
        };
        let step = match kernel.translate(here) {
            Ok(it) => {
                let step = it.left.min(left);
                found.extend(kernel.tables(here).into_iter().map(|table| pages(table, 1)));
                found.push(pages(it.physical, step));
                step
            }
            Err(_) => (PAGE - here % PAGE).min(left),
        };
        here = here.wrapping_add(step);
        left -= step;
    }
}
