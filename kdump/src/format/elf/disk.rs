//! The structures of ELF files (uapi/linux/elf.h), of a little-endian machine. Who reads them and who writes them
//! take these; fields have their names there. `W` is as wide as the file's class says: [`U32`] or [`U64`].

use crate::arch::Machine;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

/// ET_CORE, of `e_type`.
pub(crate) const CORE: u16 = 4;
/// PT_LOAD and PT_NOTE, of `p_type`: memory and notes.
pub(crate) const LOAD: u32 = 1;
pub(crate) const NOTE: u32 = 4;
/// PN_XNUM, of `e_phnum`: the number of program headers is in `sh_info` of the first section header.
pub(crate) const EXTENDED: u16 = 0xffff;
/// DUMP_ELF_INCOMPLETE of makedumpfile.h, in `e_flags`: the core wasn't written to its end.
pub(crate) const INCOMPLETE: u32 = 1;

/// `Elf32_Ehdr` or `Elf64_Ehdr`, at the start of the file.
#[derive(Debug, Clone, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct FileHeader<W> {
    pub e_ident: [u8; 16], // the magic number, ELFCLASS, ELFDATA, EV_CURRENT
    pub e_type: U16,       // ET_CORE
    pub e_machine: U16,    // one of uapi/linux/elf-em.h
    pub e_version: U32,    // EV_CURRENT
    pub e_entry: W,        // nothing, in a core
    pub e_phoff: W,        // where the program headers are
    pub e_shoff: W,        // where the section headers are
    pub e_flags: U32,      // what makedumpfile says of the core
    pub e_ehsize: U16,     // the size of this
    pub e_phentsize: U16,  // the size of a program header
    pub e_phnum: U16,      // how many program headers there are
    pub e_shentsize: U16,  // the size of a section header
    pub e_shnum: U16,      // how many section headers there are
    pub e_shstrndx: U16,   // the number of the section that holds the sections' names
}

impl FileHeader<U64> {
    /// That of a core with so many program headers, which follow it, and without sections.
    pub(crate) fn core(machine: Machine, segments: u16) -> FileHeader<U64> {
        FileHeader {
            // ELFCLASS64, ELFDATA2LSB, EV_CURRENT
            e_ident: *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
            e_type: CORE.into(),
            e_machine: machine.elf().into(),
            e_version: 1.into(),
            e_phoff: 64.into(),
            e_ehsize: 64.into(),
            e_phentsize: 56.into(),
            e_phnum: segments.into(),
            ..FileHeader::new_zeroed()
        }
    }
}

/// `Elf32_Phdr`.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct ProgramHeader32 {
    pub p_type: U32,   // PT_LOAD, PT_NOTE
    pub p_offset: U32, // where it is in the file
    pub p_vaddr: U32,  // its virtual address
    pub p_paddr: U32,  // its physical address
    pub p_filesz: U32, // how long it is in the file
    pub p_memsz: U32,  // how long it is in memory
    pub p_flags: U32,  // PF_R, PF_W, PF_X
    pub p_align: U32,  // a page, or nothing
}

/// `Elf64_Phdr`.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct ProgramHeader64 {
    pub p_type: U32,   // PT_LOAD, PT_NOTE
    pub p_flags: U32,  // PF_R, PF_W, PF_X
    pub p_offset: U64, // where it is in the file
    pub p_vaddr: U64,  // its virtual address
    pub p_paddr: U64,  // its physical address
    pub p_filesz: U64, // how long it is in the file
    pub p_memsz: U64,  // how long it is in memory
    pub p_align: U64,  // a page, or nothing
}

/// `Elf32_Shdr` or `Elf64_Shdr`.
#[derive(Debug, Clone, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct SectionHeader<W> {
    pub sh_name: U32,    // where its name is among the names
    pub sh_type: U32,    // SHT_PROGBITS and its like
    pub sh_flags: W,     // SHF_ALLOC and its like
    pub sh_addr: W,      // its virtual address
    pub sh_offset: W,    // where it is in the file
    pub sh_size: W,      // how long it is there
    pub sh_link: U32,    // another section
    pub sh_info: U32,    // of the first: how many program headers there are
    pub sh_addralign: W, // what its address is a multiple of
    pub sh_entsize: W,   // the size of an entry
}

/// `Elf64_Nhdr`, which `Elf32_Nhdr` is alike.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct NoteHeader {
    pub n_namesz: U32, // how long the name is, with the zero at its end
    pub n_descsz: U32, // how long the description is
    pub n_type: U32,   // what it means is up to the name
}

const _: () = assert!(size_of::<FileHeader<U32>>() == 52 && size_of::<FileHeader<U64>>() == 64);
const _: () = assert!(size_of::<ProgramHeader32>() == 32 && size_of::<ProgramHeader64>() == 56);
const _: () = assert!(size_of::<SectionHeader<U32>>() == 40);
const _: () = assert!(size_of::<SectionHeader<U64>>() == 64);
const _: () = assert!(size_of::<NoteHeader>() == 12);
