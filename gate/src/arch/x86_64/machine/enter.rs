//! The last step: writing the next kernel to memory, and jumping to it.

use core::arch::asm;
use core::ptr;

use crate::arch::x86_64::convert::Entry;
use crate::convert::Write;

/// The control registers as the old kernel left them.
#[derive(Clone, Copy)]
pub struct Control {
    /// CR0.
    pub cr0: u64,
    /// CR4.
    pub cr4: u64,
}

unsafe extern "C" {
    static protected_begin: u8;
    static protected_end: u8;
}

/// Carries out one write of a plan.
///
/// # Safety
/// The target must be mapped memory that nothing borrowed lies in, but for the page of the old
/// boot_params, of which no reference may be used any more.
pub unsafe fn carry_out(write: &Write<'_>) {
    let to = write.to as *mut u8;
    let rest = (write.size as usize).saturating_sub(write.bytes.len());
    // SAFETY: the caller's promise; a plan's write has at least as many bytes of memory as it has
    // bytes, and `rest` is what it has more.
    unsafe {
        ptr::copy_nonoverlapping(write.bytes.as_ptr(), to, write.bytes.len());
        ptr::write_bytes(to.wrapping_add(write.bytes.len()), 0, rest);
    }
}

/// Enters the next kernel.
///
/// # Safety
/// A verified kernel with its arguments must lie where `entry` says.
pub unsafe fn enter(entry: Entry, control: Control) -> ! {
    // SAFETY: the caller's promise, which goes for the trampoline's page, too.
    unsafe {
        match entry {
            Entry::Long {
                address,
                boot_params,
            } => enter_long(address, boot_params, control),
            Entry::Protected {
                address,
                eax,
                ebx,
                trampoline,
            } => enter_protected(address, eax, ebx, trampoline),
        }
    }
}

unsafe fn enter_long(address: u64, boot_params: u64, control: Control) -> ! {
    // SAFETY: the 64-bit boot protocol's demands are met: RSI, paging, segments, interrupts off.
    unsafe {
        asm!(
            "mov cr4, {cr4}",
            "mov cr0, {cr0}",
            "xor ebp, ebp",
            "jmp rax",
            cr4 = in(reg) control.cr4,
            cr0 = in(reg) control.cr0,
            in("rax") address,
            in("rdi") 0u64,
            in("rsi") boot_params,
            options(noreturn)
        )
    }
}

unsafe fn enter_protected(address: u32, eax: u32, ebx: u32, trampoline: u32) -> ! {
    let code = &raw const protected_begin;
    let length = (&raw const protected_end) as usize - code as usize;
    let to = trampoline as *mut u8;
    // SAFETY: the planner took a page for it, which is mapped and longer than the code; the code
    // runs at any address below 4 GiB, and takes its arguments in these registers.
    unsafe {
        ptr::copy_nonoverlapping(code, to, length);
        asm!(
            "jmp rax",
            in("rax") to,
            in("edi") address,
            in("esi") eax,
            in("edx") ebx,
            options(noreturn)
        )
    }
}
