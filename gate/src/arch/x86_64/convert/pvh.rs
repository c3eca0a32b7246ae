//! Xen's boot protocol for hardware virtual machines (PVH), which other kernels than Linux take on
//! bare machines, too ("x86/HVM direct boot ABI", docs/misc/pvh.pandoc in Xen).
//!
//! `struct hvm_start_info`, version 1 (xen/include/public/arch-x86/hvm/start_info.h in Xen):
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 + 4 + 4 | magic 0x336ec578, version 1, flags 0 |
//! | 12 | 4 | how many modules there are |
//! | 16 | 8 | address of the list of modules |
//! | 24 | 8 | address of the command line |
//! | 32 | 8 | address of the RSDP |
//! | 40 | 8 | address of the memory map |
//! | 48 | 4 + 4 | how many entries that has, 0 |
//!
//! A module is its address, its size, the address of its command line, and 0, of 8 bytes each; an
//! entry of the memory map 8 bytes of address, 8 of size, 4 of type, 4 of 0.

extern crate alloc;

use alloc::vec::Vec;

use baton_formats::boot_params::{BootParams, LEN};
use baton_formats::elf::Elf;
use baton_verify::Reason;

use super::{Entry, Given, linux, multiboot2};
use crate::arch::x86_64::X86_64;
use crate::convert::room::BELOW_4G;
use crate::convert::{Convert, Room, segments};
use crate::memory::PAGE;

const MAGIC: u32 = 0x336e_c578;
const VERSION: u32 = 1;

pub(super) struct Pvh<'d, 'm> {
    pub program: &'d Elf<'m>,
    pub entry: u64,
}

impl<'m> Convert<'m, X86_64> for Pvh<'_, 'm> {
    fn convert(&self, given: &Given<'_, 'm>, room: &mut Room<'m>) -> Result<Entry, Reason> {
        segments::take_stated(self.program, room)?;
        segments::write(self.program, 0, room);
        let info = start_info(given, room)?;
        Ok(Entry::Protected {
            address: multiboot2::low(self.entry)?,
            eax: 0,
            ebx: multiboot2::low(room.put(info, BELOW_4G)?)?,
            trampoline: multiboot2::low(room.take(PAGE, PAGE, BELOW_4G)?)?,
        })
    }
}

fn start_info<'m>(given: &Given<'_, 'm>, room: &mut Room<'m>) -> Result<Vec<u8>, Reason> {
    let modules = multiboot2::modules(given, room)?;
    let mut list = Vec::new();
    for (start, size) in &modules {
        add(&mut list, &[*start, *size, 0, 0]);
    }
    let list = if list.is_empty() {
        0
    } else {
        room.put(list, BELOW_4G)?
    };
    let line = linux::terminated(&given.decision.command_line);
    let line = room.put(line, BELOW_4G)?;
    let (map, entries) = memory_map(given.template)?;
    let map = room.put(map, BELOW_4G)?;
    let rsdp = BootParams(given.arguments.own.boot_params).rsdp();
    let mut info = Vec::new();
    for field in [MAGIC, VERSION, 0, multiboot2::count(modules.len())] {
        info.extend_from_slice(&field.to_le_bytes());
    }
    add(&mut info, &[list, line, rsdp, map, u64::from(entries)]);
    Ok(info)
}

/// Adds fields of 8 bytes, or of 4 bytes and 4 of 0.
fn add(bytes: &mut Vec<u8>, fields: &[u64]) {
    for field in fields {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
}

/// The memory map as PVH and multiboot2 have it, and how many entries it has.
pub(super) fn memory_map(boot_params: &[u8; LEN]) -> Result<(Vec<u8>, u32), Reason> {
    let entries = BootParams(boot_params)
        .e820()
        .map_err(|_| Reason::BadMemoryMap("it has more than 128 entries"))?;
    let (mut bytes, mut count) = (Vec::new(), 0);
    for entry in entries {
        let kind = u64::from(entry.kind);
        add(&mut bytes, &[entry.addr, entry.size, kind]);
        count += 1;
    }
    Ok((bytes, count))
}
