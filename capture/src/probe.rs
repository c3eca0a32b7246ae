//! What a block device holds, by the few bytes that say so. There is no udev and no blkid here.
//!
//! Every function reads a [`Source`] and takes what is cut off for something else.

pub mod gpt;
mod occupant;
mod superblock;
#[cfg(test)]
mod tests;

pub use occupant::{Occupant, occupant};
pub use superblock::{Elsewhere, Found, Kind, superblock};

use baton_kdump::Source;

/// The bytes at an offset, `None` where there aren't so many.
fn bytes<const N: usize>(source: &dyn Source, offset: u64) -> Option<[u8; N]> {
    let mut buffer = [0; N];
    source.read_at(offset, &mut buffer).ok()?;
    Some(buffer)
}

/// A part of a block that was read.
fn array<const N: usize>(block: &[u8], at: usize) -> Option<[u8; N]> {
    block.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Sixteen bytes as blkid shows them, in their own order.
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
