//! Which bytes of the file are which physical memory.
//!
//! Segments share memory: the kernel's image has one by its own virtual address, within one of RAM
//! (crash_prepare_elf64_headers of the kernel). Each byte of memory is taken from one segment that has it;
//! whether the others have the same is asked when the dump is surveyed.
//!
//! Nothing is believed that the file can't bear out: its bytes are memory once, and memory without bytes is
//! bounded by the file's size. A segment that can't be is left out, and reported.

use super::{Segment, disk};
use crate::memory::Presence;
use crate::ranges::{joined, total, without};
use crate::regions::HIGHEST;
use crate::survey::Flaw;
use std::collections::BTreeMap;
use std::ops::Range;

/// Memory of which a file needs no bytes to be believed: 16 GiB.
const MIN_CLAIM: u64 = 1 << 34;
/// How much memory without bytes is believed for each byte of the file. The bitmaps of a kdump-compressed dump
/// take a byte for so much memory: no dump is larger for what isn't there than for what is. A kernel's
/// own structures are more than that.
const CLAIM: u64 = 1 << 14;

/// Memory whose bytes the file has.
#[derive(Debug, Clone)]
struct Held {
    start: u64,
    end: u64,
    offset: u64,
}

impl Held {
    /// Where a byte of it is in the file.
    fn place(&self, address: u64) -> u64 {
        self.offset + (address - self.start)
    }
}

pub(super) struct Layout {
    held: Vec<Held>,
    lost: Vec<Range<u64>>,
    ranges: Vec<Range<u64>>,
}

/// What stands at an address.
pub(super) struct Piece {
    pub(super) presence: Presence,
    /// Where in the file, if it is there.
    pub(super) offset: u64,
    /// Where it ends.
    pub(super) end: u64,
}

/// A segment of memory, taken for what it can be.
struct Load {
    start: u64,
    /// How many bytes the file has of it.
    there: u64,
    /// How many it should have.
    should: u64,
    memory: u64,
    offset: u64,
}

impl Layout {
    /// The layout of a file of this size, and what is wrong with its segments.
    pub(super) fn new(segments: &[Segment], size: u64) -> (Layout, Vec<Flaw>) {
        let mut reader = Reader::new(size);
        for (number, segment) in segments.iter().enumerate() {
            if segment.kind == disk::LOAD {
                reader.take(number, segment);
            }
        }
        reader.finish()
    }

    pub(super) fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// The memory whose bytes the file has.
    pub(super) fn held(&self) -> Vec<Range<u64>> {
        joined(self.held.iter().map(|it| it.start..it.end).collect())
    }

    /// The memory whose bytes the file should have.
    pub(super) fn lost(&self) -> &[Range<u64>] {
        &self.lost
    }

    pub(super) fn at(&self, address: u64) -> Piece {
        let piece = |presence, end, offset| Piece {
            presence,
            end,
            offset,
        };
        let (held, next_held) = around(&self.held, address, |it| it.start..it.end);
        if let Some(held) = held {
            return piece(Presence::Held, held.end, held.place(address));
        }
        // What is lost isn't held.
        let (lost, next_lost) = around(&self.lost, address, Range::clone);
        if let Some(lost) = lost {
            return piece(Presence::Lost, lost.end, 0);
        }
        match around(&self.ranges, address, Range::clone) {
            (Some(range), _) => {
                let end = range.end.min(next_held).min(next_lost);
                piece(Presence::LeftOut, end, 0)
            }
            (None, end) => piece(Presence::Absent, end, 0),
        }
    }

    /// The parts of a segment that are taken from elsewhere in the file: memory, and both places.
    pub(super) fn elsewhere(&self, segment: &Segment, size: u64) -> Vec<(Range<u64>, u64, u64)> {
        let there = Load::of(segment, size).map_or(0, |it| it.there);
        let start = segment.physical_address;
        let end = start + there;
        let first = self.held.partition_point(|it| it.end <= start);
        let shared = self.held.iter().skip(first);
        shared
            .take_while(|it| it.start < end)
            .filter_map(|it| {
                let part = it.start.max(start)..it.end.min(end);
                let own = segment.offset + (part.start - start);
                let taken = it.place(part.start);
                (own != taken).then_some((part, own, taken))
            })
            .collect()
    }
}

/// The item that an address is in, or where the next one begins.
fn around<T>(items: &[T], address: u64, range: impl Fn(&T) -> Range<u64>) -> (Option<&T>, u64) {
    let index = items.partition_point(|it| range(it).end <= address);
    match items.get(index) {
        Some(item) if range(item).start <= address => (Some(item), address),
        Some(item) => (None, range(item).start),
        None => (None, u64::MAX),
    }
}

