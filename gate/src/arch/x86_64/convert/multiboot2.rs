//! Kernels with a multiboot2 header, Xen's among them ("Multiboot2 Specification version 2.0",
//! sections 3.3 and 3.6).

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use core::ops;

use baton_formats::boot_params::{BootParamsMut, LEN};
use baton_formats::elf::Elf;
use baton_formats::multiboot2::{Multiboot2, Relocatable};
use baton_verify::Reason;

use super::{Entry, Given, pvh};
use crate::arch::x86_64::X86_64;
use crate::convert::room::BELOW_4G;
use crate::convert::{Convert, Room, segments};
use crate::memory::PAGE;
use crate::plan;

/// What EAX holds (3.3).
const BOOTLOADER_MAGIC: u32 = 0x36d7_6289;

/// What the command line begins with: other loaders than GRUB 2 put the image's name there, and Xen
/// drops it (`cmdline_cook` in xen/arch/x86/setup.c).
const IMAGE_NAME: &[u8] = b"kernel ";

/// Tags of the boot information (3.6).
mod tag {
    pub const END: u32 = 0;
    pub const COMMAND_LINE: u32 = 1;
    pub const LOADER_NAME: u32 = 2;
    pub const MODULE: u32 = 3;
    pub const BASIC_MEMORY: u32 = 4;
    pub const MEMORY_MAP: u32 = 6;
    pub const OLD_RSDP: u32 = 14;
    pub const NEW_RSDP: u32 = 15;
    pub const LOAD_BASE: u32 = 21;
}

pub(super) struct Kernel<'d, 'm> {
    pub header: &'d Multiboot2<'m>,
    pub file: &'m [u8],
    pub program: Option<&'d Elf<'m>>,
}

impl<'m> Convert<'m, X86_64> for Kernel<'_, 'm> {
    fn convert(&self, given: &Given<'_, 'm>, room: &mut Room<'m>) -> Result<Entry, Reason> {
        let (base, moved) = self.place(room)?;
        let stated = match (self.header.entry(), self.program) {
            (Some(entry), _) => u64::from(entry),
            (None, program) => program.map_or(0, Elf::entry),
        };
        let machine = Machine::of(given);
        machine.stand_in_for_a_bios(given, room)?;
        let information = information(given, &machine, low(base)?, room)?;
        Ok(Entry::Protected {
            address: low(stated.wrapping_add(moved))?,
            eax: BOOTLOADER_MAGIC,
            ebx: low(room.put(information, BELOW_4G)?)?,
            trampoline: low(room.take(PAGE, PAGE, BELOW_4G)?)?,
        })
    }
}

impl<'m> Kernel<'_, 'm> {
    /// Puts the kernel where it goes; gives its address, and how far that is from the stated one,
    /// modulo 2⁶⁴.
    fn place(&self, room: &mut Room<'m>) -> Result<(u64, u64), Reason> {
        let load = self.header.load();
        let memory = match (&load, self.program) {
            (Some(load), _) => load.memory.clone(),
            (None, program) => program.map_or(0..0, Elf::physical_range),
        };
        let base = self.take(&memory, room)?;
        let moved = base.wrapping_sub(memory.start);
        match (load, self.program) {
            (Some(load), _) => {
                let bytes = self.file.get(load.file).unwrap_or_default();
                room.write(base, bytes, memory.end - memory.start);
            }
            (None, program) => {
                program
                    .into_iter()
                    .for_each(|program| segments::write(program, moved, room));
            }
        }
        Ok((base, moved))
    }

    /// Takes the memory that it states; if that isn't free, other memory that will do.
    fn take(&self, memory: &ops::Range<u64>, room: &mut Room<'m>) -> Result<u64, Reason> {
        let size = memory.end - memory.start;
        let stated = room.take_at(memory.start, size);
        match (stated, self.header.relocatable()) {
            (Ok(()), _) => Ok(memory.start),
            (Err(reason), None) => Err(reason),
            (
                Err(_),
                Some(Relocatable {
                    min, max, align, ..
                }),
            ) => {
                let window = u64::from(min).max(plan::LOWEST)..u64::from(max).saturating_add(1);
                room.take(size, u64::from(align), window)
            }
        }
    }
}

/// An address below 4 GiB.
pub(super) fn low(address: u64) -> Result<u32, Reason> {
    u32::try_from(address).map_err(|_| Reason::AddressTaken(address))
}

