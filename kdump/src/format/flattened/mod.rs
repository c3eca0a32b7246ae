//! Flattened dumps: what makedumpfile writes to a pipe (`-F`). Each record says where in the dump its
//! bytes belong (IMPLEMENTATION of makedumpfile, "flattened format").

use crate::source::{Source, read, read_up_to};
use crate::survey::Flaw;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use zerocopy::FromBytes;

pub(crate) mod disk;
mod write;

use disk::{FileHeader, HEADER_ROOM, RecordHeader};
pub use write::FlattenedWriter;

/// How many records are kept track of: 100 MiB, enough for dumps of 256 GiB.
const MAX_RECORDS: usize = 1 << 22;

/// Why a file can't be read as a flattened dump.
#[derive(Debug, thiserror::Error)]
pub enum FlattenedError {
    /// The file can't be read.
    #[error("the flattened dump can't be read: {0}")]
    Io(#[from] io::Error),
    /// It doesn't begin as one.
    #[error("not a flattened dump: it doesn't begin with makedumpfile's signature")]
    NotFlattened,
    /// It ends before anything of the dump.
    #[error("the flattened dump is cut off: it has {0} bytes, and nothing of the dump in them")]
    CutOff(u64),
    /// Another type or version.
    #[error("a flattened dump of type {0}, version {1}: only type 1, version 1 is known")]
    Unsupported(i64, i64),
    /// A record says what can't be.
    #[error("the flattened dump is damaged: the record at {0:#x} is invalid")]
    Record(u64),
    /// More records than are kept track of.
    #[error(
        "the flattened dump has more than 2^22 records: rearrange it with `makedumpfile -R` first"
    )]
    TooMany,
}

/// Bytes of the dump and where they stand in the flattened file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    length: u64,
    at: u64,
}

/// The dump within a flattened file.
pub struct Flattened {
    source: Arc<dyn Source>,
    extents: Vec<(u64, Extent)>,
    size: u64,
    flaw: Option<Flaw>,
}

impl Flattened {
    /// Whether this may be a flattened dump, by how it begins.
    #[must_use]
    pub fn recognises(start: &[u8]) -> bool {
        start.starts_with(&disk::SIGNATURE)
    }

    /// Reads where the records belong. One that is cut off gives what is there of it, and one that can't be ends
    /// them.
    pub fn open(source: Arc<dyn Source>) -> Result<Flattened, FlattenedError> {
        let end = source.size()?;
        let start = read_up_to(&*source, 0, size_of::<FileHeader>() as u64)?;
        if !Flattened::recognises(&start) {
            return Err(FlattenedError::NotFlattened);
        }
        let header = FileHeader::read_from_bytes(&start);
        let header = header.map_err(|_| FlattenedError::CutOff(end))?;
        if end < HEADER_ROOM as u64 {
            return Err(FlattenedError::CutOff(end));
        }
        let (kind, version) = (header.kind, header.version);
        if (kind, version) != (FileHeader::CURRENT.kind, FileHeader::CURRENT.version) {
            return Err(FlattenedError::Unsupported(kind.get(), version.get()));
        }
        let mut index = Index::default();
        let flaw = index.read(&*source, end)?;
        let extents: Vec<_> = index.extents.into_iter().collect();
        if let (Some(Flaw::Record(at)), true) = (&flaw, extents.is_empty()) {
            return Err(FlattenedError::Record(*at));
        }
        if extents.is_empty() {
            return Err(FlattenedError::CutOff(end));
        }
        let size = extents.last().map_or(0, |(start, it)| start + it.length);
        Ok(Flattened {
            source,
            extents,
            size,
            flaw,
        })
    }

    /// Why it isn't whole, if it isn't.
    #[must_use]
    pub fn flaw(&self) -> Option<&Flaw> {
        self.flaw.as_ref()
    }
}

impl Source for Flattened {
    /// What no record has reads as zeros, as in a file with holes.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.fill(0);
        let first = self
            .extents
            .partition_point(|(start, it)| start + it.length <= offset);
        for (start, extent) in self.extents.get(first..).unwrap_or_default() {
            // Where the extent begins in the buffer, and the buffer in the extent.
            let before = start.saturating_sub(offset);
            let skipped = offset.saturating_sub(*start);
            let Some(part) = usize::try_from(before)
                .ok()
                .and_then(|it| buffer.get_mut(it..))
            else {
                break;
            };
            let left = usize::try_from(extent.length - skipped).unwrap_or(usize::MAX);
            let length = part.len().min(left);
            if length == 0 {
                break;
            }
            let (part, _) = part.split_at_mut(length);
            self.source.read_at(extent.at + skipped, part)?;
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }
}

#[derive(Default)]
struct Index {
    extents: BTreeMap<u64, Extent>,
}

