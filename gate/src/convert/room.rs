//! Free memory, and what is put there.

extern crate alloc;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops;

use baton_verify::Reason;

use crate::memory::PAGE;
use crate::plan::{Free, Range};

/// Below 16 MiB lies what old devices' DMA can reach; no kernel prefers it.
pub const LOWEST: u64 = 0x100_0000;
/// Anywhere a kernel would want something to be.
pub const ANYWHERE: ops::Range<u64> = LOWEST..u64::MAX;
/// Where 32 bits reach.
pub const BELOW_4G: ops::Range<u64> = LOWEST..1 << 32;

/// Bytes to be written to physical memory, which nothing overlaps that is borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write<'m> {
    /// The physical address they go to.
    pub to: u64,
    /// The bytes.
    pub bytes: Cow<'m, [u8]>,
    /// How many bytes are written, at least as many: those after `bytes` are zero.
    pub size: u64,
}

/// Memory that is free, and what has been put into what was.
pub struct Room<'m> {
    free: Free,
    writes: Vec<Write<'m>>,
}

impl<'m> Room<'m> {
    /// Nothing is put there yet.
    #[must_use]
    pub fn new(free: Free) -> Self {
        Self {
            free,
            writes: Vec::new(),
        }
    }

    pub(crate) fn into_writes(self) -> Vec<Write<'m>> {
        self.writes
    }

    /// Takes `size` bytes within `window`, aligned to `align` (a power of two), and gives their
    /// address.
    pub fn take(&mut self, size: u64, align: u64, window: ops::Range<u64>) -> Result<u64, Reason> {
        let found = self.free.find(size, align, window)?;
        self.free.remove(found);
        Ok(found.start)
    }

    /// Takes this very range.
    pub fn take_at(&mut self, address: u64, size: u64) -> Result<(), Reason> {
        let taken = Reason::AddressTaken(address);
        let Some(range) = Range::new(address, size).filter(|range| self.free.covers(*range)) else {
            return Err(taken);
        };
        self.free.remove(range);
        Ok(())
    }

    /// Writes bytes, and zeros after them up to `size`, to memory that was taken.
    pub fn write(&mut self, to: u64, bytes: impl Into<Cow<'m, [u8]>>, size: u64) {
        let bytes = bytes.into();
        self.writes.push(Write { to, bytes, size });
    }

    /// Puts bytes on pages of their own within `window`, and gives their address.
    pub fn put(
        &mut self,
        bytes: impl Into<Cow<'m, [u8]>>,
        window: ops::Range<u64>,
    ) -> Result<u64, Reason> {
        let bytes = bytes.into();
        let size = bytes.len() as u64;
        let address = self.take(size, PAGE, window)?;
        self.write(address, bytes, size);
        Ok(address)
    }
}
