//! The kernel log of a crashed kernel: printk's ring buffer, as it is since 5.10
//! (kernel/printk/printk_ringbuffer.h).
//!
//! Everything in it may be wrong: the kernel that wrote it crashed. What can't be read is counted as
//! lost; nothing is followed without bound.

use crate::address_space::{AddressError, KernelMemory};
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};
use std::ops::Range;

mod layout;
mod occupied;
mod pages;
mod panic;
mod records;
mod ring;
mod text;

pub use panic::Panic;
pub use records::{Record, Records};
use ring::Ring;
pub use text::Text;

/// Why there is no log to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// VMCOREINFO doesn't say where the log is, or how it is laid out.
    #[error("the kernel log can't be found: {0}")]
    VmcoreInfo(#[from] VmcoreInfoError),
    /// The kernel has the log as it was before 5.10.
    #[error("the kernel log can't be read: it is that of a kernel before 5.10")]
    Old,
    /// A structure's size or a member's offset can't be.
    #[error("the kernel log can't be read: the crashed kernel's VMCOREINFO has an implausible {0}")]
    Layout(String),
    /// The ring buffer itself can't be read.
    #[error("the kernel log can't be read: {0}")]
    Address(#[from] AddressError),
    /// The ring buffer says that it is larger than any can be.
    #[error("the kernel log can't be read: its ring buffer is overwritten")]
    Overwritten,
}

/// The log of a crashed kernel.
pub struct Log<'a> {
    kernel: &'a KernelMemory<'a>,
    ring: Ring,
}

impl<'a> Log<'a> {
    /// Finds the log.
    pub fn open(kernel: &'a KernelMemory<'a>, info: &VmcoreInfo) -> Result<Log<'a>, LogError> {
        let ring = Ring::read(kernel, info)?;
        Ok(Log { kernel, ring })
    }

    /// The records, oldest first.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records::new(self.kernel, &self.ring)
    }

    /// The physical memory that the log needs to be read: the log itself, what leads to it, and the
    /// page tables for it. Sorted, in whole pages of 4 KiB.
    #[must_use]
    pub fn occupied(&self) -> Vec<Range<u64>> {
        occupied::occupied(self.kernel, &self.ring)
    }
}

#[cfg(test)]
mod tests;
