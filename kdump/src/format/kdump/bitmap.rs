//! A bitmap of page frames in the file: which are set, and how many are before each.
//!
//! Only a count for each block of it is held in memory: 8 bytes for 128 MiB.

use crate::bits::{Bits, REGION, REGION_BYTES};
use crate::cache::Cache;
use crate::source::Source;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// How many bytes of the bitmap are looked at together.
const BLOCK: usize = REGION_BYTES;
/// How many such blocks are read at once where all are counted.
const MANY: usize = 64;
/// How many frames a block has.
const FRAMES: u64 = BLOCK as u64 * 8;
/// More ranges than the memory of any machine has.
const MAX_RANGES: usize = 1 << 20;

pub(super) struct Bitmap {
    at: u64,
    frames: u64,
    /// How many frames are set before each block.
    before: Vec<u64>,
    total: u64,
    blocks: Cache,
}

impl Bitmap {
    /// The bitmap at `at`, for so many frames: they must be within the source.
    pub(super) fn read(source: &dyn Source, at: u64, frames: u64) -> io::Result<Bitmap> {
        let mut bitmap = Bitmap {
            at,
            frames,
            before: Vec::new(),
            total: 0,
            blocks: Cache::new(8),
        };
        let mut bytes = Vec::new();
        for number in (0..frames.div_ceil(FRAMES)).step_by(MANY) {
            bitmap.blocks_from(source, number, MANY as u64, &mut bytes)?;
            for block in bytes.chunks(BLOCK) {
                bitmap.before.push(bitmap.total);
                bitmap.total += ones(block);
            }
        }
        Ok(bitmap)
    }

    /// The bits of a block.
    fn fetch(&self, source: &dyn Source, number: u64) -> io::Result<Arc<[u8]>> {
        let mut bytes = Vec::new();
        self.blocks_from(source, number, 1, &mut bytes)?;
        Ok(bytes.into())
    }

    /// The bits of some blocks, as far as there are so many; those beyond the last frame are cleared.
    fn blocks_from(
        &self,
        source: &dyn Source,
        number: u64,
        count: u64,
        bytes: &mut Vec<u8>,
    ) -> io::Result<()> {
        let frames = self.frames.saturating_sub(number * FRAMES);
        let frames = frames.min(count * FRAMES);
        bytes.resize(usize::try_from(frames.div_ceil(8)).unwrap_or(0), 0);
        source.read_at(self.at + number * BLOCK as u64, bytes)?;
        if let (Some(last), 1..) = (bytes.last_mut(), frames % 8) {
            *last &= (1 << (frames % 8)) - 1;
        }
        Ok(())
    }

    fn block(&self, source: &dyn Source, number: u64) -> io::Result<Arc<[u8]>> {
        self.blocks.get(number, || self.fetch(source, number))
    }

    /// How many frames are set in all.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Whether the frame is set.
    pub(super) fn has(&self, source: &dyn Source, frame: u64) -> io::Result<bool> {
        if frame >= self.frames {
            return Ok(false);
        }
        let block = self.block(source, frame / FRAMES)?;
        let byte = usize::try_from(frame % FRAMES / 8).ok();
        let byte = byte.and_then(|it| block.get(it)).copied().unwrap_or(0);
        Ok(byte >> (frame % 8) & 1 == 1)
    }

    /// Whether the frame is set, and up to where those after it are as it is: no further than the block.
    pub(super) fn run(&self, source: &dyn Source, frame: u64) -> io::Result<(bool, u64)> {
        let end = ((frame / FRAMES).saturating_add(1)).saturating_mul(FRAMES);
        if frame >= self.frames {
            return Ok((false, u64::MAX));
        }
        let block = self.block(source, frame / FRAMES)?;
        let set = self.has(source, frame)?;
        // Eight at once, where all of them are alike.
        let alike = if set { u8::MAX } else { 0 };
        let mut next = frame + 1;
        while next < end.min(self.frames) {
            let byte = usize::try_from(next % FRAMES / 8).ok();
            let byte = byte.and_then(|it| block.get(it)).copied().unwrap_or(0);
            if next.is_multiple_of(8) && byte == alike {
                next += 8;
            } else if (byte >> (next % 8) & 1 == 1) == set {
                next += 1;
            } else {
                break;
            }
        }
        Ok((set, next.min(end)))
    }

