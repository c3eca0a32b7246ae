//! What a raw partition holds besides the dump: the kernel log and the summary, in its last 2 MiB. Readers of
//! dumps find the dump at the partition's start and ignore the rest.
//!
//! Numbers are little-endian. The trailer begins at the last multiple of 4096 that leaves 2 MiB.
//!
//! | offset | bytes | contents |
//! |---|---|---|
//! | 0 | 8 | `BATONDMP` |
//! | 8 | 4 | the version, 1 |
//! | 12 | 4 | 1 if the dump is complete, 0 if not |
//! | 16 | 8 | length of the dump |
//! | 24 | 4 | length of the kernel log |
//! | 28 | 4 | length of the summary |
//! | 32 | 32 | SHA-256 of the dump; zeros if it wasn't read back |
//! | 64 | 32 | SHA-256 of bytes 0 to 63, the kernel log and the summary |
//! | 4096 | | the kernel log, as text |
//! | 0x1c0000 | | the summary, as JSON |

use baton_kdump::Source;
use baton_kdump::write::Output;
use sha2::{Digest, Sha256};
use std::io;

/// The size of the trailer.
pub const SIZE: u64 = 2 << 20;

const MAGIC: &[u8; 8] = b"BATONDMP";
const VERSION: u32 = 1;
const HEADER: usize = 96;
const DIGESTED: usize = 64;
const LOG: u64 = 4096;
const SUMMARY: u64 = 0x1c_0000;

/// The largest kernel log that fits. Of a larger one the end is kept, which has the panic.
pub const MAX_LOG: u64 = SUMMARY - LOG;

/// The largest summary that fits.
pub const MAX_SUMMARY: u64 = SIZE - SUMMARY;

/// The contents of a trailer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trailer {
    /// Whether the dump is complete.
    pub complete: bool,
    /// The dump's length in bytes.
    pub length: u64,
    /// The dump's SHA-256, if it was read back.
    pub digest: Option<[u8; 32]>,
    /// The kernel log.
    pub log: Vec<u8>,
    /// The summary, as JSON.
    pub summary: Vec<u8>,
}

/// Why a trailer can't be read.
#[derive(Debug, thiserror::Error)]
pub enum TrailerError {
    /// The device can't be read.
    #[error("the end of the partition can't be read: {0}")]
    Io(#[from] io::Error),
    /// The partition has no trailer.
    #[error(
        "the partition has no kernel log and no summary at its end; is it one that dumps are written to?"
    )]
    None,
    /// A later version of Baton wrote the trailer.
    #[error(
        "the end of the partition has version {0}, and only version 1 is supported; use a newer baton"
    )]
    Version(u32),
    /// The digest doesn't match.
    #[error(
        "the kernel log and the summary at the end of the partition are damaged; the dump may be whole nevertheless"
    )]
    Damaged,
}

/// Where the trailer begins on a partition of this size; `None` if the partition is too small.
#[must_use]
pub fn place(size: u64) -> Option<u64> {
    let start = size.checked_sub(SIZE)? & !4095;
    (start > 0).then_some(start)
}

/// Invalidates the trailer of an earlier dump.
///
/// # Errors
/// When it can't be written.
pub fn clear(output: &dyn Output, place: u64) -> io::Result<()> {
    output.write_at(place, &[0; 4096])
}

/// Writes a trailer: first the log and the summary, then the header that makes them valid.
///
/// # Errors
/// When it can't be written.
pub fn write(output: &dyn Output, place: u64, trailer: &Trailer) -> io::Result<()> {
    let log = tail(&trailer.log, MAX_LOG);
    // A truncated summary isn't JSON, so none is written.
    let fits = trailer.summary.len() as u64 <= MAX_SUMMARY;
    let summary = if fits {
        trailer.summary.as_slice()
    } else {
        &[]
    };
    output.write_at(place + LOG, log)?;
    output.write_at(place + SUMMARY, summary)?;
    let number = |length: usize| u32::try_from(length).unwrap_or(0).to_le_bytes();
    let mut header = Vec::with_capacity(4096);
    header.extend(MAGIC);
    header.extend(VERSION.to_le_bytes());
    header.extend(u32::from(trailer.complete).to_le_bytes());
    header.extend(trailer.length.to_le_bytes());
    header.extend(number(log.len()));
    header.extend(number(summary.len()));
    header.extend(trailer.digest.unwrap_or_default());
    let digest = digest(&header, log, summary);
    header.extend(digest);
    header.resize(4096, 0);
    output.write_at(place, &header)
}

/// Reads the trailer of a partition of this size.
///
/// # Errors
/// When there is none, or it is damaged.
pub fn read(source: &dyn Source, size: u64) -> Result<Trailer, TrailerError> {
    let place = place(size).ok_or(TrailerError::None)?;
    let mut header = [0; HEADER];
    source.read_at(place, &mut header)?;
    if !header.starts_with(MAGIC) {
        return Err(TrailerError::None);
    }
    let number = |at: usize| {
        let bytes = header.get(at..at + 4).and_then(|it| it.try_into().ok());
        u32::from_le_bytes(bytes.unwrap_or_default())
    };
    if number(8) != VERSION {
        return Err(TrailerError::Version(number(8)));
    }
    let log = section(source, place + LOG, number(24), MAX_LOG)?;
    let summary = section(source, place + SUMMARY, number(28), MAX_SUMMARY)?;
    let (digested, expected) = header.split_at(DIGESTED);
    if digest(digested, &log, &summary) != expected {
        return Err(TrailerError::Damaged);
    }
    let dump: [u8; 32] = header
        .get(32..64)
        .and_then(|it| it.try_into().ok())
        .unwrap_or_default();
    Ok(Trailer {
        complete: number(12) == 1,
        length: u64::from(number(16)) | u64::from(number(20)) << 32,
        digest: (dump != [0; 32]).then_some(dump),
        log,
        summary,
    })
}

