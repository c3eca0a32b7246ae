//! What the old kernel passed on: read once, with bounds, and remembered as plain values.
//!
//! All of it was put together by the kernel (arch/x86/kernel/kexec-bzimage64.c), but for the
//! command line and the handover, whose bytes user space chose.

extern crate alloc;

use alloc::vec::Vec;
use baton_formats::boot_params::{BootParams, E820_ENTRY_LEN, E820Entry, EFI_SIGNATURE_64};
use baton_formats::reader::u64_at;
use baton_formats::setup_data::{
    self, EfiSetupData, HEADER_LEN, ImaSetupData, KhoData, ListError, Node, Nodes, SetupIndirect,
};
use baton_verify::Reason;

use super::{Cpu, X86_64};
use crate::arguments::{EfiAddresses, ToldIn};
use crate::memory::{PAGE, PhysicalMemory};
use crate::plan::{MapEntry, Range, Use};
use crate::scratch;

/// The least length of an EFI_MEMORY_DESCRIPTOR.
const EFI_DESCRIPTOR: u32 = 40;
/// EfiBootServicesCode and EfiBootServicesData (UEFI 2.10, 7.2.1).
const BOOT_TIME: [u32; 2] = [3, 4];
/// Longer than any kernel takes; where the NUL is looked for.
const MAX_CMDLINE: u64 = 0x1000;

/// What the old kernel passed on to an x86-64 PC.
pub type Arguments<'m> = crate::arguments::Arguments<'m, X86_64>;

/// What only x86-64 has.
pub struct Own<'m> {
    /// Where boot_params lies; the next kernel finds its own at the same place.
    pub address: u64,
    /// The page of boot_params as it was passed.
    pub boot_params: &'m [u8; 4096],
    /// ACPI's root pointer structure, if the old kernel passed on where it is and it can be read.
    pub rsdp: Option<&'m [u8]>,
}

impl<'m> Arguments<'m> {
    /// Reads boot_params at the physical address `address` and all it points to.
    ///
    /// # Errors
    /// `BadBootParams` or `BadMemoryMap`, naming what can't be right.
    #[inline(never)] // Smaller code: the caller's frame stays short.
    pub fn read<M: PhysicalMemory>(memory: &'m M, address: u64) -> Result<Self, Reason> {
        let boot_params = memory
            .array(address)
            .ok_or(Reason::BadBootParams("boot_params can't be read"))?;
        let view = BootParams(boot_params);
        let (handover_address, size) = view.ramdisk();
        let handover = memory
            .read(handover_address, size)
            .ok_or(Reason::BadBootParams(
                "there is no handover: load the gate with a handover as its initrd",
            ))?;
        let cmdline = command_line(memory, boot_params)?;
        let mut arguments = Self {
            own: Own {
                address,
                boot_params,
                rsdp: rsdp(memory, view.rsdp()),
            },
            cpu: Cpu::default(),
            cmdline,
            handover,
            handover_address,
            map: memory_map(boot_params)?,
            out_of_reach: Vec::new(),
            keep: Vec::new(),
            loaded: Vec::new(),
            scratch: None,
            efi: None,
        };
        arguments.keep_loaded(address, 4096)?;
        arguments.keep_loaded(handover_address, size)?;
        arguments.keep_loaded(view.cmdline(), cmdline.len() as u64 + 1)?;
        arguments.read_efi_map(memory, &view)?;
        arguments.read_setup_data(memory, &view)?;
        Ok(arguments)
    }