    /// How many frames before this one are set.
    pub(super) fn rank(&self, source: &dyn Source, frame: u64) -> io::Result<u64> {
        let number = frame / FRAMES;
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(before) = self.before.get(index).filter(|_| frame < self.frames) else {
            return Ok(self.total);
        };
        let block = self.block(source, number)?;
        let inside = usize::try_from(frame % FRAMES / 8).unwrap_or(0);
        let (whole, rest) = block.split_at_checked(inside).unwrap_or((&block, &[]));
        let mask = (1u8 << (frame % 8)) - 1;
        let last = rest.first().map_or(0, |it| (it & mask).count_ones());
        Ok(before + ones(whole) + u64::from(last))
    }

    /// The frames of a block.
    fn bits(&self, source: &dyn Source, number: u64) -> io::Result<Bits> {
        let block = self.fetch(source, number)?;
        let mut bytes = [0; REGION_BYTES];
        for (byte, of_block) in bytes.iter_mut().zip(block.iter()) {
            *byte = *of_block;
        }
        Ok(Bits::from_bytes(&bytes))
    }

    /// Whether a block of it has any frame.
    fn has_some(&self, number: usize) -> bool {
        let before = self.before.get(number);
        let after = self.before.get(number + 1).unwrap_or(&self.total);
        before.is_some_and(|before| before < after)
    }

    /// The frames that are set in it or in another of as many frames, one range after another; `None` if there
    /// are too many.
    pub(super) fn ranges_with(
        &self,
        other: &Bitmap,
        source: &dyn Source,
    ) -> io::Result<Option<Vec<Range<u64>>>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for (index, number) in (0..self.frames.div_ceil(FRAMES)).enumerate() {
            if !self.has_some(index) && !other.has_some(index) {
                continue;
            }
            let mut bits = self.bits(source, number)?;
            bits.insert_all(&other.bits(source, number)?);
            for run in bits.runs(0..REGION) {
                let first = number * FRAMES;
                let (start, end) = (first + run.start as u64, first + run.end as u64);
                match ranges.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    _ => ranges.push(start..end),
                }
            }
            if ranges.len() > MAX_RANGES {
                return Ok(None);
            }
        }
        Ok(Some(ranges))
    }
}

/// A block without frames, of which bitmaps with few of them have many.
static NONE: [u8; BLOCK] = [0; BLOCK];

fn ones(bytes: &[u8]) -> u64 {
    if NONE.starts_with(bytes) {
        return 0;
    }
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|it| u64::from_le_bytes(*it).count_ones());
    let rest = rest.iter().map(|it| it.count_ones());
    words.chain(rest).map(u64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_and_found_as_one_by_one() {
        let bytes: Vec<u8> = (0..10_000u32)
            .map(|it| (it * it / 7).to_le_bytes()[0])
            .collect();
        for frames in [0, 1, 7, 8, 32_767, 32_768, 32_769, 79_993, 80_000] {
            let bitmap = Bitmap::read(&bytes, 0, frames).unwrap();
            let set = |frame: u64| {
                let byte = bytes[usize::try_from(frame / 8).unwrap()];
                byte >> (frame % 8) & 1 == 1 && frame < frames
            };
            let mut before = 0;
            for frame in 0..frames {
                assert_eq!(bitmap.has(&bytes, frame).unwrap(), set(frame));
                assert_eq!(
                    bitmap.rank(&bytes, frame).unwrap(),
                    before,
                    "{frame} of {frames}"
                );
                before += u64::from(set(frame));
            }
            assert_eq!(bitmap.total(), before);
            assert_eq!(bitmap.rank(&bytes, frames).unwrap(), before);
            assert!(!bitmap.has(&bytes, frames).unwrap());
            let mut next = 0;
            while next < frames {
                let (is, end) = bitmap.run(&bytes, next).unwrap();
                assert!(next < end && (next..end).all(|it| set(it) == is));
                assert!(end >= frames || end % 32_768 == 0 || set(end) != is);
                next = end;
            }
            let all = |other: &Bitmap| bitmap.ranges_with(other, &bytes).unwrap().unwrap();
            let expected = (0..frames).filter(|it| set(*it));
            assert!(all(&bitmap).into_iter().flatten().eq(expected));
            // Another, of which the bytes begin later.
            let other = Bitmap::read(&bytes, 5, frames.min(70_000)).unwrap();
            if frames <= 70_000 {
                let either = |it: &u64| set(*it) || other.has(&bytes, *it).unwrap();
                let expected = (0..frames).filter(either);
                assert!(all(&other).into_iter().flatten().eq(expected));
            }
        }
    }
}