fn section(
    source: &dyn Source,
    place: u64,
    length: u32,
    max: u64,
) -> Result<Vec<u8>, TrailerError> {
    if u64::from(length) > max {
        return Err(TrailerError::Damaged);
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| TrailerError::Damaged)?];
    source.read_at(place, &mut bytes)?;
    Ok(bytes)
}

fn tail(bytes: &[u8], max: u64) -> &[u8] {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let cut = bytes.len().saturating_sub(max);
    bytes.get(cut..).unwrap_or_default()
}

fn digest(digested: &[u8], log: &[u8], summary: &[u8]) -> [u8; 32] {
    let hash = Sha256::new().chain_update(digested);
    hash.chain_update(log)
        .chain_update(summary)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A partition in memory.
    struct Partition(Mutex<Vec<u8>>);

    impl Partition {
        fn new(size: usize) -> Partition {
            Partition(Mutex::new(vec![0x5a; size]))
        }

        fn bytes(&self) -> Vec<u8> {
            self.0.lock().unwrap().clone()
        }
    }

    impl Output for Partition {
        fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
            let offset = usize::try_from(offset).unwrap();
            self.0.lock().unwrap()[offset..offset + bytes.len()].copy_from_slice(bytes);
            Ok(())
        }

        fn read_back(&self, _: u64, _: &mut [u8]) -> io::Result<bool> {
            Ok(false)
        }

        fn begins_empty(&self) -> bool {
            false
        }
    }

    const PARTITION: usize = (3 << 20) + 512;

    fn trailer() -> Trailer {
        Trailer {
            complete: true,
            length: 0x1_2345_6789,
            digest: Some([7; 32]),
            log: b"[    0.000000] Linux version\n".to_vec(),
            summary: b"{}\n".to_vec(),
        }
    }

    fn written(trailer: &Trailer) -> Vec<u8> {
        let partition = Partition::new(PARTITION);
        write(&partition, place(PARTITION as u64).unwrap(), trailer).unwrap();
        partition.bytes()
    }

    fn read_bytes(bytes: &Vec<u8>) -> Result<Trailer, TrailerError> {
        read(bytes, PARTITION as u64)
    }

    #[test]
    fn what_is_written_is_read() {
        for trailer in [
            trailer(),
            Trailer::default(),
            Trailer {
                digest: None,
                complete: false,
                ..trailer()
            },
            Trailer {
                summary: vec![b' '; usize::try_from(MAX_SUMMARY).unwrap()],
                ..trailer()
            },
        ] {
            assert_eq!(read_bytes(&written(&trailer)).unwrap(), trailer);
        }
    }

    #[test]
    fn nothing_is_written_outside_of_the_area() {
        let longest = Trailer {
            log: vec![b'x'; 4 << 20],
            summary: vec![b'y'; 4 << 20],
            ..trailer()
        };
        let bytes = written(&longest);
        let start = usize::try_from(place(PARTITION as u64).unwrap()).unwrap();
        assert_eq!(start % 4096, 0);
        assert!(bytes[..start].iter().all(|it| *it == 0x5a));
        assert!(bytes[start + (2 << 20)..].iter().all(|it| *it == 0x5a));
    }

    #[test]
    fn of_a_log_that_is_too_long_the_end_is_kept() {
        let mut log = vec![b'x'; usize::try_from(MAX_LOG).unwrap()];
        log.extend(b"Kernel panic");
        let read = read_bytes(&written(&Trailer { log, ..trailer() })).unwrap();
        assert_eq!(read.log.len() as u64, MAX_LOG);
        assert!(read.log.ends_with(b"xKernel panic"));
    }

    #[test]
    fn a_partition_without_one_says_so() {
        let empty = vec![0; PARTITION];
        assert!(matches!(read_bytes(&empty), Err(TrailerError::None)));
        assert!(matches!(read(&empty, 4096), Err(TrailerError::None)));
        assert!(matches!(read(&empty, SIZE), Err(TrailerError::None)));
        let partition = Partition::new(PARTITION);
        let start = place(PARTITION as u64).unwrap();
        write(&partition, start, &trailer()).unwrap();
        clear(&partition, start).unwrap();
        assert!(matches!(
            read_bytes(&partition.bytes()),
            Err(TrailerError::None)
        ));
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let whole = written(&trailer());
        let start = usize::try_from(place(PARTITION as u64).unwrap()).unwrap();
        let log = start + 4096..start + 4096 + trailer().log.len();
        let summary = start + 0x1c_0000..start + 0x1c_0000 + trailer().summary.len();
        for at in (start..start + HEADER).chain(log).chain(summary) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x80;
            assert!(read_bytes(&bytes).is_err(), "byte {}", at - start);
        }
    }

    #[test]
    fn a_partition_cut_off_anywhere_is_an_error() {
        let whole = written(&trailer());
        let start = usize::try_from(place(PARTITION as u64).unwrap()).unwrap();
        let end = start + 0x1c_0000 + trailer().summary.len();
        for length in (start..start + 200).chain(end - 40..end) {
            let mut cut = whole.clone();
            cut.truncate(length);
            assert!(read_bytes(&cut).is_err(), "{length}");
        }
    }
}
