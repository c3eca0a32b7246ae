//! The headers of an ELF core (uapi/linux/elf.h).

use super::{Machine, Source, VmcoreError, u16_at, u32_at, u64_at};

/// PT_LOAD: memory.
pub(super) const LOAD: u32 = 1;
/// PT_NOTE.
pub(super) const NOTE: u32 = 4;
/// PN_XNUM: the number of program headers is in `sh_info` of the first section header.
const EXTENDED: u16 = 0xffff;
/// ET_CORE.
const CORE: u16 = 4;
/// DUMP_ELF_INCOMPLETE of makedumpfile, in `e_flags`: it wasn't written to its end.
const INCOMPLETE: u32 = 1;
/// More program headers than any machine has ranges of memory.
const MOST_SEGMENTS: u64 = 1 << 20;
/// How many program headers are read at once.
const BATCH: u64 = 1024;

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
        match start.strip_prefix(b"\x7fELF")?.first()? {
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

    /// Reads Elf32_Phdr or Elf64_Phdr.
    fn segment(self, bytes: &[u8]) -> Option<Segment> {
        let word = |offset| u32_at(bytes, offset);
        let long = |offset| u64_at(bytes, offset);
        Some(match self {
            Class::Bits32 => Segment {
                kind: word(0)?,
                offset: word(4)?.into(),
                virtual_address: word(8)?.into(),
                physical_address: word(12)?.into(),
                file_size: word(16)?.into(),
                memory_size: word(20)?.into(),
                flags: word(24)?,
            },
            Class::Bits64 => Segment {
                kind: word(0)?,
                flags: word(4)?,
                offset: long(8)?,
                virtual_address: long(16)?,
                physical_address: long(24)?,
                file_size: long(32)?,
                memory_size: long(40)?,
            },
        })
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
    pub(super) fn read(source: &dyn Source, size: u64) -> Result<Header, VmcoreError> {
        let mut bytes = vec![0; usize::try_from(size).map_or(64, |it| it.min(64))];
        source.read_at(0, &mut bytes)?;
        let class = Class::of(&bytes).ok_or(VmcoreError::NotElf)?;
        // EI_DATA: ELFDATA2LSB
        if bytes.get(5) != Some(&1) {
            return Err(VmcoreError::Unsupported("big-endian"));
        }
        Header::parse(class, &bytes).ok_or(VmcoreError::CutOff("ELF header", size))?
    }

    fn parse(class: Class, bytes: &[u8]) -> Option<Result<Header, VmcoreError>> {
        let (entries_at, sections_at, flags, entry, entries) = match class {
            Class::Bits32 => (
                u32_at(bytes, 28)?.into(),
                u32_at(bytes, 32)?.into(),
                u32_at(bytes, 36)?,
                u16_at(bytes, 42)?,
                u16_at(bytes, 44)?,
            ),
            Class::Bits64 => (
                u64_at(bytes, 32)?,
                u64_at(bytes, 40)?,
                u32_at(bytes, 48)?,
                u16_at(bytes, 54)?,
                u16_at(bytes, 56)?,
            ),
        };
        if u16_at(bytes, 16)? != CORE {
            return Some(Err(VmcoreError::Unsupported("its type isn't ET_CORE")));
        }
        if entry != class.entry() {
            return Some(Err(VmcoreError::Damaged(
                "e_phentsize isn't that of its class",
            )));
        }
        Some(Ok(Header {
            machine: Machine::of_elf(u16_at(bytes, 18)?),
            incomplete: flags & INCOMPLETE != 0,
            class,
            entries_at,
            sections_at,
            entries,
        }))
    }

    /// The number of program headers.
    fn count(&self, source: &dyn Source, size: u64) -> Result<u64, VmcoreError> {
        if self.entries != EXTENDED {
            return Ok(self.entries.into());
        }
        // sh_info of Elf32_Shdr and of Elf64_Shdr
        let at = match self.class {
            Class::Bits32 => 28,
            Class::Bits64 => 44,
        };
        let at = self.sections_at.saturating_add(at);
        if self.sections_at == 0 || at.saturating_add(4) > size {
            return Err(VmcoreError::CutOff("first section header", size));
        }
        let mut count = [0; 4];
        source.read_at(at, &mut count)?;
        Ok(u32::from_le_bytes(count).into())
    }

    /// All program headers.
    pub(super) fn segments(
        &self,
        source: &dyn Source,
        size: u64,
    ) -> Result<Vec<Segment>, VmcoreError> {
        let count = self.count(source, size)?;
        if count > MOST_SEGMENTS {
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
        for first in (0..count).step_by(1024) {
            let length = (count - first).min(BATCH) * entry;
            batch.resize(usize::try_from(length).unwrap_or(0), 0);
            source.read_at(self.entries_at + first * entry, &mut batch)?;
            segments.extend(
                batch
                    .chunks_exact(self.class.entry().into())
                    .filter_map(|it| self.class.segment(it)),
            );
        }
        Ok(segments)
    }
}
