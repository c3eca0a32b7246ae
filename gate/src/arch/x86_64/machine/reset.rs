//! Resetting the machine, by every means a PC has.

use core::arch::asm;

use super::clock::Clock;
use super::cpu::{halt, inb, outb};

/// The reset control register of Intel chipsets, which nearly all PCs have (ICH9 datasheet, 13.7.5).
const RESET_CONTROL: u16 = 0xcf9;
const KEYBOARD_COMMAND: u16 = 0x64;

/// Resets the machine; never returns.
pub fn reset(clock: Clock) -> ! {
    let control = inb(RESET_CONTROL) & !0x0e;
    outb(RESET_CONTROL, control | 0x02);
    outb(RESET_CONTROL, control | 0x06);
    clock.wait_ms(50);
    outb(KEYBOARD_COMMAND, 0xfe); // pulses the reset line
    clock.wait_ms(50);
    triple_fault();
    halt()
}

/// An exception with an empty IDT shuts the processor down, which boards turn into a reset.
fn triple_fault() {
    let empty = [0u16; 5];
    // SAFETY: nothing is meant to run after this.
    unsafe { asm!("lidt [{}]", "int3", in(reg) &empty) }
}