    /// The EFI memory map lies beside boot_params; the next kernel reads it in place. Its regions
    /// are firmware's at run time, or boot-time data that the old kernel kept: the memory map may
    /// call the latter RAM, since it is that of the firmware (efi_arch_mem_reserve in
    /// arch/x86/platform/efi/quirks.c changes another).
    fn read_efi_map<M: PhysicalMemory>(
        &mut self,
        memory: &M,
        view: &BootParams<'_>,
    ) -> Result<(), Reason> {
        let efi = view.efi_info();
        if efi.systab != 0 {
            // The tables of other EFI are laid out differently: what is read of them would be something else.
            if efi.signature != EFI_SIGNATURE_64 {
                return Err(Reason::BadBootParams("there is EFI that isn't of 64 bits"));
            }
            self.efi = Some(EfiAddresses {
                system_table: efi.systab,
                config_tables: 0,
                told_at: 0,
                told_in: ToldIn::Loaded,
                map: None,
            });
        }
        if efi.memmap_size == 0 {
            return Ok(());
        }
        self.keep_loaded(efi.memmap, u64::from(efi.memmap_size))?;
        let descriptors = memory
            .read(efi.memmap, u64::from(efi.memmap_size))
            .filter(|_| efi.memdesc_size >= EFI_DESCRIPTOR)
            .ok_or(Reason::BadBootParams("the EFI memory map can't be read"))?;
        for descriptor in descriptors.chunks_exact(efi.memdesc_size as usize) {
            self.keep_region(descriptor)?;
        }
        Ok(())
    }

    /// One EFI_MEMORY_DESCRIPTOR (UEFI 2.10, 7.2.3): its type at 0, its start at 8, its 4 KiB pages at 24.
    ///
    /// Boot-time data in the first page Linux passes on because it never frees that page, and not for what is
    /// in it (efi_reserve_boot_services in arch/x86/platform/efi/quirks.c).
    fn keep_region(&mut self, descriptor: &[u8]) -> Result<(), Reason> {
        let field = |offset| u64_at(descriptor, offset).unwrap_or(0);
        let size = field(24)
            .checked_mul(PAGE)
            .ok_or(Reason::BadBootParams("an EFI memory region wraps"))?;
        let boot_time = descriptor
            .first_chunk()
            .is_some_and(|kind| BOOT_TIME.contains(&u32::from_le_bytes(*kind)));
        match field(8) {
            0 if boot_time => self.keep(PAGE, size.saturating_sub(PAGE)),
            start => self.keep(start, size),
        }
    }

    fn read_setup_data<M: PhysicalMemory>(
        &mut self,
        memory: &M,
        view: &BootParams<'_>,
    ) -> Result<(), Reason> {
        for node in Nodes::new(view.setup_data(), |address| memory.array(address).copied()) {
            let node = node.map_err(|error| match error {
                ListError::Unreadable(_) => {
                    Reason::BadBootParams("a setup_data node can't be read")
                }
                ListError::TooLong => Reason::BadBootParams("the setup_data list doesn't end"),
            })?;
            self.read_node(memory, &node)?;
        }
        // Without it nothing tells where the tables are that may hold revocations.
        match self.efi {
            Some(efi) if efi.config_tables == 0 => {
                Err(Reason::BadBootParams("there is EFI, but no SETUP_EFI"))
            }
            _ => Ok(()),
        }
    }

    fn read_node<M: PhysicalMemory>(&mut self, memory: &M, node: &Node) -> Result<(), Reason> {
        let length = u64::from(node.header.len);
        self.keep_loaded(node.address, HEADER_LEN as u64 + length)?;
        if length == 0 {
            return Ok(());
        }
        // `Nodes` has checked that this doesn't wrap.
        let data = memory
            .read(node.address.saturating_add(HEADER_LEN as u64), length)
            .ok_or(Reason::BadBootParams(
                "a setup_data node's data can't be read",
            ))?;
        self.read_data(memory, node, data)
    }

    fn read_data<M: PhysicalMemory>(
        &mut self,
        memory: &M,
        node: &Node,
        data: &[u8],
    ) -> Result<(), Reason> {
        let short = |_| Reason::BadBootParams("a setup_data node is too short for its kind");
        match node.header.kind {
            setup_data::SETUP_E820_EXT => self.extend_map(data),
            setup_data::SETUP_EFI => {
                let efi = EfiSetupData::parse(data).map_err(short)?;
                if let Some(addresses) = &mut self.efi {
                    addresses.config_tables = efi.tables;
                    addresses.told_at = node
                        .address
                        .saturating_add((HEADER_LEN + EfiSetupData::TABLES) as u64);
                }
                Ok(())
            }
            setup_data::SETUP_IMA => {
                let ima = ImaSetupData::parse(data).map_err(short)?;
                self.keep_loaded(ima.addr, ima.size)
            }
            setup_data::SETUP_INDIRECT => {
                let indirect = SetupIndirect::parse(data).map_err(short)?;
                self.keep_loaded(indirect.range.addr, indirect.range.size)
            }
            setup_data::SETUP_KEXEC_KHO => {
                let kho = KhoData::parse(data).map_err(short)?;
                self.read_kho(memory, &kho)
            }
            _ => Ok(()),
        }
    }

