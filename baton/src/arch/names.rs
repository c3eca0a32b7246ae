//! Machines by the numbers that headers have for them.

use baton_formats::pe::MACHINE_AMD64;

/// Machine types of "PE Format".
#[must_use]
pub fn of_pe(machine: u16) -> Option<&'static str> {
    Some(match machine {
        0x014c => "i386",
        0x01c0..=0x01c4 => "arm",
        0x0200 => "Itanium",
        0x0ebc => "EFI byte code",
        0x5032 | 0x5064 => "RISC-V",
        0x6232 | 0x6264 => "LoongArch",
        MACHINE_AMD64 => "x86-64",
        0xaa64 => "arm64",
        _ => return None,
    })
}

/// e_machine of elf(5), of what Linux is built for.
#[must_use]
pub fn of_elf(machine: u16) -> Option<&'static str> {
    Some(match machine {
        8 => "MIPS",
        20 | 21 => "PowerPC",
        22 => "s390",
        40 => "arm",
        183 => "arm64",
        243 => "RISC-V",
        258 => "LoongArch",
        _ => return None,
    })
}
