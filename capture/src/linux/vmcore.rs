//! `/proc/vmcore` as a [`Source`].

use baton_kdump::Source;
use baton_sys::vmcore::Vmcore;
use std::io;
use std::path::Path;

/// The memory of the crashed kernel, read through mappings.
pub struct VmcoreSource(Vmcore);

impl VmcoreSource {
    /// Opens the memory of the crashed kernel.
    ///
    /// # Errors
    /// As [`Vmcore::open`].
    pub fn open(path: &Path) -> io::Result<VmcoreSource> {
        Ok(VmcoreSource(Vmcore::open(path)?))
    }
}

impl Source for VmcoreSource {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.size())
    }
}