    fn extend_map(&mut self, data: &[u8]) -> Result<(), Reason> {
        let (entries, rest) = data.as_chunks::<E820_ENTRY_LEN>();
        if !rest.is_empty() {
            return Err(Reason::BadMemoryMap(
                "its extension does not end with an entry",
            ));
        }
        for entry in entries {
            self.map.extend(E820Entry::parse(entry).map(map_entry));
        }
        Ok(())
    }

    fn read_kho<M: PhysicalMemory>(&mut self, memory: &M, kho: &KhoData) -> Result<(), Reason> {
        self.keep_loaded(kho.fdt_addr, kho.fdt_size)?;
        self.keep_loaded(kho.scratch_addr, kho.scratch_size)?;
        let list = Range::new(kho.scratch_addr, kho.scratch_size).ok_or(Reason::BadBootParams(
            "the Kexec HandOver scratch list can't be read",
        ))?;
        self.scratch = Some(scratch::areas(memory, list)?);
        Ok(())
    }
}

/// The RSDP at this address (ACPI 6.5, 5.2.5.3): 36 bytes, or 20 of revision 0.
fn rsdp<M: PhysicalMemory>(memory: &M, address: u64) -> Option<&[u8]> {
    let old = memory
        .read(address, 20)
        .filter(|rsdp| rsdp.starts_with(b"RSD PTR "))?;
    match old.get(15) {
        Some(0) => Some(old),
        _ => memory.read(address, 36),
    }
}

/// The memory map of `boot_params`.
///
/// # Errors
/// `BadMemoryMap` if it claims more entries than there is room for.
fn memory_map(boot_params: &[u8; 4096]) -> Result<Vec<MapEntry>, Reason> {
    let entries = BootParams(boot_params)
        .e820()
        .map_err(|_| Reason::BadMemoryMap("it has more than 128 entries"))?;
    let mut map = Vec::new();
    for entry in entries {
        map.push(map_entry(entry));
    }
    Ok(map)
}

fn map_entry(entry: E820Entry) -> MapEntry {
    let kind = match entry.kind {
        E820Entry::RAM => Use::Ram,
        E820Entry::SETUP_DATA => Use::SetupData,
        _ => Use::Reserved,
    };
    MapEntry {
        address: entry.addr,
        size: entry.size,
        kind,
    }
}

/// The command line that the old kernel passed on with boot_params at `address`, before all else is read.
///
/// # Errors
/// As [`Arguments::read`], for these.
pub fn early_command_line<M: PhysicalMemory>(memory: &M, address: u64) -> Result<&[u8], Reason> {
    let boot_params = memory
        .array(address)
        .ok_or(Reason::BadBootParams("boot_params can't be read"))?;
    command_line(memory, boot_params)
}

/// The command line that `boot_params` point to, without its NUL.
///
/// # Errors
/// `BadBootParams` if it can't be read or doesn't end.
fn command_line<'m, M: PhysicalMemory>(
    memory: &'m M,
    boot_params: &[u8; 4096],
) -> Result<&'m [u8], Reason> {
    let address = BootParams(boot_params).cmdline();
    if address == 0 {
        return Ok(&[]);
    }
    // Near the end of memory fewer bytes than the longest line may be there; a page always is.
    let in_page = 4096 - address % 4096;
    let bytes = memory
        .read(address, MAX_CMDLINE)
        .or_else(|| memory.read(address, in_page))
        .ok_or(Reason::BadBootParams("the command line can't be read"))?;
    let length = bytes.iter().position(|&byte| byte == 0);
    length
        .and_then(|length| bytes.get(..length))
        .ok_or(Reason::BadBootParams("the command line does not end"))
}
