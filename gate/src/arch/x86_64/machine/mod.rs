//! x86-64 PCs: from the old kernel's jump to the next one's.

mod builtins;
mod clock;
mod console;
mod cpu;
mod descriptors;
mod enter;
mod framebuffer;
mod heap;
mod physical;
mod reset;
mod serial;
mod start;
mod stopwatch;

use core::arch::global_asm;

use baton_formats::gate_image::{Formats, Isa};

// For the info block, in the header.
global_asm!(
    ".globl gate_left_out",
    ".set gate_left_out, {}",
    const Formats::of(Isa::X86_64).bits()
);

global_asm!(include_str!("header.s"), options(att_syntax, raw));
global_asm!(include_str!("head.s"), options(att_syntax, raw));
global_asm!(include_str!("protected.s"), options(att_syntax, raw));
