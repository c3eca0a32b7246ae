//! The records of the ring buffer.

use super::KernelMemory;
use super::pages::Pages;
use super::ring::Ring;
use crate::bytes::{u16_at, u32_at, u64_at};

/// DESC_ID_MASK: the upper two bits of `state_var` are the state.
const ID_MASK: u64 = u64::MAX >> 2;
/// How many pages of the arrays may be unreadable before the rest is given up.
const MAX_FAILURES: u64 = 1024;
/// The descriptor's ID, which stands before the text in each data block (`struct prb_data_block`).
const BLOCK_HEADER: u64 = 8;

/// `enum desc_state`, as far as it matters.
#[derive(PartialEq, Eq)]
enum State {
    /// The text is there: desc_committed, desc_finalized.
    Written,
    /// Nobody's: desc_reusable.
    Free,
    /// Somebody was writing it, or it is another's: desc_reserved, desc_miss.
    Unfinished,
}

impl State {
    fn of(value: u64, id: u64) -> State {
        match value >> 62 {
            _ if value & ID_MASK != id => State::Unfinished,
            1 | 2 => State::Written,
            3 => State::Free,
            _ => State::Unfinished,
        }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number since boot.
    pub sequence: u64,
    /// When it was logged, in nanoseconds since boot.
    pub time: u64,
    /// The syslog facility: 0 of the kernel.
    pub facility: u8,
    /// The syslog level: 0 (emergency) to 7 (debug).
    pub level: u8,
    /// Who logged it: a thread's ID or, with the highest bit set, a CPU's number.
    pub caller: u32,
    /// The text, without a newline at its end. Anything may be in it.
    pub text: Vec<u8>,
    /// How many messages before it are lost.
    pub lost_before: u64,
}

/// The records of a log, oldest first.
pub struct Records<'a> {
    ring: &'a Ring,
    descriptors: Pages<'a>,
    infos: Pages<'a>,
    data: Pages<'a>,
    next: u64,
    left: u64,
    lost: u64,
    text_left: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(kernel: &'a KernelMemory<'a>, ring: &'a Ring) -> Records<'a> {
        let (head, tail) = (ring.head & ID_MASK, ring.tail & ID_MASK);
        let span = (head.wrapping_sub(tail) & ID_MASK) + 1;
        // If head and tail can't be, all descriptors before the head are looked at.
        let left = span.min(ring.count);
        Records {
            ring,
            descriptors: Pages::new(kernel),
            infos: Pages::new(kernel),
            data: Pages::new(kernel),
            next: head.wrapping_sub(left - 1) & ID_MASK,
            left,
            lost: 0,
            // Blocks don't overlap, so that all text fits into the ring.
            text_left: ring.data_size,
        }
    }

    /// How many messages were lost since the last record. Once there are no more: after the last.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The record of a descriptor, `None` in place of one that is lost.
    fn record(&mut self, id: u64) -> Option<Option<Record>> {
        let index = id % self.ring.count;
        let layout = &self.ring.descriptor;
        let mut bytes = vec![0; layout.size];
        let at = self
            .ring
            .descriptors
            .wrapping_add(index * layout.size as u64);
        if self.descriptors.read(at, &mut bytes).is_none() {
            return Some(None);
        }
        match State::of(u64_at(&bytes, layout.state)?, id) {
            State::Written => {}
            State::Free => return None,
            State::Unfinished => return Some(None),
        }
        let block = (u64_at(&bytes, layout.begin)?, u64_at(&bytes, layout.next)?);
        Some(self.written(index, id, block))
    }

    fn written(&mut self, index: u64, id: u64, block: (u64, u64)) -> Option<Record> {
        let layout = &self.ring.info;
        let mut bytes = vec![0; layout.size];
        let at = self.ring.infos.wrapping_add(index * layout.size as u64);
        self.infos.read(at, &mut bytes)?;
        let length = u16_at(&bytes, layout.length)?;
        let level = *bytes.get(layout.length + 3)?;
        Some(Record {
            sequence: u64_at(&bytes, layout.sequence)?,
            time: u64_at(&bytes, layout.time)?,
            facility: *bytes.get(layout.length + 2)?,
            level: level >> 5,
            caller: u32_at(&bytes, layout.caller)?,
            text: self.text(id, block, length)?,
            lost_before: 0,
        })
    }

    /// The text of a data block, if it is there.
    fn text(&mut self, id: u64, block: (u64, u64), length: u16) -> Option<Vec<u8>> {
        match block {
            // NO_LPOS, later EMPTY_LINE_LPOS: nothing was to be said.
            (3, 3) => return Some(Vec::new()),
            // FAILED_LPOS and whatever else isn't aligned: there was no room for it.
            (begin, next) if begin & next & 1 == 1 => return None,
            _ => {}
        }
        let (start, size) = self.block(block)?;
        let at = self.ring.data.wrapping_add(start);
        let mut owner = [0; 8];
        self.data.read(at, &mut owner)?;
        if u64::from_le_bytes(owner) != id {
            return None;
        }
        // A message longer than its block was cut off by the kernel.
        let length = u64::from(length).min(size.checked_sub(BLOCK_HEADER)?);
        self.text_left = self.text_left.checked_sub(length)?;
        let mut text = vec![0; usize::try_from(length).ok()?];
        self.data.read(at.wrapping_add(BLOCK_HEADER), &mut text)?;
        Some(text)
    }

    /// Where in the ring a block begins, and how long it is (get_data of printk_ringbuffer.c).
    fn block(&self, (begin, next): (u64, u64)) -> Option<(u64, u64)> {
        let size = self.ring.data_size;
        let wraps = |position: u64| position / size;
        let last = wraps(next.wrapping_sub(1));
        let found = if wraps(begin) == last {
            (begin % size, next.wrapping_sub(begin))
        } else if wraps(begin.wrapping_add(size)) == last {
            // What doesn't fit before the end stands at the beginning.
            (0, next % size)
        } else {
            return None;
        };
        Some(found).filter(|(_, length)| (1..=size).contains(length))
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.left > 0 {
            if self.descriptors.failures() + self.infos.failures() > MAX_FAILURES {
                self.lost = self.lost.saturating_add(self.left);
                self.left = 0;
                return None;
            }
            let id = self.next;
            self.left -= 1;
            self.next = (id + 1) & ID_MASK;
            match self.record(id) {
                Some(Some(mut record)) => {
                    record.lost_before = std::mem::take(&mut self.lost);
                    return Some(record);
                }
                Some(None) => self.lost += 1,
                None => {}
            }
        }
        None
    }
}
