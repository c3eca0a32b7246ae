//! ELF files.

use super::{FileKind, Format, contains};
use crate::arch::{self, advice, names};
use baton_formats::elf::{Class, Elf, ElfError};
use baton_formats::multiboot2::Multiboot2;
use baton_formats::reader::u16_at;

/// `e_type` and `e_machine` of the ELF header (elf(5)), the same in files of both classes.
const E_TYPE: usize = 16;
const E_MACHINE: usize = 18;
/// EI_DATA, and its value of big-endian files.
const EI_DATA: usize = 5;
const ELFDATA2MSB: u8 = 2;

/// Recognises a file that begins as ELF.
pub(super) fn kind(image: &[u8]) -> FileKind {
    match Elf::parse(image) {
        Ok(program) => return parsed(&program, image),
        Err(ElfError::Interpreter) => return program(),
        Err(_) => {}
    }
    let read = |at| {
        let value = u16_at(image, at)?;
        let big = image.get(EI_DATA) == Some(&ELFDATA2MSB);
        Some(if big { value.swap_bytes() } else { value })
    };
    let (kind, machine) = (read(E_TYPE), read(E_MACHINE));
    let other = |name: String, advice| FileKind::other(Format::Elf, name, advice);
    match (kind, machine) {
        // ET_REL
        (Some(1), _) if contains(image, b"vermagic=") => {
            other("a kernel module".into(), "name the kernel that it is for")
        }
        (Some(1), _) => other("an ELF object file".into(), "name a kernel"),
        // ET_CORE
        (Some(4), _) => other(
            "an ELF core dump".into(),
            "name a kernel; `baton dump info` shows a kernel's dump",
        ),
        (_, Some(machine)) if !arch::is_elf_machine(machine) => {
            let of = names::of_elf(machine).map_or_else(
                || format!("machine {machine}"),
                std::borrow::ToOwned::to_owned,
            );
            other(format!("an ELF file for {of}"), advice::OTHER_MACHINE)
        }
        // Its own reason says what is wrong.
        _ => FileKind::kernel(Format::Elf, "an ELF file"),
    }
}

fn parsed(elf: &Elf<'_>, image: &[u8]) -> FileKind {
    let kernel = |name| FileKind::kernel(Format::Elf, name);
    match (elf.is_linux(), elf.class()) {
        (true, Class::Elf64) => kernel("a Linux kernel (ELF, vmlinux)"),
        (true, Class::Elf32) => FileKind::other(
            Format::Elf,
            "a 32-bit Linux kernel (ELF, vmlinux)",
            advice::OTHER_MACHINE,
        ),
        (false, _) if Multiboot2::recognises(image) => kernel("a multiboot2 kernel (ELF)"),
        (false, _) if elf.pvh_entry().is_some() => kernel("a kernel with a PVH entry (ELF)"),
        (false, _) if multiboot1(image) => super::other::multiboot1(Format::Elf),
        (false, _) => program(),
    }
}

fn program() -> FileKind {
    FileKind::other(
        Format::Elf,
        "an ELF program that isn't Linux and has no PVH or multiboot2 entry point",
        "name a kernel, such as /boot/vmlinuz-*",
    )
}

fn multiboot1(image: &[u8]) -> bool {
    super::other::is_multiboot1(image)
}
