//! `struct boot_params`, the "zero page" that x86 Linux is entered with.
//!
//! Sources: arch/x86/include/uapi/asm/bootparam.h and Documentation/arch/x86/zero-page.rst, whose
//! names are used here; Documentation/arch/x86/boot.rst for the setup header inside it.

mod screen_info;

#[cfg(test)]
mod tests;

pub use screen_info::{Colour, ScreenInfo, VIDEO_TYPE_EFI};

use crate::bzimage::{SETUP_HEADER_LIMIT, SETUP_HEADER_OFFSET};
use crate::reader::{Reader, array_at};
use core::fmt;

/// The length of boot_params, in bytes.
pub const LEN: usize = 4096;
/// The most e820 entries that boot_params holds.
pub const MAX_E820: u8 = 128;
/// The length of an e820 entry, in bytes.
pub const E820_ENTRY_LEN: usize = 20;
/// `type_of_loader` of kexec: 0xD, version 0.
pub const LOADER_KEXEC: u8 = 0xd0;
/// [`EfiInfo::signature`] of 64-bit EFI.
pub const EFI_SIGNATURE_64: [u8; 4] = *b"EL64";
/// [`BootParams::secure_boot`]: Secure Boot is known to be off.
pub const SECURE_BOOT_DISABLED: u8 = 2;
/// [`BootParams::secure_boot`]: Secure Boot is on.
pub const SECURE_BOOT_ENABLED: u8 = 3;

/// Offsets in boot_params, in bytes.
pub mod offset {
    /// `screen_info`, 64 bytes.
    pub const SCREEN_INFO: usize = 0x000;
    /// `acpi_rsdp_addr`, `u64`.
    pub const ACPI_RSDP_ADDR: usize = 0x070;
    /// `ext_ramdisk_image`, `u32`: the high half of `ramdisk_image`.
    pub const EXT_RAMDISK_IMAGE: usize = 0x0c0;
    /// `ext_ramdisk_size`, `u32`: the high half of `ramdisk_size`.
    pub const EXT_RAMDISK_SIZE: usize = 0x0c4;
    /// `ext_cmd_line_ptr`, `u32`: the high half of `cmd_line_ptr`.
    pub const EXT_CMD_LINE_PTR: usize = 0x0c8;
    /// `efi_info`, 32 bytes.
    pub const EFI_INFO: usize = 0x1c0;
    /// `e820_entries`, `u8`.
    pub const E820_ENTRIES: usize = 0x1e8;
    /// `secure_boot`, `u8`.
    pub const SECURE_BOOT: usize = 0x1ec;
    /// `hdr.type_of_loader`, `u8`.
    pub const TYPE_OF_LOADER: usize = 0x210;
    /// `hdr.ramdisk_image`, `u32`.
    pub const RAMDISK_IMAGE: usize = 0x218;
    /// `hdr.ramdisk_size`, `u32`.
    pub const RAMDISK_SIZE: usize = 0x21c;
    /// `hdr.cmd_line_ptr`, `u32`.
    pub const CMD_LINE_PTR: usize = 0x228;
    /// `hdr.cmdline_size`, `u32`.
    pub const CMDLINE_SIZE: usize = 0x238;
    /// u32: the kind of platform.
    pub const HARDWARE_SUBARCH: usize = 0x23c;
    /// u64: what it needs besides.
    pub const HARDWARE_SUBARCH_DATA: usize = 0x240;
    /// `hdr.setup_data`, `u64`.
    pub const SETUP_DATA: usize = 0x250;
    /// `e820_table`, 128 entries of 20 bytes.
    pub const E820_TABLE: usize = 0x2d0;
}

/// What is wrong with boot_params.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootParamsError {
    /// More e820 entries than there is room for.
    E820Count(u8),
    /// A setup header of so many bytes doesn't fit.
    SetupHeader(usize),
    /// There is no RAM in the memory map that holds all of a range, or no entry left to tell it apart.
    NotReserved,
}

/// An entry of the e820 memory map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct E820Entry {
    /// The physical address.
    pub addr: u64,
    /// The size in bytes.
    pub size: u64,
    /// What the memory is; [`E820Entry::RAM`] is usable.
    pub kind: u32,
}

