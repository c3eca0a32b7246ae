//! x86.

pub mod advice;
pub mod capture;
pub mod inspect;
pub mod kexec;
pub mod loader;
pub mod parameters;
pub mod probe;
pub mod running;
pub mod segments;
pub mod stub;

pub use baton_formats::pe::MACHINE_AMD64 as PE_MACHINE;

/// What people call it.
pub const NAME: &str = "x86-64";
/// What boot loaders' entries call it (UAPI.1, `architecture`).
pub const ENTRY_ARCHITECTURE: &str = "x64";

/// `e_machine` of elf(5).
const EM_386: u16 = 3;
const EM_X86_64: u16 = 62;

/// Whether an ELF file for this machine may be started: some boot protocols begin in 32-bit mode.
#[must_use]
pub fn is_elf_machine(machine: u16) -> bool {
    matches!(machine, EM_386 | EM_X86_64)
}