impl Index {
    /// Reads all records' headers, up to the one that ends them, or what is wrong instead.
    fn read(&mut self, source: &dyn Source, end: u64) -> Result<Option<Flaw>, FlattenedError> {
        let mut at = HEADER_ROOM as u64;
        while end - at >= size_of::<RecordHeader>() as u64 {
            let header: RecordHeader = read(source, at)?;
            if header == RecordHeader::END {
                return Ok(None);
            }
            let Some((offset, length)) = header.place() else {
                return Ok(Some(Flaw::Record(at)));
            };
            at += size_of::<RecordHeader>() as u64;
            let length_here = length.min(end - at);
            if length_here > 0 {
                self.insert(
                    offset,
                    Extent {
                        length: length_here,
                        at,
                    },
                );
            }
            if self.extents.len() > MAX_RECORDS {
                return Err(FlattenedError::TooMany);
            }
            at += length_here;
        }
        Ok(Some(Flaw::Unended))
    }

    /// Later records replace what earlier ones wrote: makedumpfile writes its header twice.
    fn insert(&mut self, start: u64, new: Extent) {
        let end = start + new.length;
        while let Some((&old_start, &old)) = self.extents.range(..end).next_back() {
            let old_end = old_start + old.length;
            if old_end <= start {
                break;
            }
            self.extents.remove(&old_start);
            if old_end > end {
                let cut = end - old_start;
                let kept = Extent {
                    length: old.length - cut,
                    at: old.at + cut,
                };
                self.extents.insert(end, kept);
            }
            if old_start < start {
                let length = start - old_start;
                self.extents.insert(old_start, Extent { length, ..old });
            }
        }
        self.extents.insert(start, new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::flattened;

    fn whole(dump: &Flattened) -> Vec<u8> {
        let mut bytes = vec![0xee; usize::try_from(dump.size).unwrap()];
        dump.read_at(0, &mut bytes).unwrap();
        bytes
    }

    fn open(records: &[(u64, &[u8])]) -> Flattened {
        Flattened::open(Arc::new(flattened(records))).unwrap()
    }

    #[test]
    fn records_in_any_order_become_a_dump_with_holes() {
        let dump = open(&[(8, b"cd"), (0, b"ab"), (4, b"xyz")]);
        assert_eq!(dump.flaw(), None);
        assert_eq!(whole(&dump), b"ab\0\0xyz\0cd");
        let mut middle = [0; 5];
        dump.read_at(1, &mut middle).unwrap();
        assert_eq!(&middle, b"b\0\0xy");
        assert!(dump.read_at(6, &mut middle).is_err());
    }

    #[test]
    fn what_is_written_again_counts_as_it_was_last() {
        // Overlaps of each kind: within, around, before, after, the same.
        let records: [(u64, &[u8]); 6] = [
            (0, b"0123456789"),
            (3, b"ab"),
            (2, b"CDEF"),
            (8, b"xyz"),
            (0, b"-"),
            (8, b"XYZ"),
        ];
        for count in 1..=records.len() {
            let mut expected = vec![0; 16];
            let mut size = 0;
            for (at, bytes) in &records[..count] {
                let at = usize::try_from(*at).unwrap();
                expected[at..at + bytes.len()].copy_from_slice(bytes);
                size = size.max(at + bytes.len());
            }
            expected.truncate(size);
            assert_eq!(whole(&open(&records[..count])), expected);
        }
    }

    #[test]
    fn one_that_is_cut_off_gives_what_is_there() {
        let bytes = flattened(&[(0, b"abcd"), (4, b"efgh")]);
        let all = b"abcdefgh";
        for length in 0..bytes.len() {
            match Flattened::open(Arc::new(bytes[..length].to_vec())) {
                Err(error) => {
                    // It is told as cut off as soon as it is known for what it is.
                    let known = length >= disk::SIGNATURE.len();
                    match error {
                        FlattenedError::CutOff(there) => assert!(known && there == length as u64),
                        FlattenedError::NotFlattened => assert!(!known, "{length} bytes"),
                        other => panic!("{other}"),
                    }
                    assert!(length <= 4096 + 16);
                }
                Ok(dump) => {
                    assert_eq!(dump.flaw(), Some(&Flaw::Unended), "{length} bytes");
                    assert!(all.starts_with(&whole(&dump)), "{length} bytes");
                }
            }
        }
    }

    #[test]
    fn a_record_that_cannot_be_ends_those_before_it() {
        for (offset, length) in [(u64::MAX, 1), (0, u64::MAX), (0, 0), (i64::MAX as u64, 1)] {
            let with = |mut bytes: Vec<u8>| {
                bytes.extend(u64::to_be_bytes(offset));
                bytes.extend(u64::to_be_bytes(length));
                bytes.push(0);
                Flattened::open(Arc::new(bytes))
            };
            let mut bytes = flattened(&[(0, b"abc")]);
            bytes.truncate(4096);
            let opened = with(bytes);
            assert!(
                matches!(opened, Err(FlattenedError::Record(4096))),
                "{offset:#x}"
            );
            let mut bytes = flattened(&[(0, b"abc")]);
            bytes.truncate(bytes.len() - 16);
            let at = bytes.len() as u64;
            let opened = with(bytes).unwrap();
            assert_eq!(whole(&opened), b"abc");
            assert_eq!(opened.flaw(), Some(&Flaw::Record(at)));
        }
        let mut bytes = flattened(&[]);
        bytes[31] = 2;
        let error = Flattened::open(Arc::new(bytes)).err().unwrap();
        assert!(error.to_string().contains("version 2"), "{error}");
    }
}
