//! Identifies the contents of a block device by their signatures, since the initramfs has neither udev nor
//! blkid.
//!
//! Every function reads a [`Source`]; truncated structures aren't recognised.

pub mod gpt;
pub mod lvm;
mod occupant;
mod superblock;
#[cfg(test)]
mod tests;

pub use occupant::{Occupant, occupant};
pub use superblock::{Elsewhere, Owner, Superblock, superblock};

use baton_kdump::Source;

/// The bytes at an offset; `None` if the source ends before.
fn bytes<const N: usize>(source: &dyn Source, offset: u64) -> Option<[u8; N]> {
    let mut buffer = [0; N];
    source.read_at(offset, &mut buffer).ok()?;
    Some(buffer)
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
