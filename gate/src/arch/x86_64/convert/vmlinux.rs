//! Linux's vmlinux, an ELF file, entered by the same protocol as the bzImage that it is packed in.
//!
//! Its code finds out where it lies: it may be moved in physical memory by multiples of 2 MiB
//! (`startup_64` and `__startup_64` of arch/x86/kernel), whether it is `ET_EXEC` or `ET_DYN`, and
//! keeps its virtual addresses, so that it isn't randomised. It has no setup header of its own: the
//! gate's is left in boot_params, of which Linux reads at boot only what a boot loader sets.

use baton_formats::elf::Elf;
use baton_verify::Reason;

use super::{Entry, Given, linux};
use crate::arch::x86_64::X86_64;
use crate::convert::room::{ANYWHERE, LOWEST};
use crate::convert::{Convert, Room, segments};

/// What Linux may be moved by.
const ALIGNMENT: u64 = 2 << 20;

pub(super) struct Vmlinux<'d, 'm>(pub &'d Elf<'m>);

impl<'m> Convert<'m, X86_64> for Vmlinux<'_, 'm> {
    fn convert(&self, given: &Given<'_, 'm>, room: &mut Room<'m>) -> Result<Entry, Reason> {
        let range = self.0.physical_range();
        let start = range.start & !(ALIGNMENT - 1);
        let size = range.end - start;
        let target = room.take(size, ALIGNMENT, start.max(LOWEST)..u64::MAX)?;
        let moved = target.wrapping_sub(start);
        segments::write(self.0, moved, room);
        let page = *given.template;
        Ok(Entry::Long {
            address: self.0.entry().wrapping_add(moved),
            boot_params: linux::boot_params(page, given, ANYWHERE, room)?,
        })
    }
}
