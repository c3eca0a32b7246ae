//! Identifies the contents of a block device by their signatures, since the initramfs has neither udev nor
//! blkid.
//!
//! Every function reads a [`Source`]. Truncated structures aren't recognised; a device that gives no answer isn't taken for
//! one that holds nothing.

pub mod gpt;
pub mod luks;
pub mod lvm;
pub mod md;
mod occupant;
mod superblock;
#[cfg(test)]
mod tests;

pub use occupant::{Occupant, occupant};
pub use superblock::{Elsewhere, Member, Owner, Superblock, superblock};

use baton_kdump::Source;
use std::io::{self, ErrorKind};

/// The bytes at an offset; `None` if the source ends before.
///
/// # Errors
/// When they can't be read.
fn bytes<const N: usize>(source: &dyn Source, offset: u64) -> io::Result<Option<[u8; N]>> {
    let mut buffer = [0; N];
    let read = source.read_at(offset, &mut buffer);
    Ok(within(source, offset, N, read)?.map(|()| buffer))
}

/// What was read; `None` if the source ends before. A disk that is gone may also be said to end.
fn within<T>(
    source: &dyn Source,
    offset: u64,
    length: usize,
    read: io::Result<T>,
) -> io::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            let end = offset.saturating_add(length as u64);
            if end <= source.size()? {
                return Err(error);
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Part of a block; `None` if the block ends before.
fn array<const N: usize>(block: &[u8], at: usize) -> Option<[u8; N]> {
    block.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A UUID as blkid shows it, its bytes in the order in which they are stored.
fn uuid(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A label, up to its first zero byte.
fn label(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0);
    let label = bytes.get(..end.unwrap_or(bytes.len()))?;
    (!label.is_empty()).then(|| String::from_utf8_lossy(label).into_owned())
}
