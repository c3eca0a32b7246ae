//! ELF cores that are none of a Linux kernel: of a process, or of a machine as Xen writes it.

use super::{Class, Vmcore, header};
use crate::bytes::{u16_at, u32_at, u64_at};
use crate::foreign::Foreign;
use crate::note::{Note, Notes};
use crate::source::Source;
use std::io;

/// Types of notes of "CORE" that only processes have (uapi/linux/elf.h): NT_PRPSINFO, NT_AUXV, NT_SIGINFO,
/// NT_FILE.
const OF_PROCESSES: [u32; 4] = [3, 6, 0x5349_4749, 0x4649_4c45];
/// More names of sections than any core has.
const MOST_NAMES: u64 = 1 << 16;

/// Told by the names of its sections: Xen's cores have sections alone (docs/misc/dump-core-format.txt of Xen).
pub(super) fn of_sections(source: &dyn Source) -> io::Result<Option<Foreign>> {
    let names = section_names(source)?;
    let mut names = names.split(|byte| *byte == 0);
    let xen = names.any(|name| name == b".note.Xen" || name.starts_with(b".xen_"));
    Ok(xen.then_some(Foreign::XEN_CORE))
}

/// Told by its notes.
pub(super) fn of_core(core: &Vmcore) -> Option<Foreign> {
    let notes: Vec<Note<'_>> = Notes::new(core.note_bytes()).flatten().collect();
    let named = |name: &[u8]| notes.iter().any(|note| note.name == name);
    if named(b"VMCOREINFO_XEN") {
        return Some(Foreign::XEN_HOST);
    }
    // XEN_ELFNOTE_DUMPCORE_HEADER and its like (xen/include/public/elfnote.h).
    if named(b"Xen") || named(b".note.Xen") {
        return Some(Foreign::XEN_CORE);
    }
    let kernel = core.notes().vmcoreinfo.is_some() || named(b"QEMU");
    let process = notes
        .iter()
        .any(|note| note.name == b"CORE" && OF_PROCESSES.contains(&note.kind));
    let other = named(b"FreeBSD") || named(b"NetBSD-CORE") || named(b"OpenBSD");
    (!kernel && (process || other || is_unplaced(core))).then_some(Foreign::PROCESS)
}

/// Whether registers are there, and all memory is by virtual address alone, as in the cores of processes.
fn is_unplaced(core: &Vmcore) -> bool {
    let loads = || core.segments().iter().filter(|it| it.kind == header::LOAD);
    !core.notes().cpus.is_empty()
        && loads().count() > 1
        && loads().all(|it| it.physical_address == 0)
        && loads().any(|it| it.virtual_address != 0)
}

/// The table of the sections' names; empty where there is none.
fn section_names(source: &dyn Source) -> io::Result<Vec<u8>> {
    let size = source.size()?;
    let read = |at: u64, length: u64| -> io::Result<Vec<u8>> {
        let there = size.saturating_sub(at).min(length);
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(0)];
        if !bytes.is_empty() {
            source.read_at(at, &mut bytes)?;
        }
        Ok(bytes)
    };
    let start = read(0, 64)?;
    let Some((at, length)) = names_header(&start) else {
        return Ok(Vec::new());
    };
    let section = read(at, length)?;
    let place = match length {
        SECTION_32 => u32_at(&section, 16)
            .zip(u32_at(&section, 20))
            .map(|(at, length)| (at.into(), length.into())),
        _ => u64_at(&section, 24).zip(u64_at(&section, 32)),
    };
    let (at, length) = place.unwrap_or_default();
    read(at, length.min(MOST_NAMES))
}

/// sizeof(Elf32_Shdr), sizeof(Elf64_Shdr)
const SECTION_32: u64 = 40;
const SECTION_64: u64 = 64;

/// Where the section header of the names is (`e_shoff`, `e_shstrndx`), and its length.
fn names_header(start: &[u8]) -> Option<(u64, u64)> {
    let (sections, index, length) = match Class::of(start)? {
        Class::Bits32 => (u32_at(start, 32)?.into(), u16_at(start, 50)?, SECTION_32),
        Class::Bits64 => (u64_at(start, 40)?, u16_at(start, 62)?, SECTION_64),
    };
    if sections == 0 {
        return None;
    }
    Some((sections.checked_add(u64::from(index) * length)?, length))
}
