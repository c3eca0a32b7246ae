//! Kinds of machine, by their numbers and names.

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

    /// From `machine` of `struct utsname`, as a kdump-compressed dump has it; `Other(0)` of what isn't known.
    #[must_use]
    pub fn of_utsname(name: &str) -> Machine {
        let known = NAMES.iter().find(|(_, known)| *known == name);
        known.map_or(Machine::Other(0), |(number, _)| Machine::of_elf(*number))
    }

    /// What a kdump-compressed dump calls it; `None` of a machine whose dumps aren't in this form.
    #[must_use]
    pub fn utsname(self) -> Option<&'static str> {
        match self {
            Machine::Other(0) => Some(UNNAMED),
            _ => self.name(),
        }
    }

    /// The one of a dump by QEMU that says nothing else of it, by the size of its blocks: QEMU takes 4 KiB for x86-64,
    /// and 64 KiB for arm64, whatever its kernel uses (cpu_get_dump_info, target/arm/arch_dump.c).
    pub(crate) fn of_block(size: u64) -> Machine {
        match size {
            0x1000 => Machine::X86_64,
            _ => Machine::Aarch64,
        }
    }

    fn name(self) -> Option<&'static str> {
        let known = NAMES.iter().find(|(number, _)| *number == self.elf());
        known.map(|(_, name)| *name)
    }
}

/// What QEMU writes where the name of the machine belongs.
pub(crate) const UNNAMED: &str = "Unknown";

/// The 64-bit little-endian machines that makedumpfile dumps: by their numbers in ELF headers (uapi/linux/elf-em.h
/// and, for IA-64 and RISC-V, elf.h), and as `uname -m` names them.
const NAMES: [(u16, &str); 6] = [
    (62, "x86_64"),
    (183, "aarch64"),
    (21, "ppc64le"),
    (243, "riscv64"),
    (258, "loongarch64"),
    (50, "ia64"),
];

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.name(), self.elf()) {
            (Some(name), _) => f.write_str(name),
            (None, 0) => f.write_str("a machine that isn't named"),
            (None, number) => write!(f, "ELF machine {number}"),
        }
    }
}