/// A number of bytes or of modules, which is small: there are no more than a handover has records.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where the initrds lie, which such kernels call modules, and their sizes: each by itself.
pub(super) fn modules<'m>(
    given: &Given<'_, 'm>,
    room: &mut Room<'m>,
) -> Result<Vec<(u64, u64)>, Reason> {
    let mut modules = Vec::new();
    for bytes in &given.decision.initrds {
        let address = room.put(*bytes, BELOW_4G)?;
        modules.push((address, bytes.len() as u64));
    }
    Ok(modules)
}

/// The boot information.
fn information<'m>(
    given: &Given<'_, 'm>,
    machine: &Machine,
    base: u32,
    room: &mut Room<'m>,
) -> Result<Vec<u8>, Reason> {
    let mut tags = Tags(Vec::new());
    tags.add(
        tag::COMMAND_LINE,
        &[IMAGE_NAME, &given.decision.command_line, b"\0"],
    );
    tags.add(tag::LOADER_NAME, &[b"baton-gate\0"]);
    for (start, size) in modules(given, room)? {
        let (start, end) = (low(start)?, low(start + size)?);
        tags.add(
            tag::MODULE,
            &[&start.to_le_bytes(), &end.to_le_bytes(), b"\0"],
        );
    }
    let (lower, upper) = machine.basic_memory;
    tags.add(
        tag::BASIC_MEMORY,
        &[&lower.to_le_bytes(), &upper.to_le_bytes()],
    );
    let (map, _) = pvh::memory_map(&machine.boot_params)?;
    // The size of an entry, and version 0 of it.
    tags.add(tag::MEMORY_MAP, &[&[24, 0, 0, 0, 0, 0, 0, 0], &map]);
    if let Some(rsdp) = given.arguments.own.rsdp {
        let kind = match rsdp.len() {
            0..=20 => tag::OLD_RSDP,
            _ => tag::NEW_RSDP,
        };
        tags.add(kind, &[rsdp]);
    }
    tags.add(tag::LOAD_BASE, &[&base.to_le_bytes()]);
    tags.add(tag::END, &[]);
    Ok(tags.finish())
}

/// The BIOS data area: the segment of the extended one, and the size of the memory from 0 on in KiB, 16 bits
/// each.
const EXTENDED_AREA: u64 = 0x40e;
const BASE_MEMORY_SIZE: u64 = 0x413;
/// The extended area is no lower than Xen believes it to be (trampoline_bios_setup in
/// xen/arch/x86/boot/head.S).
const LOWEST_EXTENDED_AREA: u64 = 0x4_0000;
/// Where memory below 1 MiB ends at the latest: with the screen of old.
const LOW_END: u64 = 0xa_0000;
/// Where in it the root pointer is put: it is looked for in the first KiB, at multiples of 16 (ACPI 6.5,
/// 5.2.5.1). Before it stands the area's size in KiB.
const ROOT_POINTER: usize = 16;
const AREA_KIB: u8 = 4;

/// The machine as such a kernel is shown it.
struct Machine {
    /// boot_params with the memory map.
    boot_params: [u8; LEN],
    /// KiB of memory from 0 and from 1 MiB on.
    basic_memory: (u32, u32),
    /// The extended BIOS data area that the gate makes.
    extended_area: Option<u64>,
}

impl Machine {
    /// Such kernels take a machine whose loader doesn't speak of EFI for one with a BIOS, and look for ACPI's root
    /// pointer where that leaves it; Xen does, and so does its first guest, which reads the same memory if the map
    /// calls it reserved, and has its own there if the map calls it RAM. So the gate makes an extended BIOS data
    /// area of the highest page below 640 KiB that nothing lies in, and has the map reserve it and the first page.
    fn of(given: &Given<'_, '_>) -> Self {
        let mut machine = Machine {
            boot_params: *given.template,
            basic_memory: basic_memory(given),
            extended_area: None,
        };
        if given.arguments.efi.is_none() || given.arguments.own.rsdp.is_none() {
            return machine;
        }
        let (lower, upper) = machine.basic_memory;
        let Some(area) = free_page(given) else {
            return machine;
        };
        let mut map = BootParamsMut(&mut machine.boot_params);
        if map.reserve(area, PAGE).is_ok() {
            // After a crash the map doesn't have the first page at all.
            let _ = map.reserve(0, PAGE);
            // There may be a hole before it.
            let below = u32::try_from(area / 1024).unwrap_or(lower);
            machine.basic_memory = (lower.min(below), upper);
            machine.extended_area = Some(area);
        }
        machine
    }

