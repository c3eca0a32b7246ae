//! Which machine a dump is of, where its header doesn't name one.
//!
//! QEMU writes `Unknown` where the name belongs, since the guest's kernel never stated it (create_header64,
//! dump/dump.c); `virsh dump` has its dumps from there.

use super::Header;
use crate::arch::{self, Machine, UNNAMED};
use crate::note::{Notes, PRSTATUS};
use crate::vmcoreinfo::VmcoreInfo;

/// Whether this names no machine.
pub(super) fn is_unnamed(name: &str) -> bool {
    matches!(name, "" | UNNAMED)
}

/// The machine that the header names, or else the one of which the notes, or VMCOREINFO, are. Without
/// either, the size of the dump's blocks tells.
pub(super) fn of(header: &Header, notes: &[u8], vmcoreinfo: &[u8]) -> Machine {
    let name = header.utsname.machine.as_str();
    if !is_unnamed(name) {
        return Machine::of_utsname(name);
    }
    stated(notes, vmcoreinfo).unwrap_or_else(|| Machine::of_block(header.block()))
}

fn stated(notes: &[u8], vmcoreinfo: &[u8]) -> Option<Machine> {
    let mut by_registers = None;
    let mut by_kernel = kernel(vmcoreinfo);
    for note in Notes::new(notes).flatten() {
        match note.name {
            b"CORE" if note.kind == PRSTATUS => {
                let known = arch::find(|it| it.prstatus_len == note.description.len());
                by_registers.get_or_insert(known.map_or(Machine::Other(0), |it| it.machine));
            }
            b"VMCOREINFO" => by_kernel = by_kernel.or_else(|| kernel(note.description)),
            _ => {}
        }
    }
    by_kernel.or(by_registers)
}

/// The machine for which alone a kernel says such things.
fn kernel(text: &[u8]) -> Option<Machine> {
    let info = VmcoreInfo::parse(text);
    let known = arch::find(|it| it.its_own.iter().any(|key| info.get(key).is_some()));
    known.map(|it| it.machine)
}
