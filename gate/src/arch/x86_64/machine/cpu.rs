//! Single processor instructions that Rust has no words for.

use core::arch::asm;

/// Writes a byte to an I/O port.
pub fn outb(port: u16, value: u8) {
    // SAFETY: port I/O touches no memory of ours; callers pass ports of devices they own
    // (serial, PIT, reset), nothing else runs.
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags))
    }
}

/// Reads a byte from an I/O port.
#[must_use]
pub fn inb(port: u16) -> u8 {
    let value: u8;
    // SAFETY: as for `outb`.
    unsafe {
        asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags))
    }
    value
}

/// The time stamp counter.
#[must_use]
pub fn timestamp() -> u64 {
    // SAFETY: every x86-64 processor has the counter; at privilege level 0 it can always be read.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// CPUID of a leaf, subleaf 0: EAX, EBX, ECX, EDX. All zero where the processor has no such leaf.
#[must_use]
pub fn cpuid(leaf: u32) -> [u32; 4] {
    let base = leaf & 0xf000_0000;
    let highest = core::arch::x86_64::__cpuid(base).eax;
    if highest < leaf || highest & 0xf000_0000 != base {
        return [0; 4];
    }
    let result = core::arch::x86_64::__cpuid_count(leaf, 0);
    [result.eax, result.ebx, result.ecx, result.edx]
}

/// Whether the processor has 1 GiB pages (CPUID 8000_0001h, EDX bit 26; AMD64 APM volume 3, E.4.2).
#[must_use]
pub fn has_huge_pages() -> bool {
    cpuid(0x8000_0001)[3] & (1 << 26) != 0
}

/// Whether a hypervisor runs this machine (CPUID 1, ECX bit 31).
#[must_use]
pub fn has_hypervisor() -> bool {
    cpuid(1)[2] & (1 << 31) != 0
}

/// Whether five levels of page tables are in use (CR4.LA57, bit 12).
#[must_use]
pub fn uses_five_levels() -> bool {
    let cr4: u64;
    // SAFETY: reading a control register at privilege level 0 has no effect.
    unsafe { asm!("mov {}, cr4", out(reg) cr4, options(nomem, nostack, preserves_flags)) }
    cr4 & (1 << 12) != 0
}

/// Switches to other page tables.
///
/// # Safety
/// The tables at the physical address `root` must map one to one all memory that Rust code uses
/// from here on: the image, its stack and all that is borrowed.
pub unsafe fn load_page_tables(root: u64) {
    // SAFETY: the caller's promise; the address is that of an aligned table.
    unsafe { asm!("mov cr3, {}", in(reg) root, options(nostack, preserves_flags)) }
}

/// Stops until an interrupt that never comes.
pub fn halt() -> ! {
    loop {
        // SAFETY: halting is always allowed here; interrupts are off.
        unsafe { asm!("cli; hlt", options(nomem, nostack)) }
    }
}
