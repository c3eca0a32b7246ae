//! Looking for an entry wherever it may be.

use super::{HEADER_LEN, Header};

/// The longest beginning of a name that can be looked for, in bytes.
pub const MAX_NAME: usize = 32;
/// How much of what came before an entry may have begun in.
const REACH: usize = HEADER_LEN + MAX_NAME;

/// A search for entries whose name begins so, in pieces that follow one another.
#[derive(Clone, Debug)]
pub struct Search<'n> {
    name: &'n [u8],
    /// For each byte, how far an occurrence may be moved on that has it under its last byte
    /// (Horspool's search): most of the bytes aren't looked at.
    skips: [u8; 256],
    /// The last bytes of what has been given, at its end.
    tail: [u8; REACH],
    tail_len: usize,
}

impl<'n> Search<'n> {
    /// For names that begin so; of a longer one its first `MAX_NAME` bytes.
    pub fn new(name: &'n [u8]) -> Self {
        let name = name.get(..MAX_NAME).unwrap_or(name);
        let len = u8::try_from(name.len()).unwrap_or(u8::MAX);
        let mut skips = [len.max(1); 256];
        for (left, &byte) in (1..len).rev().zip(name) {
            if let Some(skip) = skips.get_mut(usize::from(byte)) {
                *skip = left;
            }
        }
        Search {
            name,
            skips,
            tail: [0; REACH],
            tail_len: 0,
        }
    }

    /// Whether there is such an entry whose header and name begin and end in `piece`.
    pub fn is_in(&self, piece: &[u8]) -> bool {
        self.first_end(piece, 0).is_some()
    }

    /// Whether such an entry began in what was given before, and goes on in `piece`, the next one.
    pub fn reaches_into(&mut self, piece: &[u8]) -> bool {
        let head = piece.get(..REACH).unwrap_or(piece);
        let mut joint = [0; REACH + REACH];
        let before = self.tail.get(REACH.saturating_sub(self.tail_len)..);
        let before = before.unwrap_or_default();
        let len = before.len().saturating_add(head.len());
        for (to, from) in joint.iter_mut().zip(before.iter().chain(head)) {
            *to = *from;
        }
        let joint = joint.get(..len).unwrap_or_default();
        let found = self.crosses(joint, before.len());
        self.remember(piece);
        found
    }

    /// Whether an entry in `joint` has bytes on both sides of `middle`.
    fn crosses(&self, joint: &[u8], middle: usize) -> bool {
        let mut from = 0;
        while let Some(end) = self.first_end(joint, from) {
            let needed = HEADER_LEN.saturating_add(self.name.len());
            let start = end.saturating_sub(needed);
            if start < middle && middle < end {
                return true;
            }
            from = start.saturating_add(1);
        }
        false
    }

    /// Where the first entry's name ends, of those that begin at `from` or later.
    fn first_end(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from.checked_add(HEADER_LEN)?;
        loop {
            let end = at.checked_add(self.name.len())?;
            let window = bytes.get(at..end)?;
            if window == self.name {
                let header = bytes.get(at.saturating_sub(HEADER_LEN)..at);
                let header = header.and_then(<[u8]>::first_chunk);
                if header.and_then(Header::parse).is_some() {
                    return Some(end);
                }
            }
            let last = window.last().copied().unwrap_or_default();
            let skip = self.skips.get(usize::from(last)).copied().unwrap_or(1);
            at = at.checked_add(usize::from(skip))?;
        }
    }

    fn remember(&mut self, piece: &[u8]) {
        let new = piece.len().min(REACH);
        self.tail.rotate_left(new);
        let kept = piece
            .get(piece.len().saturating_sub(new)..)
            .unwrap_or_default();
        let places = self.tail.get_mut(REACH.saturating_sub(new)..);
        for (to, from) in places.unwrap_or_default().iter_mut().zip(kept) {
            *to = *from;
        }
        self.tail_len = self.tail_len.saturating_add(new).min(REACH);
    }
}
