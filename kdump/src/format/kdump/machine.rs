//! Which machine a dump is of, where its header doesn't name one.
//!
//! QEMU writes `Unknown` where the name belongs, since the guest's kernel never stated it (create_header64,
//! dump/dump.c); `virsh dump` has its dumps from there.

use super::Header;
use crate::machine::{Machine, UNNAMED};
use crate::note::{Notes, PRSTATUS};
use crate::vmcoreinfo::VmcoreInfo;

/// sizeof(struct elf_prstatus) (include/linux/elfcore.h) with the registers of each machine.
const STATUS_X86_64: usize = 336;
const STATUS_AARCH64: usize = 392;

/// Whether this names no machine.
pub(super) fn is_unnamed(name: &str) -> bool {
    matches!(name, "" | UNNAMED)
}

/// The machine that the header names, or else the one of which the notes, or VMCOREINFO, are. Without
/// either, it is one whose pages are as large as the dump's blocks: QEMU takes 4 KiB for x86-64, and 64 KiB
/// for arm64, whatever its kernel uses (cpu_get_dump_info, target/arm/arch_dump.c).
pub(super) fn of(header: &Header, notes: &[u8], vmcoreinfo: &[u8]) -> Machine {
    let name = header.utsname.machine.as_str();
    if !is_unnamed(name) {
        return Machine::of_utsname(name);
    }
    stated(notes, vmcoreinfo).unwrap_or(match header.block() {
        0x1000 => Machine::X86_64,
        _ => Machine::Aarch64,
    })
}

fn stated(notes: &[u8], vmcoreinfo: &[u8]) -> Option<Machine> {
    let mut by_registers = None;
    let mut by_kernel = kernel(vmcoreinfo);
    for note in Notes::new(notes).flatten() {
        match note.name {
            b"CORE" if note.kind == PRSTATUS => {
                by_registers.get_or_insert(match note.description.len() {
                    STATUS_X86_64 => Machine::X86_64,
                    STATUS_AARCH64 => Machine::Aarch64,
                    _ => Machine::Other(0),
                });
            }
            b"VMCOREINFO" => by_kernel = by_kernel.or_else(|| kernel(note.description)),
            _ => {}
        }
    }
    by_kernel.or(by_registers)
}

/// What only a kernel for one machine says: arch/x86/kernel/vmcore_info_64.c, arch/arm64/kernel/vmcore_info.c.
fn kernel(text: &[u8]) -> Option<Machine> {
    let info = VmcoreInfo::parse(text);
    let says = |key: &str| info.get(key).is_some();
    match () {
        () if says("SYMBOL(init_top_pgt)") || says("SYMBOL(init_level4_pgt)") => {
            Some(Machine::X86_64)
        }
        () if says("NUMBER(kimage_voffset)") => Some(Machine::Aarch64),
        () => None,
    }
}
