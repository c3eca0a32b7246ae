//! Tells whether what is read back is what was written, by a sum over all bytes. A dump isn't written in order, so the sum
//! doesn't depend on the order.
//!
//! Each word of 8 bytes counts times a number that its place gives it, in 128 bits: words that differ, or that stand in
//! each other's places, leave another sum, whatever else is there, but for one case in 2^64. Zeros count nothing, as do
//! the holes of a file, which read as zeros. It finds what a disk loses or alters; it resists no forger.

use baton_kdump::write::Output;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a word.
const WORD: usize = 8;

/// The sum over some bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksum(u128);

impl Checksum {
    /// Adds bytes that stand at this offset.
    pub fn add(&mut self, offset: u64, bytes: &[u8]) {
        self.0 = self.0.wrapping_add(sum(offset, bytes));
    }

    /// Takes away bytes that were added at this offset.
    pub fn remove(&mut self, offset: u64, bytes: &[u8]) {
        self.0 = self.0.wrapping_sub(sum(offset, bytes));
    }
}

fn sum(offset: u64, bytes: &[u8]) -> u128 {
    let mut place = offset / WORD as u64;
    let before = usize::try_from(offset % WORD as u64).unwrap_or(0);
    let (first, rest) = bytes.split_at(((WORD - before) % WORD).min(bytes.len()));
    let mut sum = 0;
    if !first.is_empty() {
        sum = counted(place, word(before, first));
        place += 1;
    }
    let (words, last) = rest.as_chunks::<WORD>();
    for bytes in words {
        sum = u128::wrapping_add(sum, counted(place, u64::from_le_bytes(*bytes)));
        place += 1;
    }
    sum.wrapping_add(counted(place, word(0, last)))
}

/// A word of which only these bytes are there, from the one with this number on.
fn word(before: usize, bytes: &[u8]) -> u64 {
    let mut whole = [0; WORD];
    for (to, from) in whole.iter_mut().skip(before).zip(bytes) {
        *to = *from;
    }
    u64::from_le_bytes(whole)
}

fn counted(place: u64, word: u64) -> u128 {
    u128::from(word) * u128::from(factor(place))
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
fn factor(place: u64) -> u64 {
    let mut it = place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

/// An output that sums up what is written to it.
pub struct Checksummed<'a> {
    inner: &'a dyn Output,
    sum: Mutex<Checksum>,
}

impl<'a> Checksummed<'a> {
    /// Wraps an output to which nothing was written yet.
    #[must_use]
    pub fn new(inner: &'a dyn Output) -> Checksummed<'a> {
        let sum = Mutex::default();
        Checksummed { inner, sum }
    }

    /// The sum over all that stands in the output.
    #[must_use]
    pub fn checksum(&self) -> Checksum {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Checksum> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut Checksum)) {
        // Summed up before the lock is taken: several threads write.
        let mut all = Checksum::default();
        change(&mut all);
        let mut sum = self.lock();
        sum.0 = sum.0.wrapping_add(all.0);
    }
}

impl Output for Checksummed<'_> {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset, bytes)?;
        self.count(|sum| sum.add(offset, bytes));
        Ok(())
    }

    fn write_over_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut old = vec![0; bytes.len()];
        if !self.inner.read_back(offset, &mut old)? {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.inner.write_at(offset, bytes)?;
        self.count(|sum| {
            sum.remove(offset, &old);
            sum.add(offset, bytes);
        });
        Ok(())
    }

    fn write_ahead_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset, bytes)
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        self.inner.read_back(offset, buffer)
    }

    fn begins_empty(&self) -> bool {
        self.inner.begins_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_kdump::write::FileOutput;

    fn of(parts: &[(u64, &[u8])]) -> Checksum {
        let mut sum = Checksum::default();
        for (offset, bytes) in parts {
            sum.add(*offset, bytes);
        }
        sum
    }

    const BYTES: [u8; 100] = {
        let mut bytes = [0; 100];
        let mut n = 0;
        while n < 100 {
            bytes[n as usize] = n * 2 + 1;
            n += 1;
        }
        bytes
    };

    #[test]
    fn neither_pieces_nor_their_order_count() {
        for offset in [0, 1, 7, 8, 1 << 40] {
            let whole = of(&[(offset, &BYTES)]);
            for a in 0..=BYTES.len() {
                for b in a..=BYTES.len() {
                    let at = |n: usize| offset + n as u64;
                    let pieces = [
                        (at(b), &BYTES[b..]),
                        (at(0), &BYTES[..a]),
                        (at(a), &BYTES[a..b]),
                    ];
                    assert_eq!(of(&pieces), whole, "{offset}, cut at {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn every_bit_and_every_place_counts() {
        let whole = of(&[(3, &BYTES)]);
        for bit in 0..8 * BYTES.len() {
            let mut other = BYTES;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(of(&[(3, &other)]), whole, "bit {bit}");
        }
        for offset in (0..3).chain(4..100) {
            assert_ne!(of(&[(offset, &BYTES)]), whole, "at {offset}");
        }
        let mut swapped = BYTES;
        swapped.rotate_left(8);
        assert_ne!(of(&[(0, &swapped)]), of(&[(0, &BYTES)]));
        // The highest bits of two words, which a sum of 64 bits wouldn't see.
        let high = |byte: usize| {
            let mut other = BYTES;
            other[byte] ^= 0x80;
            other[byte + 8] ^= 0x80;
            of(&[(0, &other)])
        };
        assert_ne!(high(7), of(&[(0, &BYTES)]));
    }

    #[test]
    fn zeros_and_holes_count_nothing() {
        assert_eq!(of(&[(5, &[0; 1000])]), Checksum::default());
        assert_eq!(of(&[]), of(&[(9, &[])]));
    }

    #[test]
    fn an_output_knows_the_sum_over_what_is_in_it_at_last() {
        let file = FileOutput::new(tempfile::tempfile().unwrap()).unwrap();
        let output = Checksummed::new(&file);
        output.write_at(20, b"twenty").unwrap();
        output.write_over_at(22, b"ELF").unwrap();
        // Not there yet, beyond the end of the file.
        output.write_over_at(1 << 20, b"far").unwrap();
        output.write_over_at((1 << 20) + 1, b"ewell").unwrap();
        output.write_ahead_at(100, b"ahead").unwrap();
        output.write_at(100, b"after").unwrap();
        let mut all = vec![0; (1 << 20) + 6];
        assert!(output.read_back(0, &mut all).unwrap());
        assert_eq!(&all[20..26], b"twELFy");
        assert_eq!(&all[100..105], b"after");
        assert_eq!(&all[1 << 20..], b"fewell");
        assert_eq!(output.checksum(), of(&[(0, &all)]));
    }
}