impl E820Entry {
    /// Usable memory.
    pub const RAM: u32 = 1;
    /// Reserved memory.
    pub const RESERVED: u32 = 2;
    /// ACPI tables.
    pub const ACPI: u32 = 3;
    /// ACPI non-volatile storage.
    pub const NVS: u32 = 4;
    /// RAM that holds a kernel's setup_data, for as long as that runs (`E820_TYPE_RESERVED_KERN` in
    /// arch/x86/include/asm/e820/types.h of Linux 6.12 and older).
    pub const SETUP_DATA: u32 = 128;

    /// Reads an entry; `None` if `bytes` is too short.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(E820Entry {
            addr: reader.u64().ok()?,
            size: reader.u64().ok()?,
            kind: reader.u32().ok()?,
        })
    }

    /// The address after its last byte; `None` if that wraps around.
    pub fn end(&self) -> Option<u64> {
        self.addr.checked_add(self.size)
    }

    /// Whether both are RAM, and the other one begins where this one ends.
    fn continues_in(&self, next: &Self) -> bool {
        self.kind == Self::RAM && next.kind == Self::RAM && self.end() == Some(next.addr)
    }
}

const NO_ENTRY: E820Entry = E820Entry {
    addr: 0,
    size: 0,
    kind: 0,
};

/// `struct efi_info`: where the firmware's tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EfiInfo {
    /// [`EFI_SIGNATURE_64`], or zeros where the machine wasn't booted by EFI.
    pub signature: [u8; 4],
    /// Physical address of the system table.
    pub systab: u64,
    /// Physical address of the memory map.
    pub memmap: u64,
    /// Size of the memory map in bytes.
    pub memmap_size: u32,
    /// Size of a descriptor in the memory map, in bytes.
    pub memdesc_size: u32,
    /// Version of the descriptors.
    pub memdesc_version: u32,
}

/// boot_params, to be read.
#[derive(Clone, Copy, Debug)]
pub struct BootParams<'a>(pub &'a [u8; LEN]);

impl<'a> BootParams<'a> {
    /// The `N` bytes at `OFFSET`, which the compiler has checked to be inside.
    fn field<const OFFSET: usize, const N: usize>(&self) -> [u8; N] {
        const { assert!(OFFSET + N <= LEN) };
        array_at(self.0, OFFSET).unwrap_or([0; N])
    }

    fn u32<const OFFSET: usize>(&self) -> u32 {
        u32::from_le_bytes(self.field::<OFFSET, 4>())
    }

    fn u64<const OFFSET: usize>(&self) -> u64 {
        u64::from_le_bytes(self.field::<OFFSET, 8>())
    }

    /// A `u64` in two halves that don't lie together.
    fn halves<const LOW: usize, const HIGH: usize>(&self) -> u64 {
        join(self.u32::<LOW>(), self.u32::<HIGH>())
    }

    /// The memory map. Entries may overlap and wrap around: they are not judged.
    pub fn e820(&self) -> Result<impl Iterator<Item = E820Entry> + use<'a>, BootParamsError> {
        let [count] = self.field::<{ offset::E820_ENTRIES }, 1>();
        if count > MAX_E820 {
            return Err(BootParamsError::E820Count(count));
        }
        let table = self.0.get(offset::E820_TABLE..).unwrap_or_default();
        Ok(table
            .chunks_exact(E820_ENTRY_LEN)
            .take(count.into())
            .filter_map(E820Entry::parse))
    }

    /// The initrd's physical address and its size in bytes.
    pub fn ramdisk(&self) -> (u64, u64) {
        (
            self.halves::<{ offset::RAMDISK_IMAGE }, { offset::EXT_RAMDISK_IMAGE }>(),
            self.halves::<{ offset::RAMDISK_SIZE }, { offset::EXT_RAMDISK_SIZE }>(),
        )
    }

    /// The command line's physical address; 0 if there is none.
    pub fn cmdline(&self) -> u64 {
        self.halves::<{ offset::CMD_LINE_PTR }, { offset::EXT_CMD_LINE_PTR }>()
    }

    /// The longest command line that the kernel takes whose setup header this is.
    pub fn cmdline_size(&self) -> u32 {
        self.u32::<{ offset::CMDLINE_SIZE }>()
    }

    /// The physical address of the first [setup_data](crate::setup_data) node; 0 if there is none.
    pub fn setup_data(&self) -> u64 {
        self.u64::<{ offset::SETUP_DATA }>()
    }

    /// `hardware_subarch` and its data: the kind of platform, 0 for a PC.
    pub fn hardware_subarch(&self) -> (u32, u64) {
        (
            self.u32::<{ offset::HARDWARE_SUBARCH }>(),
            self.u64::<{ offset::HARDWARE_SUBARCH_DATA }>(),
        )
    }

    /// The state of Secure Boot, as the first kernel was told: [`SECURE_BOOT_ENABLED`], …
    pub fn secure_boot(&self) -> u8 {
        let [state] = self.field::<{ offset::SECURE_BOOT }, 1>();
        state
    }

    /// The physical address of ACPI's root pointer; 0 if it is to be looked for.
    pub fn rsdp(&self) -> u64 {
        self.u64::<{ offset::ACPI_RSDP_ADDR }>()
    }

    /// The type of the boot loader.
    pub fn type_of_loader(&self) -> u8 {
        let [kind] = self.field::<{ offset::TYPE_OF_LOADER }, 1>();
        kind
    }

    /// Where the firmware's tables are.
    pub fn efi_info(&self) -> EfiInfo {
        const AT: usize = offset::EFI_INFO;
        EfiInfo {
            signature: self.field::<AT, 4>(),
            systab: self.halves::<{ AT + 0x04 }, { AT + 0x18 }>(),
            memdesc_size: self.u32::<{ AT + 0x08 }>(),
            memdesc_version: self.u32::<{ AT + 0x0c }>(),
            memmap: self.halves::<{ AT + 0x10 }, { AT + 0x1c }>(),
            memmap_size: self.u32::<{ AT + 0x14 }>(),
        }
    }

    /// What the firmware's screen is like.
    pub fn screen_info(&self) -> ScreenInfo {
        ScreenInfo::parse(&self.field::<{ offset::SCREEN_INFO }, { ScreenInfo::LEN }>())
    }
}

