//! What kexec_load loads: the gate, what it is handed, and the arguments that the kernel's own loader would make
//! (arch/x86/kernel/kexec-bzimage64.c), laid out in memory here. For kernels that have no other system call.
//!
//! Between the kernels runs no more than a jump: kexec clears all registers but the stack's
//! (arch/x86/kernel/relocate_kernel_64.S), and the gate wants boot_params in `%rsi`. It needs no stack, no descriptors
//! and no page tables besides those of kexec, which map what is loaded.

use super::running;
use crate::failure::Result;
use crate::failure::load::LoadError;
use baton_formats::boot_params::{BootParamsMut, LEN, LOADER_KEXEC};
use baton_formats::bzimage::BzImage;
use baton_sys::kexec::Segment;
use baton_sys::{Root, memory};
use std::ops::Range;

/// What kexec copies and maps at once.
const PAGE: u64 = 4096;
/// Below lies what firmware may still use.
const LOWEST: u64 = 1 << 20;
/// The distance of the 64-bit entry from where the image is loaded (Documentation/arch/x86/boot.rst).
const ENTRY: u64 = 0x200;
/// Where in the arguments the jump is, after boot_params, and the command line after it.
const JUMP: usize = LEN;
const COMMAND_LINE: usize = JUMP + 32;

/// What is loaded, and where.
#[derive(Debug)]
pub struct Layout<'a> {
    gate: &'a [u8],
    gate_at: Range<u64>,
    handover: &'a [u8],
    handover_at: Range<u64>,
    arguments: Vec<u8>,
    arguments_at: Range<u64>,
}

/// Lays out a gate and its handover in memory that is free, from above.
///
/// # Errors
/// When there is no room, the gate isn't one, or the kernel doesn't show how it was started.
pub fn lay_out<'a>(
    root: &Root,
    gate: &'a [u8],
    handover: &'a [u8],
    cmdline: &[u8],
) -> Result<Layout<'a>> {
    let told = running::page(root)?.ok_or(LoadError::NoKexecLoad(
        "the kernel doesn't show how it was started (/sys/kernel/boot_params)",
    ))?;
    let image = BzImage::parse(gate).map_err(|_| LoadError::NoKexecLoad(NOT_A_GATE))?;
    let mut free = memory::free_ram(root)?;
    let gate_size = u64::from(image.init_size()).max(image.protected_mode().len() as u64);
    let gate_at = take(&mut free, gate_size, image.kernel_alignment().into())?;
    let handover_at = take(&mut free, handover.len() as u64, PAGE)?;
    let arguments_at = take(&mut free, (COMMAND_LINE + cmdline.len() + 1) as u64, PAGE)?;
    let entry = gate_at.start + ENTRY;
    let initrd = (handover_at.start, handover.len() as u64);
    Ok(Layout {
        gate: image.protected_mode(),
        gate_at,
        handover,
        handover_at,
        arguments: arguments(told, &image, arguments_at.start, initrd, entry, cmdline),
        arguments_at,
    })
}

/// boot_params, the jump and the command line, to lie at this address.
fn arguments(
    told: [u8; LEN],
    image: &BzImage<'_>,
    at: u64,
    (initrd, initrd_len): (u64, u64),
    entry: u64,
    cmdline: &[u8],
) -> Vec<u8> {
    let mut page = told;
    let mut params = BootParamsMut(&mut page);
    // It fits: that of an image is cut to what boot_params have room for.
    let _ = params.install_setup_header(image.setup_header());
    params.set_type_of_loader(LOADER_KEXEC);
    params.set_setup_data(0);
    params.set_ramdisk(initrd, initrd_len);
    params.set_cmdline(at + COMMAND_LINE as u64);
    let mut arguments = page.to_vec();
    arguments.extend(jump(at, entry));
    arguments.resize(COMMAND_LINE, 0);
    arguments.extend(cmdline);
    arguments.push(0);
    arguments
}

const NOT_A_GATE: &str = "the gate is no boot image; build it again (baton gate build)";

/// The highest place of that size and alignment, which isn't free any more then.
fn take(
    free: &mut Vec<Range<u64>>,
    size: u64,
    align: u64,
) -> std::result::Result<Range<u64>, LoadError> {
    let (size, align) = (size.next_multiple_of(PAGE), align.max(PAGE));
    free.sort_by_key(|range| range.start);
    for (n, range) in free.iter_mut().enumerate().rev() {
        let Some(start) = range.end.checked_sub(size).map(|at| at / align * align) else {
            continue;
        };
        if start < range.start.max(LOWEST) {
            continue;
        }
        let taken = start..start + size;
        let above = taken.end..range.end;
        range.end = taken.start;
        if !above.is_empty() {
            free.insert(n + 1, above);
        }
        return Ok(taken);
    }
    Err(LoadError::NoKexecLoad(
        "no free memory is shown in /proc/iomem where it could lie; run as root, or use a smaller initrd",
    ))
}

/// `movabs $arguments, %rsi; movabs $entry, %rax; jmp *%rax` (Intel SDM volume 2: REX.W B8+r, FF /4).
fn jump(arguments: u64, entry: u64) -> Vec<u8> {
    let mut code = vec![0x48, 0xbe];
    code.extend(arguments.to_le_bytes());
    code.extend([0x48, 0xb8]);
    code.extend(entry.to_le_bytes());
    code.extend([0xff, 0xe0]);
    code
}

impl Layout<'_> {
    /// Where it is entered.
    #[must_use]
    pub fn entry(&self) -> u64 {
        self.arguments_at.start + JUMP as u64
    }

    /// What the system call is given.
    #[must_use]
    pub fn segments(&self) -> [Segment<'_>; 3] {
        [
            (self.gate, &self.gate_at),
            (self.handover, &self.handover_at),
            (&self.arguments[..], &self.arguments_at),
        ]
        .map(|(bytes, at)| Segment {
            bytes,
            address: at.start,
            size: at.end - at.start,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_taken_from_above_and_at_its_alignment() {
        let mut free = vec![0x10_0000..0x100_0000, 0x200_0000..0x300_1000];
        assert_eq!(
            take(&mut free, 0x1800, 0x10_0000).unwrap(),
            0x2f0_0000..0x2f0_2000
        );
        assert_eq!(take(&mut free, 1, PAGE).unwrap(), 0x300_0000..0x300_1000);
        assert_eq!(
            take(&mut free, 0xf0_0000, PAGE).unwrap(),
            0x200_0000..0x2f0_0000
        );
        assert!(take(&mut free, 1 << 30, PAGE).is_err());
        let mut low = vec![0x1000..0x9_f000; 1];
        assert!(take(&mut low, PAGE, PAGE).is_err(), "below 1 MiB");
    }

    #[test]
    fn the_jump_is_two_registers_and_an_address() {
        let code = jump(0x1122_3344_5566_7788, 0x2000_0200);
        assert_eq!(code.len(), 22);
        assert_eq!(
            code[..10],
            [0x48, 0xbe, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]
        );
        assert_eq!(
            code[10..],
            [0x48, 0xb8, 0, 2, 0, 0x20, 0, 0, 0, 0, 0xff, 0xe0]
        );
    }
}
