//! The one way bytes are read here: with bounds, little-endian, and without arithmetic that wraps.

use core::fmt;

/// Fewer bytes are left than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds {
    /// Where the read began, in bytes from the start of the reader's slice.
    pub position: usize,
    /// How many bytes were wanted.
    pub wanted: usize,
    /// How many were left.
    pub remaining: usize,
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes wanted at offset {}, {} there",
            self.wanted, self.position, self.remaining
        )
    }
}

impl core::error::Error for OutOfBounds {}

/// Bytes are left where the structure should have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailingBytes {
    /// How many bytes are left.
    pub remaining: usize,
}

impl fmt::Display for TrailingBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes after the end", self.remaining)
    }
}

impl core::error::Error for TrailingBytes {}

/// Reads a byte slice from front to back. A read that fails moves nothing.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader {
            rest: bytes,
            position: 0,
        }
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether no byte is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], OutOfBounds> {
        let error = OutOfBounds {
            position: self.position,
            wanted: n,
            remaining: self.rest.len(),
        };
        let (head, tail) = self.rest.split_at_checked(n).ok_or(error)?;
        self.position = self.position.checked_add(n).ok_or(error)?;
        self.rest = tail;
        Ok(head)
    }

    /// The next `N` bytes, as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], OutOfBounds> {
        let (array, _) = self.rest.split_first_chunk().ok_or(OutOfBounds {
            position: self.position,
            wanted: N,
            remaining: self.rest.len(),
        })?;
        self.skip(N)?;
        Ok(*array)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, OutOfBounds> {
        self.array().map(u8::from_le_bytes)
    }

    /// Two bytes, little-endian.
    pub fn u16(&mut self) -> Result<u16, OutOfBounds> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, little-endian.
    pub fn u32(&mut self) -> Result<u32, OutOfBounds> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes, little-endian.
    pub fn u64(&mut self) -> Result<u64, OutOfBounds> {
        self.array().map(u64::from_le_bytes)
    }

    /// Passes over `n` bytes.
    pub fn skip(&mut self, n: usize) -> Result<(), OutOfBounds> {
        self.take(n).map(|_| ())
    }

    /// A reader of the next `n` bytes alone; this one goes on after them.
    pub fn sub(&mut self, n: usize) -> Result<Reader<'a>, OutOfBounds> {
        self.take(n).map(Reader::new)
    }

    /// All bytes that are left; none are left afterwards.
    pub fn rest(&mut self) -> &'a [u8] {
        let all = self.rest;
        self.position = self.position.saturating_add(all.len());
        self.rest = &[];
        all
    }

    /// Ends the reading: an error if bytes are left.
    pub fn finish(self) -> Result<(), TrailingBytes> {
        match self.rest.len() {
            0 => Ok(()),
            remaining => Err(TrailingBytes { remaining }),
        }
    }
}

/// `bytes[offset..offset + len]`, or `None` where that isn't all there.
pub fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = usize::try_from(offset.checked_add(len)?).ok()?;
    bytes.get(start..end)
}

/// The `N` bytes at `offset`.
pub fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

/// The little-endian `u16` at `offset`.
pub fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    array_at(bytes, offset).map(u16::from_le_bytes)
}

/// The little-endian `u32` at `offset`.
pub fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    array_at(bytes, offset).map(u32::from_le_bytes)
}

/// The little-endian `u64` at `offset`.
pub fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    array_at(bytes, offset).map(u64::from_le_bytes)
}

/// Whether every byte is zero.
pub fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_little_endian_integers_in_order() {
        let bytes: Vec<u8> = (1..=15).collect();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u16(), Ok(0x0302));
        assert_eq!(reader.u32(), Ok(0x0706_0504));
        assert_eq!(reader.u64(), Ok(0x0f0e_0d0c_0b0a_0908));
        assert_eq!(reader.position(), 15);
        assert!(reader.finish().is_ok());
    }

    #[test]
    fn a_read_that_fails_moves_nothing() {
        let mut reader = Reader::new(&[1, 2, 3]);
        reader.skip(1).unwrap();
        let error = OutOfBounds {
            position: 1,
            wanted: 4,
            remaining: 2,
        };
        assert_eq!(reader.u32(), Err(error));
        assert_eq!(reader.take(usize::MAX).unwrap_err().remaining, 2);
        assert_eq!((reader.position(), reader.remaining()), (1, 2));
        assert_eq!(reader.u16(), Ok(0x0302));
    }

    #[test]
    fn a_sub_reader_sees_its_bytes_alone() {
        let mut reader = Reader::new(&[1, 2, 3]);
        let mut sub = reader.sub(2).unwrap();
        assert_eq!(sub.u16(), Ok(0x0201));
        assert!(sub.u8().is_err());
        assert_eq!(reader.rest(), [3]);
        assert!(reader.is_empty());
        assert_eq!(reader.position(), 3);
    }

    #[test]
    fn refuses_to_finish_with_bytes_left() {
        let mut reader = Reader::new(&[1, 2]);
        reader.u8().unwrap();
        assert_eq!(reader.finish(), Err(TrailingBytes { remaining: 1 }));
    }

    #[test]
    fn slices_never_wrap() {
        let bytes = [1, 2, 3, 4];
        assert_eq!(slice(&bytes, 1, 2), Some(&[2, 3][..]));
        assert_eq!(slice(&bytes, 4, 0), Some(&[][..]));
        assert_eq!(slice(&bytes, 4, 1), None);
        assert_eq!(slice(&bytes, 5, 0), None);
        assert_eq!(slice(&bytes, u64::MAX, 2), None);
        assert_eq!(slice(&bytes, 2, u64::MAX), None);
    }

    #[test]
    fn reads_at_an_offset_only_what_is_there() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(u16_at(&bytes, 7), Some(0x0908));
        assert_eq!(u16_at(&bytes, 8), None);
        assert_eq!(u32_at(&bytes, 5), Some(0x0908_0706));
        assert_eq!(u64_at(&bytes, 1), Some(0x0908_0706_0504_0302));
        assert_eq!(u64_at(&bytes, 2), None);
        assert_eq!(u32_at(&bytes, usize::MAX), None);
    }
}
