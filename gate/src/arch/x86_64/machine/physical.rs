//! Physical memory behind the gate's own page tables.

use core::cell::RefCell;
use core::slice;

use super::cpu;
use crate::arch::x86_64::paging::{Levels, MapError, PageTables, Table};
use crate::memory::PAGE;
use crate::memory::PhysicalMemory;

/// Tables in the pool. With 1 GiB pages a few suffice for any machine; without them (some models of
/// virtual processors) each maps one GiB, and RAM above what fits isn't chosen.
pub const POOL: usize = 128;

/// Identity-mapped physical memory; what isn't mapped yet is mapped when it is first read.
pub struct Physical<'a> {
    tables: RefCell<PageTables<'a>>,
}

impl<'a> Physical<'a> {
    /// Tables in `pool` that map nothing yet. The pool is part of the image and lies where it is
    /// mapped one to one, so that its address is its physical address.
    pub fn new(pool: &'a mut [Table; POOL]) -> Result<Self, MapError> {
        let levels = if cpu::uses_five_levels() {
            Levels::Five
        } else {
            Levels::Four
        };
        let base = pool.as_ptr() as u64;
        let tables = PageTables::new(pool, base, levels, cpu::has_huge_pages())?;
        Ok(Self {
            tables: RefCell::new(tables),
        })
    }

    /// Maps a range. Whatever held its place in the page tables before, nothing was mapped there,
    /// so that no translation can be stale.
    pub fn map(&self, start: u64, end: u64) -> Result<(), MapError> {
        let mut tables = self.tables.borrow_mut();
        if tables.covers(start, end) {
            Ok(())
        } else {
            tables.map(start, end)
        }
    }

    /// Makes the page at `page` fault when it is touched.
    pub fn guard(&self, page: u64) -> Result<(), MapError> {
        self.tables.borrow_mut().unmap_guard(page)
    }

    /// Lets the processor use the tables.
    ///
    /// # Safety
    /// What Rust code uses from here on must have been mapped: image, stack, all that is borrowed.
    pub unsafe fn activate(&self) {
        let root = self.tables.borrow().root();
        // SAFETY: the caller's promise.
        unsafe { cpu::load_page_tables(root) }
    }
}

impl PhysicalMemory for Physical<'_> {
    fn read(&self, address: u64, length: u64) -> Option<&[u8]> {
        let end = address.checked_add(length)?;
        if address < PAGE || length == 0 || self.map(address, end).is_err() {
            return None;
        }
        // SAFETY: the range is mapped one to one, isn't null and doesn't wrap. The gate writes to
        // physical memory only once nothing borrowed from here is used any more, or to memory that
        // it found free of everything that is.
        Some(unsafe { slice::from_raw_parts(address as *const u8, length as usize) })
    }
}
