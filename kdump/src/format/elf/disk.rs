//! The structures of ELF files (uapi/linux/elf.h), of a little-endian machine. Who reads them and who writes them
//! take these. `W` is as wide as the file's class says: [`U32`] or [`U64`].

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

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
    /// `e_ident`: the magic number, ELFCLASS, ELFDATA2LSB, EV_CURRENT.
    pub identity: [u8; 16],
    /// `e_type`.
    pub kind: U16,
    /// `e_machine`.
    pub machine: U16,
    /// `e_version`: EV_CURRENT.
    pub version: U32,
    /// `e_entry`.
    pub entry: W,
    /// `e_phoff`: where the program headers are.
    pub segments_at: W,
    /// `e_shoff`: where the section headers are.
    pub sections_at: W,
    /// `e_flags`.
    pub flags: U32,
    /// `e_ehsize`: the size of this.
    pub size: U16,
    /// `e_phentsize`: the size of a program header.
    pub segment_size: U16,
    /// `e_phnum`: how many program headers there are.
    pub segments: U16,
    /// `e_shentsize`: the size of a section header.
    pub section_size: U16,
    /// `e_shnum`: how many section headers there are.
    pub sections: U16,
    /// `e_shstrndx`: the number of the section that holds the sections' names.
    pub names: U16,
}

/// `Elf32_Phdr`.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct ProgramHeader32 {
    /// `p_type`.
    pub kind: U32,
    /// `p_offset`.
    pub offset: U32,
    /// `p_vaddr`.
    pub virtual_address: U32,
    /// `p_paddr`.
    pub physical_address: U32,
    /// `p_filesz`.
    pub file_size: U32,
    /// `p_memsz`.
    pub memory_size: U32,
    /// `p_flags`.
    pub flags: U32,
    /// `p_align`.
    pub alignment: U32,
}

/// `Elf64_Phdr`.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct ProgramHeader64 {
    /// `p_type`.
    pub kind: U32,
    /// `p_flags`.
    pub flags: U32,
    /// `p_offset`.
    pub offset: U64,
    /// `p_vaddr`.
    pub virtual_address: U64,
    /// `p_paddr`.
    pub physical_address: U64,
    /// `p_filesz`.
    pub file_size: U64,
    /// `p_memsz`.
    pub memory_size: U64,
    /// `p_align`.
    pub alignment: U64,
}

/// `Elf32_Shdr` or `Elf64_Shdr`.
#[derive(Debug, Clone, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct SectionHeader<W> {
    /// `sh_name`.
    pub name: U32,
    /// `sh_type`.
    pub kind: U32,
    /// `sh_flags`.
    pub flags: W,
    /// `sh_addr`.
    pub address: W,
    /// `sh_offset`: where the section is in the file.
    pub offset: W,
    /// `sh_size`: how long it is.
    pub size: W,
    /// `sh_link`.
    pub link: U32,
    /// `sh_info`.
    pub info: U32,
    /// `sh_addralign`.
    pub alignment: W,
    /// `sh_entsize`.
    pub entry_size: W,
}

/// `Elf64_Nhdr`, which `Elf32_Nhdr` is alike.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct NoteHeader {
    /// `n_namesz`: how long the name is, with the zero at its end.
    pub name_size: U32,
    /// `n_descsz`: how long the description is.
    pub description_size: U32,
    /// `n_type`.
    pub kind: U32,
}

const _: () = assert!(size_of::<FileHeader<U32>>() == 52 && size_of::<FileHeader<U64>>() == 64);
const _: () = assert!(size_of::<ProgramHeader32>() == 32 && size_of::<ProgramHeader64>() == 56);
const _: () = assert!(size_of::<SectionHeader<U32>>() == 40);
const _: () = assert!(size_of::<SectionHeader<U64>>() == 64);
const _: () = assert!(size_of::<NoteHeader>() == 12);
