//! The list of typed data that hangs off boot_params: `struct setup_data` and what it carries.
//!
//! Each node is a header of 16 bytes and `len` bytes of data, in physical memory:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | physical address of the next node, 0 for none |
//! | 8 | 4 | type |
//! | 12 | 4 | length of the data in bytes, this header not included |
//!
//! Sources: arch/x86/include/uapi/asm/setup_data.h; `struct efi_setup_data` in
//! arch/x86/include/asm/efi.h; `struct kho_scratch` in include/linux/kexec_handover.h.

use crate::reader::{OutOfBounds, Reader};
use core::fmt;

/// More e820 entries than boot_params holds; see [`crate::boot_params::E820Entry`].
pub const SETUP_E820_EXT: u32 = 1;
/// A device tree.
pub const SETUP_DTB: u32 = 2;
/// The ROM of a PCI device.
pub const SETUP_PCI: u32 = 3;
/// What of EFI a kexec'd kernel needs; see [`EfiSetupData`].
pub const SETUP_EFI: u32 = 4;
/// Properties of Apple's devices.
pub const SETUP_APPLE_PROPERTIES: u32 = 5;
/// The Jailhouse hypervisor's.
pub const SETUP_JAILHOUSE: u32 = 6;
/// Confidential computing.
pub const SETUP_CC_BLOB: u32 = 7;
/// IMA's measurement list; see [`ImaSetupData`].
pub const SETUP_IMA: u32 = 8;
/// Seed for the random number generator.
pub const SETUP_RNG_SEED: u32 = 9;
/// Kexec HandOver; see [`KhoData`].
pub const SETUP_KEXEC_KHO: u32 = 10;
/// The data is a [`SetupIndirect`]; its own type is this bit and the type it stands for.
pub const SETUP_INDIRECT: u32 = 1 << 31;

/// Length of a node's header, in bytes.
pub const HEADER_LEN: usize = 16;
/// The longest list that is followed. Linux passes five or so.
pub const MAX_NODES: usize = 64;

/// The header of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetupDataHeader {
    /// The physical address of the next node; 0 for none.
    pub next: u64,
    /// The type, one of `SETUP_*`.
    pub kind: u32,
    /// The length of the data after the header, in bytes.
    pub len: u32,
}

impl SetupDataHeader {
    /// Reads a header.
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Self {
        let [next, kind_and_len] = words(bytes);
        let [k0, k1, k2, k3, l0, l1, l2, l3] = kind_and_len.to_le_bytes();
        SetupDataHeader {
            next,
            kind: u32::from_le_bytes([k0, k1, k2, k3]),
            len: u32::from_le_bytes([l0, l1, l2, l3]),
        }
    }

    /// The header as it stands in memory.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let fields = self.next.to_le_bytes().into_iter();
        let fields = fields
            .chain(self.kind.to_le_bytes())
            .chain(self.len.to_le_bytes());
        let mut bytes = [0; HEADER_LEN];
        bytes
            .iter_mut()
            .zip(fields)
            .for_each(|(to, from)| *to = from);
        bytes
    }
}

fn words(bytes: &[u8; 16]) -> [u64; 2] {
    let value = u128::from_le_bytes(*bytes);
    // Truncation is what separates the halves.
    #[allow(clippy::cast_possible_truncation)]
    [value as u64, (value >> 64) as u64]
}

/// A node: where it lies and its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// The physical address of the header; the data follows [`HEADER_LEN`] bytes later.
    pub address: u64,
    /// The header.
    pub header: SetupDataHeader,
}

/// Why a list can't be followed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListError {
    /// The node at this physical address can't be read, or its data would wrap around.
    Unreadable(u64),
    /// More than [`MAX_NODES`] nodes: the list is probably a cycle.
    TooLong,
}

/// Follows a list, node by node, and ends whatever is in it. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Nodes<F> {
    next: u64,
    seen: usize,
    read: F,
}

impl<F: FnMut(u64) -> Option<[u8; HEADER_LEN]>> Nodes<F> {
    /// Follows the list whose first node is at `first` (0: an empty list). `read` gets a header
    /// from a physical address, or `None` if that may not be read.
    pub fn new(first: u64, read: F) -> Self {
        Nodes {
            next: first,
            seen: 0,
            read,
        }
    }

    fn node(&mut self, address: u64) -> Result<Node, ListError> {
        if self.seen >= MAX_NODES {
            return Err(ListError::TooLong);
        }
        self.seen = self.seen.saturating_add(1);
        let unreadable = ListError::Unreadable(address);
        let bytes = (self.read)(address).ok_or(unreadable)?;
        let header = SetupDataHeader::parse(&bytes);
        address
            .checked_add(HEADER_LEN as u64)
            .and_then(|data| data.checked_add(header.len.into()))
            .ok_or(unreadable)?;
        Ok(Node { address, header })
    }
}

