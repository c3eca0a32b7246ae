//! Bytes of a source, one after another, with never more than a piece of them in memory.

use crate::source::Source;
use std::io;

/// What is read at once.
const PIECE: usize = 1 << 16;

/// Reads on from an offset.
pub(crate) struct Pieces<'a> {
    source: &'a dyn Source,
    /// What is read next, and where it all ends.
    next: u64,
    end: u64,
    held: Vec<u8>,
    /// How much of `held` is done.
    done: usize,
}

impl<'a> Pieces<'a> {
    /// From an offset on, so many bytes, or as many as there are.
    pub(crate) fn new(source: &'a dyn Source, offset: u64, length: u64) -> io::Result<Pieces<'a>> {
        let end = offset.saturating_add(length).min(source.size()?);
        Ok(Pieces {
            source,
            next: offset.min(end),
            end,
            held: Vec::new(),
            done: 0,
        })
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> u64 {
        self.end - self.next + (self.held.len() - self.done) as u64
    }

    /// The next bytes, so many; at most a piece.
    pub(crate) fn take(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.held.len() - self.done < count {
            self.fill()?;
        }
        let start = self.done;
        self.done += count;
        Ok(self.held.get(start..self.done).unwrap_or_default())
    }

    /// Passes over bytes, or over all that are left.
    pub(crate) fn skip(&mut self, count: u64) {
        let held = (self.held.len() - self.done) as u64;
        match usize::try_from(count) {
            Ok(count) if count as u64 <= held => self.done += count,
            _ => {
                self.done = self.held.len();
                self.next = self.next.saturating_add(count - held).min(self.end);
            }
        }
    }

    /// The next bytes up to a zero, which is passed over.
    pub(crate) fn text(&mut self) -> io::Result<&[u8]> {
        let mut looked = 0;
        loop {
            let rest = self.held.get(self.done + looked..).unwrap_or_default();
            if let Some(length) = rest.iter().position(|byte| *byte == 0) {
                let start = self.done;
                let end = start + looked + length;
                self.done = end + 1;
                return Ok(self.held.get(start..end).unwrap_or_default());
            }
            looked += rest.len();
            self.fill()?;
        }
    }

    /// Reads on.
    fn fill(&mut self) -> io::Result<()> {
        self.held.drain(..self.done);
        self.done = 0;
        let there = self.held.len();
        let room = PIECE.saturating_sub(there) as u64;
        let more = usize::try_from(room.min(self.end - self.next)).unwrap_or(0);
        if more == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.held.resize(there + more, 0);
        let piece = self.held.get_mut(there..).unwrap_or_default();
        self.source.read_at(self.next, piece)?;
        self.next += more as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Vec<u8> {
        (0..3 * PIECE)
            .map(|at| (at % 251).to_le_bytes()[0])
            .collect()
    }

    #[test]
    fn bytes_come_in_order_whatever_is_taken_and_passed_over() {
        let source = source();
        let mut pieces = Pieces::new(&source, 5, u64::MAX).unwrap();
        let mut at = 5;
        for count in [1, 12, 4096, PIECE, 77, 1 << 15] {
            assert_eq!(pieces.take(count).unwrap(), &source[at..at + count]);
            pieces.skip(count as u64 / 2);
            at += count + count / 2;
            assert_eq!(pieces.left(), (source.len() - at) as u64);
        }
    }

    #[test]
    fn there_is_no_more_than_there_is() {
        let source = source();
        let mut pieces = Pieces::new(&source, 7, 10).unwrap();
        assert!(pieces.take(11).is_err());
        let mut pieces = Pieces::new(&source, u64::MAX, 10).unwrap();
        assert_eq!(pieces.left(), 0);
        assert!(pieces.take(1).is_err());
        let mut pieces = Pieces::new(&source, 0, u64::MAX).unwrap();
        assert!(pieces.take(PIECE + 1).is_err());
        pieces.skip(u64::MAX);
        assert_eq!(pieces.left(), 0);
    }

    #[test]
    fn texts_end_at_zeros_and_nowhere_else() {
        let mut source = b"\0abc\0".to_vec();
        source.extend(vec![b'x'; PIECE - 10]);
        source.extend(b"\0end");
        let mut pieces = Pieces::new(&source, 0, u64::MAX).unwrap();
        assert_eq!(pieces.text().unwrap(), b"");
        assert_eq!(pieces.text().unwrap(), b"abc");
        assert_eq!(pieces.text().unwrap().len(), PIECE - 10);
        assert!(pieces.text().is_err());
        let endless = vec![1; 2 * PIECE];
        let mut pieces = Pieces::new(&endless, 0, u64::MAX).unwrap();
        assert!(pieces.text().is_err());
    }
}
