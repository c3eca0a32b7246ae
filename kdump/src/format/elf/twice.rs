//! Memory that several segments have: whether all of them have the same bytes.
//!
//! The kernel's image is in `/proc/vmcore` twice, with the same bytes. Where two segments differ, one of them is
//! wrong, and which isn't known.

use super::{Vmcore, disk};
use crate::source::Source;
use crate::survey::Flaw;
use std::ops::Range;

/// How many bytes are compared at once.
const CHUNK: usize = 1 << 16;

/// The segments whose bytes aren't those that were taken for their memory.
pub(super) fn differing(core: &Vmcore) -> Vec<Flaw> {
    let segments = core.segments.iter().enumerate();
    let loads = segments.filter(|(_, it)| it.kind == disk::LOAD);
    loads
        .filter_map(|(number, segment)| {
            let shared = core.layout.elsewhere(segment, core.size).into_iter();
            let mut differing = shared.filter_map(|(memory, own, taken)| {
                first_difference(&*core.source, memory, own, taken)
            });
            let address = differing.next()?;
            Some(Flaw::Twice { number, address })
        })
        .collect()
}

/// Where two parts of the file with the same memory differ first. What can't be read is found elsewhere.
fn first_difference(source: &dyn Source, memory: Range<u64>, one: u64, other: u64) -> Option<u64> {
    let (mut first, mut second) = (vec![0; CHUNK], vec![0; CHUNK]);
    let length = memory.end - memory.start;
    let mut done = 0;
    while done < length {
        let count = usize::try_from(length - done).map_or(CHUNK, |it| it.min(CHUNK));
        let (first, second) = (first.get_mut(..count)?, second.get_mut(..count)?);
        source.read_at(one + done, first).ok()?;
        source.read_at(other + done, second).ok()?;
        let differs = first.iter().zip(second.iter()).position(|(a, b)| a != b);
        if let Some(at) = differs {
            return Some(memory.start + done + at as u64);
        }
        done += count as u64;
    }
    None
}
