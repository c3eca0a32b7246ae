//! The ELF header and the program headers, by the offsets of "System V Application Binary
//! Interface" (`Elf64_Ehdr` and `Elf64_Phdr` in include/uapi/linux/elf.h).

use super::{
    ElfError, HEADER_LEN, Kind, MAGIC, MAX_PROGRAM_HEADERS, PROGRAM_HEADER_LEN, PT_INTERP, PT_LOAD,
    Segment,
};
use crate::reader::{OutOfBounds, Reader, slice};
use core::ops::Range;

/// `EI_CLASS` = 64 bits, `EI_DATA` = little-endian, `EI_VERSION` = 1.
const IDENT: [u8; 3] = [2, 1, 1];
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const EM_X86_64: u16 = 62;

/// The fields of the ELF header that matter here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub kind: Kind,
    pub entry: u64,
    table_offset: u64,
    count: u16,
}

impl Header {
    pub fn parse(file: &[u8]) -> Result<Self, ElfError> {
        let short = |_: OutOfBounds| ElfError::TooShort(file.len());
        let mut reader = Reader::new(file).sub(HEADER_LEN).map_err(short)?;
        if reader.array().map_err(short)? != MAGIC {
            return Err(ElfError::Magic);
        }
        if reader.array().map_err(short)? != IDENT {
            return Err(ElfError::Class);
        }
        reader.skip(9).map_err(short)?; // EI_OSABI, EI_ABIVERSION and padding
        let kind = match reader.u16().map_err(short)? {
            ET_EXEC => Kind::Executable,
            ET_DYN => Kind::Relocatable,
            other => return Err(ElfError::Kind(other)),
        };
        let machine = reader.u16().map_err(short)?;
        if machine != EM_X86_64 {
            return Err(ElfError::Machine(machine));
        }
        let version = reader.u32().map_err(short)?;
        let entry = reader.u64().map_err(short)?;
        let table_offset = reader.u64().map_err(short)?;
        reader.skip(12).map_err(short)?; // e_shoff and e_flags
        let header_len = reader.u16().map_err(short)?;
        let entry_len = reader.u16().map_err(short)?;
        let count = reader.u16().map_err(short)?;
        if version != 1 || usize::from(header_len) != HEADER_LEN {
            return Err(ElfError::Class);
        }
        if usize::from(entry_len) != PROGRAM_HEADER_LEN {
            return Err(ElfError::ProgramHeaderLength(entry_len));
        }
        if !(1..=MAX_PROGRAM_HEADERS).contains(&count) {
            return Err(ElfError::ProgramHeaderCount(count));
        }
        Ok(Header {
            kind,
            entry,
            table_offset,
            count,
        })
    }

    /// The program headers, which must lie after the ELF header and in the file.
    pub fn table<'a>(&self, file: &'a [u8]) -> Result<&'a [u8], ElfError> {
        let len = usize::from(self.count).saturating_mul(PROGRAM_HEADER_LEN);
        u64::try_from(len)
            .ok()
            .filter(|_| self.table_offset >= HEADER_LEN as u64)
            .and_then(|len| slice(file, self.table_offset, len))
            .ok_or(ElfError::ProgramHeadersBeyondEnd)
    }

    /// Where the program headers lie in the file, once [`Header::table`] has found them there.
    pub fn table_range(&self) -> Range<usize> {
        let begin = usize::try_from(self.table_offset).unwrap_or(usize::MAX);
        let len = usize::from(self.count).saturating_mul(PROGRAM_HEADER_LEN);
        begin..begin.saturating_add(len)
    }
}

/// A program header, as it stands in the table.
#[derive(Clone, Copy)]
pub(super) struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    vaddr: u64,
    paddr: u64,
    filesz: u64,
    memsz: u64,
    align: u64,
}

/// The program headers of a table.
pub(super) fn program_headers(table: &[u8]) -> impl Iterator<Item = ProgramHeader> {
    table
        .chunks_exact(PROGRAM_HEADER_LEN)
        .filter_map(|bytes| ProgramHeader::read(bytes).ok())
}

impl ProgramHeader {
    fn read(bytes: &[u8]) -> Result<Self, OutOfBounds> {
        let mut reader = Reader::new(bytes);
        Ok(ProgramHeader {
            kind: reader.u32()?,
            flags: reader.u32()?,
            offset: reader.u64()?,
            vaddr: reader.u64()?,
            paddr: reader.u64()?,
            filesz: reader.u64()?,
            memsz: reader.u64()?,
            align: reader.u64()?,
        })
    }

    /// Checks what can be checked of it alone.
    pub fn check(&self, index: usize, file: &[u8]) -> Result<(), ElfError> {
        if self.kind == PT_INTERP {
            return Err(ElfError::Interpreter);
        }
        if self.segment(index, file).is_none() {
            return Err(ElfError::SegmentBeyondEnd(index));
        }
        if self.align != 0 && !self.align.is_power_of_two() {
            return Err(ElfError::Alignment(index, self.align));
        }
        if self.kind != PT_LOAD {
            return Ok(());
        }
        if self.filesz > self.memsz {
            return Err(ElfError::MoreInFileThanInMemory(index));
        }
        let wraps = |begin: u64| begin.checked_add(self.memsz).is_none();
        match wraps(self.vaddr) || wraps(self.paddr) {
            true => Err(ElfError::AddressWraps(index)),
            false => Ok(()),
        }
    }

    /// The segment, or `None` if the file doesn't hold its data.
    pub fn segment<'a>(&self, index: usize, file: &'a [u8]) -> Option<Segment<'a>> {
        let data = match self.filesz {
            0 => &[],
            len => slice(file, self.offset, len)?,
        };
        Some(Segment {
            index,
            kind: self.kind,
            flags: self.flags,
            offset: self.offset,
            vaddr: self.vaddr,
            paddr: self.paddr,
            memsz: self.memsz,
            align: self.align,
            data,
        })
    }
}
