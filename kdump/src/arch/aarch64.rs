//! arm64.

use super::{Architecture, Machine, Registers};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    machine: Machine::Aarch64,
    // struct user_pt_regs, arch/arm64/include/uapi/asm/ptrace.h: pc, sp, x29
    registers: Registers {
        instruction: 32,
        stack: 31,
        frame: 29,
    },
    prstatus_len: 392,
    // arch/arm64/include/asm/memory.h (with KASAN it is twice that)
    stack_len: 1 << 14,
    // arch/arm64/kernel/vmcore_info.c
    its_own: &["NUMBER(kimage_voffset)"],
    top_tables: &[],
    phys_base: None,
    // arch/arm64/kernel/traps.c, mm/fault.c
    panic_causes: &["Internal error: ", "Unable to handle kernel "],
    paging: None,
};