/// boot_params, to be changed.
#[derive(Debug)]
pub struct BootParamsMut<'a>(pub &'a mut [u8; LEN]);

impl BootParamsMut<'_> {
    /// The same, to be read.
    pub fn as_ref(&self) -> BootParams<'_> {
        BootParams(self.0)
    }

    fn set<const OFFSET: usize, const N: usize>(&mut self, bytes: [u8; N]) {
        const { assert!(OFFSET + N <= LEN) };
        let field = self.0.get_mut(OFFSET..).unwrap_or_default();
        field
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = from);
    }

    fn set_halves<const LOW: usize, const HIGH: usize>(&mut self, value: u64) {
        let [l0, l1, l2, l3, h0, h1, h2, h3] = value.to_le_bytes();
        self.set::<LOW, 4>([l0, l1, l2, l3]);
        self.set::<HIGH, 4>([h0, h1, h2, h3]);
    }

    /// Replaces the setup header by a kernel's own
    /// ([`BzImage::setup_header`](crate::bzimage::BzImage::setup_header)). What it doesn't reach
    /// of the old one becomes zero. All that a boot loader sets in it has to be set again.
    pub fn install_setup_header(&mut self, header: &[u8]) -> Result<(), BootParamsError> {
        let place = self
            .0
            .get_mut(SETUP_HEADER_OFFSET..SETUP_HEADER_LIMIT)
            .unwrap_or_default();
        if header.len() > place.len() {
            return Err(BootParamsError::SetupHeader(header.len()));
        }
        place.fill(0);
        place
            .iter_mut()
            .zip(header)
            .for_each(|(to, from)| *to = *from);
        Ok(())
    }

    /// Sets the initrd's physical address and its size in bytes; 0 and 0 for none.
    pub fn set_ramdisk(&mut self, addr: u64, size: u64) {
        self.set_halves::<{ offset::RAMDISK_IMAGE }, { offset::EXT_RAMDISK_IMAGE }>(addr);
        self.set_halves::<{ offset::RAMDISK_SIZE }, { offset::EXT_RAMDISK_SIZE }>(size);
    }

    /// Sets the physical address of the command line, which ends with a NUL.
    pub fn set_cmdline(&mut self, addr: u64) {
        self.set_halves::<{ offset::CMD_LINE_PTR }, { offset::EXT_CMD_LINE_PTR }>(addr);
    }

    /// Sets the physical address of the first setup_data node.
    pub fn set_setup_data(&mut self, addr: u64) {
        self.set::<{ offset::SETUP_DATA }, 8>(addr.to_le_bytes());
    }

    /// Sets `hardware_subarch` and its data.
    pub fn set_hardware_subarch(&mut self, (kind, data): (u32, u64)) {
        self.set::<{ offset::HARDWARE_SUBARCH }, 4>(kind.to_le_bytes());
        self.set::<{ offset::HARDWARE_SUBARCH_DATA }, 8>(data.to_le_bytes());
    }

    /// Makes a range that lies in an entry of RAM a reserved one, so that no later kernel uses it either.
    pub fn reserve(&mut self, addr: u64, size: u64) -> Result<(), BootParamsError> {
        let full = BootParamsError::NotReserved;
        let end = addr.checked_add(size).filter(|_| size > 0).ok_or(full)?;
        let mut table = [NO_ENTRY; MAX_E820 as usize];
        let mut count = 0;
        let mut found = false;
        let mut add = |entry: E820Entry| -> Result<(), BootParamsError> {
            if entry.size > 0 {
                *table.get_mut(count).ok_or(full)? = entry;
                count = count.saturating_add(1);
            }
            Ok(())
        };
        for entry in self.as_ref().e820()? {
            let last = entry.end().unwrap_or(0);
            if found || entry.kind != E820Entry::RAM || addr < entry.addr || end > last {
                add(entry)?;
                continue;
            }
            found = true;
            let part = |addr, end: u64, kind| E820Entry {
                addr,
                size: end.saturating_sub(addr),
                kind,
            };
            add(part(entry.addr, addr, E820Entry::RAM))?;
            add(part(addr, end, E820Entry::RESERVED))?;
            add(part(end, last, E820Entry::RAM))?;
        }
        if !found {
            return Err(full);
        }
        self.set_e820(table.get(..count).unwrap_or_default());
        Ok(())
    }

    /// Makes RAM of what held the setup_data of the kernel that was left, in one entry with the RAM that it was cut
    /// out of: each kernel on the way would mark more of it, and kexec passes on no more than [`MAX_E820`] entries.
    pub fn free_setup_data(&mut self) -> Result<(), BootParamsError> {
        let mut table = [NO_ENTRY; MAX_E820 as usize];
        let mut count = 0_usize;
        let mut freed = false;
        for mut entry in self.as_ref().e820()? {
            let joins = freed;
            freed = entry.kind == E820Entry::SETUP_DATA;
            if freed {
                entry.kind = E820Entry::RAM;
            }
            let last = count.checked_sub(1).and_then(|last| table.get_mut(last));
            match last.filter(|last| (joins || freed) && last.continues_in(&entry)) {
                Some(last) => last.size = last.size.saturating_add(entry.size),
                None => {
                    let free = table.get_mut(count);
                    *free.ok_or(BootParamsError::E820Count(MAX_E820))? = entry;
                    count = count.saturating_add(1);
                }
            }
        }
        self.set_e820(table.get(..count).unwrap_or_default());
        Ok(())
    }

    /// Replaces the memory map; what is more than [`MAX_E820`] entries is left out.
    fn set_e820(&mut self, entries: &[E820Entry]) {
        let table = self.0.get_mut(offset::E820_TABLE..).unwrap_or_default();
        let mut count = 0_u8;
        for (place, entry) in table
            .chunks_exact_mut(E820_ENTRY_LEN)
            .zip(entries.iter().take(MAX_E820.into()))
        {
            let fields = entry.addr.to_le_bytes().into_iter();
            let fields = fields
                .chain(entry.size.to_le_bytes())
                .chain(entry.kind.to_le_bytes());
            place
                .iter_mut()
                .zip(fields)
                .for_each(|(to, from)| *to = from);
            count = count.saturating_add(1);
        }
        self.set::<{ offset::E820_ENTRIES }, 1>([count]);
    }

    /// Takes away all that tells of EFI.
    pub fn clear_efi_info(&mut self) {
        self.set::<{ offset::EFI_INFO }, 32>([0; 32]);
    }

    /// Sets the type of the boot loader, for instance [`LOADER_KEXEC`].
    pub fn set_type_of_loader(&mut self, kind: u8) {
        self.set::<{ offset::TYPE_OF_LOADER }, 1>([kind]);
    }
}

fn join(low: u32, high: u32) -> u64 {
    (u64::from(high) << 32) | u64::from(low)
}

impl fmt::Display for BootParamsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootParamsError::E820Count(n) => {
                write!(f, "{n} e820 entries; boot_params has room for {MAX_E820}")
            }
            BootParamsError::SetupHeader(n) => {
                write!(f, "a setup header of {n} bytes doesn't fit boot_params")
            }
            BootParamsError::NotReserved => {
                f.write_str("the memory map has no RAM there, or no entry left to reserve it by")
            }
        }
    }
}

impl core::error::Error for BootParamsError {}
