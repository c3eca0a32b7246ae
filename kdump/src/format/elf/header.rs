//! The headers of an ELF core (uapi/linux/elf.h).

use super::disk::{
    CORE, EXTENDED, FileHeader, INCOMPLETE, ProgramHeader32, ProgramHeader64, SectionHeader,
};
use super::{Machine, Source, VmcoreError};
use crate::source::{read, read_up_to};
use baton_formats::magic::Magic;
use std::mem::offset_of;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// More program headers than any machine has ranges of memory.
const MAX_SEGMENTS: u64 = 1 << 20;
/// How many program headers are read at once.
const BATCH: usize = 1024;

/// A program header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// `p_type`: 1 of memory, 4 of notes.
    pub kind: u32,
    /// `p_flags`.
    pub flags: u32,
    /// Where it begins in the file.
    pub offset: u64,
    /// The virtual address.
    pub virtual_address: u64,
    /// The physical address.
    pub physical_address: u64,
    /// How many bytes the file has of it.
    pub file_size: u64,
    /// How many bytes it has in memory; what the file lacks reads as zeros.
    pub memory_size: u64,
}

/// ELFCLASS32 and ELFCLASS64: old 32-bit kernels have cores of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Bits32,
    Bits64,
}

impl Class {
    pub(super) fn of(start: &[u8]) -> Option<Class> {
        match start.strip_prefix(Magic::Elf.bytes())?.first()? {
            1 => Some(Class::Bits32),
            2 => Some(Class::Bits64),
            _ => None,
        }
    }

    /// The size of a program header.
    fn entry(self) -> u16 {
        match self {
            Class::Bits32 => 32,
            Class::Bits64 => 56,
        }
    }

    /// Reads program headers that follow one another.
    fn segments(self, bytes: &[u8]) -> Vec<Segment> {
        match self {
            Class::Bits32 => segments::<ProgramHeader32>(bytes),
            Class::Bits64 => segments::<ProgramHeader64>(bytes),
        }
    }
}

fn segments<T>(bytes: &[u8]) -> Vec<Segment>
where
    T: FromBytes + Immutable + KnownLayout,
    for<'a> Segment: From<&'a T>,
{
    let headers = <[T]>::ref_from_bytes(bytes).unwrap_or_default();
    headers.iter().map(Segment::from).collect()
}

/// Program headers of both classes have the same fields, in another order and of another width.
macro_rules! read_as_segment {
    ($header:ty) => {
        impl From<&$header> for Segment {
            fn from(header: &$header) -> Segment {
                Segment {
                    kind: header.p_type.into(),
                    flags: header.p_flags.into(),
                    offset: header.p_offset.into(),
                    virtual_address: header.p_vaddr.into(),
                    physical_address: header.p_paddr.into(),
                    file_size: header.p_filesz.into(),
                    memory_size: header.p_memsz.into(),
                }
            }
        }
    };
}

read_as_segment!(ProgramHeader32);
read_as_segment!(ProgramHeader64);

impl From<Segment> for ProgramHeader64 {
    fn from(segment: Segment) -> ProgramHeader64 {
        ProgramHeader64 {
            p_type: segment.kind.into(),
            p_flags: segment.flags.into(),
            p_offset: segment.offset.into(),
            p_vaddr: segment.virtual_address.into(),
            p_paddr: segment.physical_address.into(),
            p_filesz: segment.file_size.into(),
            p_memsz: segment.memory_size.into(),
            p_align: 0.into(),
        }
    }
}

/// What is needed of Elf32_Ehdr or Elf64_Ehdr.
pub(super) struct Header {
    pub(super) machine: Machine,
    pub(super) incomplete: bool,
    class: Class,
    entries_at: u64,
    sections_at: u64,
    entries: u16,
}

impl Header {
    pub(super) fn read(source: &dyn Source) -> Result<Header, VmcoreError> {
        let bytes = read_up_to(source, 0, size_of::<FileHeader<U64>>() as u64)?;
        let class = Class::of(&bytes).ok_or(VmcoreError::NotElf)?;
        // EI_DATA: ELFDATA2LSB
        if bytes.get(5) != Some(&1) {
            return Err(VmcoreError::Unsupported("big-endian"));
        }
        match class {
            Class::Bits32 => Header::parse::<U32>(class, &bytes),
            Class::Bits64 => Header::parse::<U64>(class, &bytes),
        }
    }

    fn parse<W: FromBytes + Into<u64>>(class: Class, bytes: &[u8]) -> Result<Header, VmcoreError> {
        let cut_off = |_| VmcoreError::CutOff("ELF header", bytes.len() as u64);
        let (header, _) = FileHeader::<W>::read_from_prefix(bytes).map_err(cut_off)?;
        if header.e_type.get() != CORE {
            return Err(VmcoreError::Unsupported("its type isn't ET_CORE"));
        }
        if header.e_phentsize.get() != class.entry() {
            return Err(VmcoreError::Damaged("e_phentsize isn't that of its class"));
        }
        Ok(Header {
            machine: Machine::of_elf(header.e_machine.get()),
            incomplete: header.e_flags.get() & INCOMPLETE != 0,
            class,
            entries_at: header.e_phoff.into(),
            sections_at: header.e_shoff.into(),
            entries: header.e_phnum.get(),
        })
    }

    /// The number of program headers.
    fn count(&self, source: &dyn Source, size: u64) -> Result<u64, VmcoreError> {
        if self.entries != EXTENDED {
            return Ok(self.entries.into());
        }
        let info = match self.class {
            Class::Bits32 => offset_of!(SectionHeader<U32>, sh_info),
            Class::Bits64 => offset_of!(SectionHeader<U64>, sh_info),
        };
        let at = self.sections_at.saturating_add(info as u64);
        if self.sections_at == 0 || at.saturating_add(4) > size {
            return Err(VmcoreError::CutOff("first section header", size));
        }
        Ok(read::<U32>(source, at)?.into())
    }

    /// All program headers.
    pub(super) fn segments(
        &self,
        source: &dyn Source,
        size: u64,
    ) -> Result<Vec<Segment>, VmcoreError> {
        let count = self.count(source, size)?;
        if count > MAX_SEGMENTS {
            return Err(VmcoreError::Damaged(
                "it has more than 2^20 program headers",
            ));
        }
        let entry = u64::from(self.class.entry());
        let end = self.entries_at.saturating_add(count * entry);
        if end > size {
            return Err(VmcoreError::CutOff("program headers", size));
        }
        let mut segments = Vec::new();
        let mut batch = Vec::new();
        for first in (0..count).step_by(BATCH) {
            let length = (count - first).min(BATCH as u64) * entry;
            batch.resize(usize::try_from(length).unwrap_or(0), 0);
            source.read_at(self.entries_at + first * entry, &mut batch)?;
            segments.extend(self.class.segments(&batch));
        }
        Ok(segments)
    }
}