    /// EFI leaves nothing in the BIOS data area.
    fn stand_in_for_a_bios(
        &self,
        given: &Given<'_, '_>,
        room: &mut Room<'_>,
    ) -> Result<(), Reason> {
        let (lower, _) = self.basic_memory;
        let end = self.extended_area.map_or(lower.into(), |area| area / 1024);
        let size = u16::try_from(end).unwrap_or(0);
        if given.arguments.efi.is_none() || size == 0 {
            return Ok(());
        }
        // Xen looks below the area, or else below that size, for memory to start processors in.
        write_word(BASE_MEMORY_SIZE, size, given, room)?;
        let (Some(area), Some(rsdp)) = (self.extended_area, given.arguments.own.rsdp) else {
            return Ok(());
        };
        let segment = u16::try_from(area / 16).unwrap_or(0);
        write_word(EXTENDED_AREA, segment, given, room)?;
        let mut bytes = vec![0; ROOT_POINTER];
        bytes.splice(..1, [AREA_KIB]);
        bytes.extend_from_slice(rsdp);
        room.write(area, bytes, PAGE);
        Ok(())
    }
}

/// Writes to the BIOS data area.
fn write_word(
    address: u64,
    word: u16,
    given: &Given<'_, '_>,
    room: &mut Room<'_>,
) -> Result<(), Reason> {
    let bytes = word.to_le_bytes();
    if !plan::Range::new(address, 2).is_some_and(|range| is_untouched(given, range)) {
        return Err(Reason::BadMemoryMap(
            "the BIOS data area isn't free, which this kernel needs (start it by the firmware)",
        ));
    }
    room.write(address, bytes.to_vec(), 2);
    Ok(())
}

/// Whether nothing is known to lie in a range below 1 MiB. In a crash Linux passes on its own map, in which it has
/// reserved the first page by itself (trim_bios_range in arch/x86/kernel/setup.c).
fn is_untouched(given: &Given<'_, '_>, range: plan::Range) -> bool {
    let by_linux =
        |entry: &plan::MapEntry| given.decision.crash && entry.address == 0 && entry.size == PAGE;
    let claims = |entry: &plan::MapEntry| {
        entry.kind != plan::Use::Ram && !by_linux(entry) && entry.claims(range)
    };
    !given.arguments.map.iter().any(claims)
        && !given.taken.iter().any(|taken| taken.overlaps(range))
}

/// The highest page of RAM below 640 KiB that nothing lies in which must survive.
fn free_page(given: &Given<'_, '_>) -> Option<u64> {
    let is_free = |start: &u64| {
        plan::Range::new(*start, PAGE).is_some_and(|page| {
            plan::is_all_ram(&given.arguments.map, page) && is_untouched(given, page)
        })
    };
    let pages = LOWEST_EXTENDED_AREA / PAGE..LOW_END / PAGE;
    pages.rev().map(|number| number * PAGE).find(is_free)
}

/// KiB of memory from 0 and from 1 MiB on, up to the first hole. The first page, where the BIOS data
/// area is, is memory on every PC; in the map that Linux passes on after a crash it is no RAM.
fn basic_memory(given: &Given<'_, '_>) -> (u32, u32) {
    let from = |start: u64| {
        let holds = |entry: &&plan::MapEntry| {
            entry.kind == plan::Use::Ram
                && entry.address <= start
                && start < entry.address.saturating_add(entry.size)
        };
        let entry = given.arguments.map.iter().find(holds);
        entry.map_or(0, |entry| entry.address.saturating_add(entry.size))
    };
    let kib = |size: u64| u32::try_from(size / 1024).unwrap_or(u32::MAX);
    let upper = from(plan::LOWEST).saturating_sub(plan::LOWEST);
    (kib(from(PAGE)).min(640), kib(upper))
}

/// Tags, each at a multiple of 8 bytes, after the 8 bytes that tell the size of it all.
struct Tags(Vec<u8>);

impl Tags {
    fn add(&mut self, kind: u32, parts: &[&[u8]]) {
        let size: usize = parts.iter().map(|part| part.len()).sum();
        self.0.extend_from_slice(&kind.to_le_bytes());
        self.0.extend_from_slice(&count(size + 8).to_le_bytes());
        for part in parts {
            self.0.extend_from_slice(part);
        }
        self.0.resize(self.0.len().next_multiple_of(8), 0);
    }

    fn finish(self) -> Vec<u8> {
        let size = self.0.len() + 8;
        let mut all = Vec::with_capacity(size);
        all.extend_from_slice(&u64::from(count(size)).to_le_bytes());
        all.extend_from_slice(&self.0);
        all
    }
}
