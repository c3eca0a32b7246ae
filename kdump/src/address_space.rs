//! The crashed kernel's memory by virtual address.

use crate::arch::{self, Architecture, Machine, Paging};
pub use crate::arch::{AddressError, Translated};
use crate::memory::Memory;
use crate::source::Source;
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Why virtual addresses of a dump can't be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressSpaceError {
    /// VMCOREINFO lacks what translation needs.
    #[error(transparent)]
    VmcoreInfo(#[from] VmcoreInfoError),
    /// The architecture's page tables aren't known here.
    #[error("virtual addresses of {0} can't be translated: only those of {known} can", known = arch::translated())]
    Unsupported(Machine),
}

/// The memory of the crashed kernel by virtual address.
#[derive(Clone)]
pub struct KernelMemory<'a> {
    memory: &'a dyn Memory,
    architecture: &'static Architecture,
    paging: Arc<dyn Paging>,
}

type Result<T> = std::result::Result<T, AddressError>;

impl<'a> KernelMemory<'a> {
    /// With the page tables that VMCOREINFO names, in the memory of such a machine.
    pub fn new(
        memory: &'a dyn Memory,
        machine: Machine,
        info: &VmcoreInfo,
    ) -> std::result::Result<KernelMemory<'a>, AddressSpaceError> {
        let known = machine.architecture().and_then(|it| Some((it, it.paging?)));
        let (architecture, paging) = known.ok_or(AddressSpaceError::Unsupported(machine))?;
        Ok(KernelMemory {
            memory,
            architecture,
            paging: paging(info)?,
        })
    }

    /// What is known of the kernel's architecture.
    pub(crate) fn architecture(&self) -> &'static Architecture {
        self.architecture
    }

    /// The physical memory beneath.
    #[must_use]
    pub fn physical(&self) -> &'a dyn Memory {
        self.memory
    }

    /// Where `address` is in physical memory.
    pub fn translate(&self, address: u64) -> Result<Translated> {
        self.paging.translate(self.memory, address, &mut |_| ())
    }

    /// The physical addresses of the page tables that translating `address` reads, the top one first:
    /// without them in a dump, what stands there can't be found.
    #[must_use]
    pub fn tables(&self, address: u64) -> Vec<u64> {
        let mut tables = Vec::new();
        // As far as it goes: what can't be translated has tables, too.
        let _ = self
            .paging
            .translate(self.memory, address, &mut |table| tables.push(table));
        tables
    }

    /// Fills `buffer` with what stands at the virtual `address`, or fails: never with less.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> Result<()> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|it| !it.is_empty()) {
            let here = address
                .checked_add(done as u64)
                .ok_or(AddressError::Unmapped(address))?;
            let found = self.translate(here)?;
            let length = usize::try_from(found.left).map_or(rest.len(), |it| it.min(rest.len()));
            let (part, _) = rest.split_at_mut(length);
            self.memory
                .read(found.physical, part)
                .map_err(|error| AddressError::Page(here, error))?;
            done += length;
        }
        Ok(())
    }

    /// What stands in a range of virtual addresses, as bytes at offsets from its start.
    #[must_use]
    pub fn range(&self, addresses: Range<u64>) -> KernelRange<'a> {
        KernelRange {
            kernel: self.clone(),
            addresses,
        }
    }

    /// The 32-bit number at `address`.
    pub fn u32(&self, address: u64) -> Result<u32> {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// The 64-bit number at `address`, as a pointer or an `unsigned long`.
    pub fn u64(&self, address: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

/// Memory of the crashed kernel, from one virtual address to another.
#[derive(Clone)]
pub struct KernelRange<'a> {
    kernel: KernelMemory<'a>,
    addresses: Range<u64>,
}

impl Source for KernelRange<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.addresses.end.saturating_sub(self.addresses.start)) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let address = self.addresses.start.wrapping_add(offset);
        self.kernel.read(address, buffer).map_err(io::Error::other)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.addresses.end.saturating_sub(self.addresses.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_known_page_tables_is_refused_with_those_that_have_them() {
        assert_eq!(
            AddressSpaceError::Unsupported(Machine::Aarch64).to_string(),
            "virtual addresses of aarch64 can't be translated: only those of x86_64 can"
        );
    }
}