impl<F: FnMut(u64) -> Option<[u8; HEADER_LEN]>> Iterator for Nodes<F> {
    type Item = Result<Node, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        let address = core::mem::take(&mut self.next);
        if address == 0 {
            return None;
        }
        let node = self.node(address);
        if let Ok(node) = node {
            self.next = node.header.next;
        }
        Some(node)
    }
}

/// The data of [`SETUP_EFI`]: physical addresses that the EFI system table has no longer, because
/// the first kernel switched it to virtual ones. 96 bytes, 64 of them reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EfiSetupData {
    /// The firmware vendor's name.
    pub fw_vendor: u64,
    /// The configuration tables.
    pub tables: u64,
    /// The SMBIOS table.
    pub smbios: u64,
}

impl EfiSetupData {
    /// Its length, in bytes.
    pub const LEN: usize = 96;
    /// Where in it the configuration tables' address stands, `u64`.
    pub const TABLES: usize = 16;

    /// Reads it from the start of a node's data.
    pub fn parse(data: &[u8]) -> Result<Self, OutOfBounds> {
        let mut reader = Reader::new(data).sub(Self::LEN)?;
        let fw_vendor = reader.u64()?;
        reader.skip(8)?; // unused
        Ok(EfiSetupData {
            fw_vendor,
            tables: reader.u64()?,
            smbios: reader.u64()?,
        })
    }
}

/// A range of physical memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhysRange {
    /// Its address.
    pub addr: u64,
    /// Its size in bytes.
    pub size: u64,
}

impl PhysRange {
    /// Its length where it is stored, in bytes.
    pub const LEN: usize = 16;

    fn read(reader: &mut Reader<'_>) -> Result<Self, OutOfBounds> {
        Ok(PhysRange {
            addr: reader.u64()?,
            size: reader.u64()?,
        })
    }

    /// Reads it from the start of `data`.
    pub fn parse(data: &[u8]) -> Result<Self, OutOfBounds> {
        Self::read(&mut Reader::new(data))
    }
}

/// The data of [`SETUP_IMA`] (`struct ima_setup_data`): where the measurement list lies.
pub type ImaSetupData = PhysRange;

/// An entry of the table that [`KhoData::scratch_addr`] points to (`struct kho_scratch`): memory
/// that the next kernel may use freely while everything else may be preserved.
pub type KhoScratch = PhysRange;

/// The data of [`SETUP_KEXEC_KHO`] (`struct kho_data`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KhoData {
    /// The physical address of the device tree that lists what is preserved.
    pub fdt_addr: u64,
    /// Its size in bytes.
    pub fdt_size: u64,
    /// The physical address of the table of scratch areas, see [`KhoScratch`].
    pub scratch_addr: u64,
    /// Its size in bytes.
    pub scratch_size: u64,
}

impl KhoData {
    /// Its length, in bytes.
    pub const LEN: usize = 32;

    /// Reads it from the start of a node's data.
    pub fn parse(data: &[u8]) -> Result<Self, OutOfBounds> {
        let mut reader = Reader::new(data);
        Ok(KhoData {
            fdt_addr: reader.u64()?,
            fdt_size: reader.u64()?,
            scratch_addr: reader.u64()?,
            scratch_size: reader.u64()?,
        })
    }
}

/// The data of a node with [`SETUP_INDIRECT`]: the real data lies elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetupIndirect {
    /// The data's type: [`SETUP_INDIRECT`] and one of the others.
    pub kind: u32,
    /// Where the data lies. (It is stored size first.)
    pub range: PhysRange,
}

impl SetupIndirect {
    /// Its length, in bytes.
    pub const LEN: usize = 24;

    /// Reads it from the start of a node's data.
    pub fn parse(data: &[u8]) -> Result<Self, OutOfBounds> {
        let mut reader = Reader::new(data);
        let kind = reader.u32()?;
        reader.skip(4)?; // reserved
        let size = reader.u64()?;
        let addr = reader.u64()?;
        Ok(SetupIndirect {
            kind,
            range: PhysRange { addr, size },
        })
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListError::Unreadable(at) => write!(f, "setup_data at {at:#x} can't be read"),
            ListError::TooLong => {
                write!(
                    f,
                    "setup_data has more than {MAX_NODES} nodes, or is a cycle"
                )
            }
        }
    }
}

impl core::error::Error for ListError {}

#[cfg(test)]
mod tests;
