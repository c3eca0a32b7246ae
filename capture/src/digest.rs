//! A dump as it is read back from the disk: whether it is what was written, and its digest.

use crate::checksum::Checksum;
use baton_kdump::Source;
use baton_sys::hex;
use sha2::{Digest, Sha256};
use std::io;

const CHUNK: usize = 1 << 20;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its sum, to be compared with that of what was written.
    pub checksum: Checksum,
}

/// Reads the first `length` bytes, once.
///
/// # Errors
/// When the source can't be read.
pub fn read(source: &dyn Source, length: u64) -> io::Result<Read> {
    let mut hash = Sha256::new();
    let mut checksum = Checksum::default();
    let mut buffer = vec![0; CHUNK];
    let mut done = 0;
    while done < length {
        let count = usize::try_from(length - done).map_or(CHUNK, |left| left.min(CHUNK));
        let (part, _) = buffer.split_at_mut(count);
        source.read_at(done, part)?;
        hash.update(&*part);
        checksum.add(done, part);
        done += count as u64;
    }
    let sha256 = hex::encode(hash.finalize());
    Ok(Read { sha256, checksum })
}

/// A line in the format of `sha256sum --check`.
#[must_use]
pub fn line(digest: &str, file: &str) -> String {
    format!("{digest}  {file}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_dump_and_not_of_what_follows() {
        let mut bytes = b"abc".to_vec();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(read(&bytes, 3).unwrap().sha256, abc);
        bytes.resize(5 << 20, 7);
        assert_eq!(read(&bytes, 3).unwrap().sha256, abc);
    }

    #[test]
    fn what_is_longer_than_a_chunk_is_hashed_whole() {
        let bytes: Vec<u8> = (0..CHUNK + 5).map(|it| it.to_le_bytes()[0]).collect();
        let expected = hex::encode(Sha256::digest(&bytes));
        let read = read(&bytes, bytes.len() as u64).unwrap();
        assert_eq!(read.sha256, expected);
        let mut checksum = Checksum::default();
        checksum.add(0, &bytes);
        assert_eq!(read.checksum, checksum);
    }

    #[test]
    fn a_dump_that_ends_too_early_is_an_error() {
        assert!(read(&vec![0; 10], 11).is_err());
    }
}