impl Load {
    fn of(segment: &Segment, size: u64) -> Result<Load, &'static str> {
        let should = segment.file_size.min(segment.memory_size);
        let end = segment.physical_address.checked_add(segment.memory_size);
        if end.is_none_or(|end| end > HIGHEST) {
            return Err("there is no memory beyond 2^48");
        }
        if segment.offset.checked_add(should).is_none() {
            return Err("no file has bytes beyond 2^64");
        }
        Ok(Load {
            start: segment.physical_address,
            there: size.saturating_sub(segment.offset).min(should),
            should,
            memory: segment.memory_size,
            offset: segment.offset,
        })
    }
}

/// Takes segments one after another.
struct Reader {
    size: u64,
    /// How much memory without bytes may still come.
    room: u64,
    /// Parts of the file that are memory, apart: where each begins and ends, and where its memory does.
    taken: BTreeMap<u64, (u64, u64)>,
    held: Vec<Held>,
    should: Vec<Range<u64>>,
    ranges: Vec<Range<u64>>,
    flaws: Vec<Flaw>,
}

impl Reader {
    fn new(size: u64) -> Reader {
        Reader {
            size,
            room: size.saturating_mul(CLAIM).max(MIN_CLAIM),
            taken: BTreeMap::new(),
            held: Vec::new(),
            should: Vec::new(),
            ranges: Vec::new(),
            flaws: Vec::new(),
        }
    }

    fn take(&mut self, number: usize, segment: &Segment) {
        let load = Load::of(segment, self.size).and_then(|load| {
            if self.is_taken(&load) {
                Err("it has bytes that are other memory, too")
            } else {
                Ok(load)
            }
        });
        match load {
            Ok(load) => self.add(number, load),
            Err(reason) => self.flaws.push(Flaw::Segment(number, reason)),
        }
    }

    /// The parts of the file that are memory already, and have bytes of this load.
    fn sharing(&self, load: &Load) -> impl Iterator<Item = (u64, u64, u64)> {
        let before = self.taken.range(..load.offset + load.there).rev();
        before
            .map(|(offset, (end, start))| (*offset, *end, *start))
            .take_while(|(_, end, _)| *end > load.offset)
    }

    /// Whether bytes of it are memory at another address already.
    fn is_taken(&self, load: &Load) -> bool {
        let distance = load.start.wrapping_sub(load.offset);
        self.sharing(load)
            .any(|(offset, _, start)| start.wrapping_sub(offset) != distance)
    }

    /// Notes whose bytes are memory now; where they were before, it is the same memory.
    fn note(&mut self, load: &Load) {
        let own = (load.offset, load.offset + load.there, load.start);
        let shared: Vec<_> = self.sharing(load).collect();
        let (offset, end, start) = shared.iter().fold(own, |one, other| {
            let first = if one.0 <= other.0 { one } else { *other };
            (first.0, one.1.max(other.1), first.2)
        });
        for (offset, ..) in shared {
            self.taken.remove(&offset);
        }
        self.taken.insert(offset, (end, start));
    }

    fn add(&mut self, number: usize, mut load: Load) {
        let empty = load.memory - load.there;
        if empty > self.room {
            self.flaws.push(Flaw::Claim {
                number,
                claimed: load.memory,
                held: load.there,
            });
            load.memory = load.there;
            load.should = load.there;
        } else {
            self.room -= empty;
        }
        if load.there > 0 {
            self.note(&load);
            self.held.push(Held {
                start: load.start,
                end: load.start + load.there,
                offset: load.offset,
            });
        }
        self.should.push(load.start..load.start + load.should);
        self.ranges.push(load.start..load.start + load.memory);
    }

    fn finish(self) -> (Layout, Vec<Flaw>) {
        let held = apart(self.held);
        let there: Vec<Range<u64>> = joined(held.iter().map(|it| it.start..it.end).collect());
        let lost = without(&joined(self.should), &there);
        let mut flaws = self.flaws;
        if total(&lost) > 0 {
            flaws.push(Flaw::CutOff("memory"));
        }
        let layout = Layout {
            held,
            lost,
            ranges: joined(self.ranges),
        };
        (layout, flaws)
    }
}

/// The pieces without what earlier ones have, sorted.
fn apart(mut pieces: Vec<Held>) -> Vec<Held> {
    pieces.sort_by_key(|it| it.start);
    let mut kept: Vec<Held> = Vec::new();
    for mut piece in pieces {
        let taken = kept.last().map_or(0, |it| it.end);
        let overlap = taken.saturating_sub(piece.start);
        if overlap < piece.end - piece.start {
            piece.start += overlap;
            piece.offset += overlap;
            kept.push(piece);
        }
    }
    kept
}
