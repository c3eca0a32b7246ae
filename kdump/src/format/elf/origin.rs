//! ELF cores that are none of a Linux kernel: of a process, or of a machine as Xen writes it.

use super::disk::{self, FileHeader, SectionHeader};
use super::{Class, DumpFormat, Vmcore};
use crate::foreign::Foreign;
use crate::note::{Note, Notes};
use crate::source::{Source, read_up_to};
use std::io;
use zerocopy::FromBytes;
use zerocopy::little_endian::{U32, U64};

/// Types of notes of "CORE" that only processes have (uapi/linux/elf.h): NT_PRPSINFO, NT_AUXV, NT_SIGINFO,
/// NT_FILE.
const OF_PROCESSES: [u32; 4] = [3, 6, 0x5349_4749, 0x4649_4c45];
/// More names of sections than any core has.
const MAX_NAMES: u64 = 1 << 16;

/// By the names of its sections: Xen's cores have sections alone (docs/misc/dump-core-format.txt of Xen).
pub(super) fn of_sections(source: &dyn Source) -> io::Result<Option<Foreign>> {
    let names = section_names(source)?;
    let mut names = names.split(|byte| *byte == 0);
    let xen = names.any(|name| name == b".note.Xen" || name.starts_with(b".xen_"));
    Ok(xen.then_some(Foreign::XEN_CORE))
}

/// By its notes.
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
    let loads = || core.segments().iter().filter(|it| it.kind == disk::LOAD);
    !core.notes().cpus.is_empty()
        && loads().count() > 1
        && loads().all(|it| it.physical_address == 0)
        && loads().any(|it| it.virtual_address != 0)
}

/// The table of the sections' names; empty where there is none.
fn section_names(source: &dyn Source) -> io::Result<Vec<u8>> {
    let start = read_up_to(source, 0, size_of::<FileHeader<U64>>() as u64)?;
    let place = match Class::of(&start) {
        Some(Class::Bits32) => names_place::<U32>(source, &start)?,
        Some(Class::Bits64) => names_place::<U64>(source, &start)?,
        None => None,
    };
    let (at, length) = place.unwrap_or_default();
    read_up_to(source, at, length.min(MAX_NAMES))
}

/// Where the names are, and how long that is, by the section header that the file's header says.
fn names_place<W>(source: &dyn Source, start: &[u8]) -> io::Result<Option<(u64, u64)>>
where
    W: FromBytes + Into<u64>,
{
    let Ok((header, _)) = FileHeader::<W>::read_from_prefix(start) else {
        return Ok(None);
    };
    let length = size_of::<SectionHeader<W>>() as u64;
    let sections: u64 = header.e_shoff.into();
    let at = sections.checked_add(u64::from(header.e_shstrndx.get()) * length);
    let Some(at) = at.filter(|_| sections != 0) else {
        return Ok(None);
    };
    let bytes = read_up_to(source, at, length)?;
    let section = SectionHeader::<W>::read_from_prefix(&bytes).ok();
    Ok(section.map(|(it, _)| (it.sh_offset.into(), it.sh_size.into())))
}
