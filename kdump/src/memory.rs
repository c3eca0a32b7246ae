//! The memory of a machine whose kernel crashed.

use std::ops::Range;

/// Why memory at an address can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is no such memory, or the dump never had it.
    #[error("no memory at {0:#x}")]
    Absent(u64),
    /// The dump's filter left it out.
    #[error("the page at {0:#x} was filtered out")]
    Excluded(u64),
    /// It should be there, but reading fails.
    #[error("the page at {0:#x} can't be read: {1}")]
    Damaged(u64, String),
}

/// Physical memory, read by address.
pub trait Memory: Send + Sync {
    /// Fills `buffer` with what stands at the physical `address`, or fails: never with less.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable>;

    /// The memory that there was, in bytes, sorted and apart from each other.
    fn ranges(&self) -> &[Range<u64>];

    /// Up to where, from `address` on, a filter left out all memory: `address` itself where it left out
    /// nothing, as in dumps that have all memory.
    fn excluded_until(&self, address: u64) -> u64 {
        address
    }

    /// Whether a filter left out the page at `address`.
    fn excluded(&self, address: u64) -> bool {
        self.excluded_until(address) > address
    }
}
