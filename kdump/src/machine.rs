//! Kinds of machine.

/// The architecture of the machine that crashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    X86_64,
    /// arm64.
    Aarch64,
    /// Another, by its number in ELF headers.
    Other(u16),
}

impl Machine {
    /// From `e_machine` of an ELF header: EM_X86_64 and EM_AARCH64 of uapi/linux/elf-em.h.
    #[must_use]
    pub fn of_elf(number: u16) -> Machine {
        match number {
            62 => Machine::X86_64,
            183 => Machine::Aarch64,
            other => Machine::Other(other),
        }
    }

    /// `e_machine` of its ELF headers.
    #[must_use]
    pub fn elf(self) -> u16 {
        match self {
            Machine::X86_64 => 62,
            Machine::Aarch64 => 183,
            Machine::Other(number) => number,
        }
    }

    /// From `machine` of `struct utsname`, as a kdump-compressed dump has it.
    #[must_use]
    pub fn of_utsname(name: &str) -> Machine {
        match name {
            "x86_64" => Machine::X86_64,
            "aarch64" => Machine::Aarch64,
            _ => Machine::Other(0),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Machine::X86_64 => f.write_str("x86_64"),
            Machine::Aarch64 => f.write_str("aarch64"),
            Machine::Other(number) => write!(f, "ELF machine {number}"),
        }
    }
}
