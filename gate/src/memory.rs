//! Reading physical memory through one narrow door, so that all that parses it runs on the host too.

/// Bytes in a page of memory.
pub const PAGE: u64 = 0x1000;

/// Physical memory, as the code that parses it sees it.
pub trait PhysicalMemory {
    /// The `length` bytes at the physical address `address`, or `None` where they can't be read:
    /// the range is empty, wraps, holds the null page, or can't be mapped.
    ///
    /// The bytes must not change while they are borrowed. In the gate nothing else runs: the old
    /// kernel stopped the other processors. Devices may still write to memory after a panic, but neither
    /// to what was reserved for a crash nor to what firmware keeps, where all lies that is read then. The
    /// RAM that the map of a crash lists is more than that (`crash_memory`).
    fn read(&self, address: u64, length: u64) -> Option<&[u8]>;

    /// As [`PhysicalMemory::read`], for a length known at compile time.
    fn array<const N: usize>(&self, address: u64) -> Option<&[u8; N]> {
        self.read(address, N as u64)?.first_chunk()
    }
}
