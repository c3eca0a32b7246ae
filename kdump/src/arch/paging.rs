//! Page tables, of whatever architecture.

use crate::memory::{Memory, Unreadable};
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};
use std::sync::Arc;

/// Why a virtual address can't be translated or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The page tables have nothing there.
    #[error("the crashed kernel has nothing mapped at {0:#x}")]
    Unmapped(u64),
    /// A page table can't be read.
    #[error("the page tables for {0:#x} can't be followed: {1}")]
    Tables(u64, Unreadable),
    /// It is translated, but its page can't be read.
    #[error("the memory at {0:#x} can't be read: {1}")]
    Page(u64, Unreadable),
}

/// Where a virtual address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translated {
    /// The physical address.
    pub physical: u64,
    /// How many bytes from there on are mapped one after another, at least.
    pub left: u64,
}

/// Makes page tables of what VMCOREINFO says.
pub(crate) type NewPaging = fn(&VmcoreInfo) -> Result<Arc<dyn Paging>, VmcoreInfoError>;

/// The page tables of a kernel.
pub(crate) trait Paging: Send + Sync {
    /// Where `address` is; `table` is told the physical address of each page table on the way.
    ///
    /// # Errors
    /// When nothing is mapped there, or a table can't be read.
    fn translate(
        &self,
        memory: &dyn Memory,
        address: u64,
        table: &mut dyn FnMut(u64),
    ) -> Result<Translated, AddressError>;
}
