//! x86-64.

mod paging;

use super::{Architecture, Machine, Registers};
use std::sync::Arc;

pub(super) const ARCHITECTURE: Architecture = Architecture {
    machine: Machine::X86_64,
    // struct user_regs_struct, arch/x86/include/asm/user_64.h: ip, sp, bp
    registers: Registers {
        instruction: 16,
        stack: 19,
        frame: 4,
    },
    prstatus_len: 336,
    // arch/x86/include/asm/page_64_types.h (with KASAN it is twice that)
    stack_len: 1 << 14,
    // arch/x86/kernel/vmcore_info_64.c; the latter before 4.13
    its_own: &["SYMBOL(init_top_pgt)", "SYMBOL(init_level4_pgt)"],
    top_tables: &["init_top_pgt"],
    phys_base: Some("phys_base"),
    // arch/x86/kernel/traps.c, kernel/cpu/mce/core.c
    panic_causes: &[
        "general protection fault",
        "stack segment",
        "divide error",
        "invalid opcode",
        "double fault",
        "mce: [Hardware Error]: ",
    ],
    paging: Some(|info| Ok(Arc::new(paging::Paging::new(info)?))),
};
