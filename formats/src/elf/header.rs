//! The ELF header and the program headers, by the offsets of "System V Application Binary
//! Interface" (`Elf32_Ehdr`, `Elf64_Ehdr` and their `Phdr` in include/uapi/linux/elf.h).

use super::{
    Class, ElfError, ElfKind, HEADER_LEN, MAX_PROGRAM_HEADERS, PROGRAM_HEADER_LEN, PT_INTERP,
    PT_LOAD, Segment,
};
use crate::magic::Magic;
use crate::reader::{OutOfBounds, Reader, array_at, slice, u16_at};
use core::ops::Range;

/// `EI_DATA` = little-endian, `EI_VERSION` = 1.
const IDENT: [u8; 2] = [1, 1];
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const ET_CORE: u16 = 4;
const EM_386: u16 = 3;
const EM_X86_64: u16 = 62;

impl Class {
    /// By `EI_CLASS`.
    fn from_ident(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Class::Elf32),
            2 => Some(Class::Elf64),
            _ => None,
        }
    }

    /// That of a core, by the first 18 bytes of its header.
    pub(super) fn of_core(file: &[u8]) -> Option<Self> {
        let [class, ident @ ..]: [u8; 3] = array_at(file, Magic::Elf.bytes().len())?;
        let is_core = Magic::Elf.begins(file) && ident == IDENT && u16_at(file, 16)? == ET_CORE;
        Self::from_ident(class).filter(|_| is_core)
    }

    fn header_len(self) -> usize {
        match self {
            Class::Elf32 => 52,
            Class::Elf64 => HEADER_LEN,
        }
    }

    fn program_header_len(self) -> usize {
        match self {
            Class::Elf32 => 32,
            Class::Elf64 => PROGRAM_HEADER_LEN,
        }
    }

    fn machine(self) -> u16 {
        match self {
            Class::Elf32 => EM_386,
            Class::Elf64 => EM_X86_64,
        }
    }

    /// An address, an offset or a size.
    fn word(self, reader: &mut Reader<'_>) -> Result<u64, OutOfBounds> {
        match self {
            Class::Elf32 => reader.u32().map(u64::from),
            Class::Elf64 => reader.u64(),
        }
    }
}

/// The fields of the ELF header that matter here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub class: Class,
    pub kind: ElfKind,
    pub entry: u64,
    table_offset: u64,
    count: u16,
}

impl Header {
    pub fn parse(file: &[u8]) -> Result<Self, ElfError> {
        let short = |_: OutOfBounds| ElfError::TooShort(file.len());
        let mut reader = Reader::new(file);
        reader.skip(Magic::Elf.bytes().len()).map_err(short)?;
        if !Magic::Elf.begins(file) {
            return Err(ElfError::Magic);
        }
        let class = Class::from_ident(reader.u8().map_err(short)?).ok_or(ElfError::Class)?;
        if file.len() < class.header_len() {
            return Err(ElfError::TooShort(file.len()));
        }
        if reader.array().map_err(short)? != IDENT {
            return Err(ElfError::Class);
        }
        reader.skip(9).map_err(short)?; // EI_OSABI, EI_ABIVERSION and padding
        let kind = match reader.u16().map_err(short)? {
            ET_EXEC => ElfKind::Executable,
            ET_DYN => ElfKind::Relocatable,
            other => return Err(ElfError::Kind(other)),
        };
        let machine = reader.u16().map_err(short)?;
        if machine != class.machine() {
            return Err(ElfError::Machine(machine));
        }
        let version = reader.u32().map_err(short)?;
        let entry = class.word(&mut reader).map_err(short)?;
        let table_offset = class.word(&mut reader).map_err(short)?;
        class.word(&mut reader).map_err(short)?; // e_shoff
        reader.skip(4).map_err(short)?; // e_flags
        let header_len = reader.u16().map_err(short)?;
        let entry_len = reader.u16().map_err(short)?;
        let count = reader.u16().map_err(short)?;
        if version != 1 || usize::from(header_len) != class.header_len() {
            return Err(ElfError::Class);
        }
        if usize::from(entry_len) != class.program_header_len() {
            return Err(ElfError::ProgramHeaderLength(entry_len));
        }
        if !(1..=MAX_PROGRAM_HEADERS).contains(&count) {
            return Err(ElfError::ProgramHeaderCount(count));
        }
        Ok(Header {
            class,
            kind,
            entry,
            table_offset,
            count,
        })
    }

    /// The program headers, which must lie after the ELF header and in the file.
    pub fn table<'a>(&self, file: &'a [u8]) -> Result<&'a [u8], ElfError> {
        let len = self.table_len();
        u64::try_from(len)
            .ok()
            .filter(|_| self.table_offset >= self.class.header_len() as u64)
            .and_then(|len| slice(file, self.table_offset, len))
            .ok_or(ElfError::ProgramHeadersBeyondEnd)
    }

    /// Where the program headers lie in the file, once [`Header::table`] has found them there.
    pub fn table_range(&self) -> Range<usize> {
        let begin = usize::try_from(self.table_offset).unwrap_or(usize::MAX);
        begin..begin.saturating_add(self.table_len())
    }

    fn table_len(&self) -> usize {
        usize::from(self.count).saturating_mul(self.class.program_header_len())
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

impl ProgramHeader {
    /// The one of this number in a table; `None` after the last one.
    pub fn nth(class: Class, table: &[u8], index: usize) -> Option<Self> {
        let at = index.checked_mul(class.program_header_len())?;
        Self::read(class, table.get(at..)?).ok()
    }

    /// The flags stand elsewhere in 32-bit files.
    fn read(class: Class, bytes: &[u8]) -> Result<Self, OutOfBounds> {
        let reader = &mut Reader::new(bytes);
        let kind = reader.u32()?;
        let early_flags = match class {
            Class::Elf64 => reader.u32()?,
            Class::Elf32 => 0,
        };
        Ok(ProgramHeader {
            kind,
            offset: class.word(reader)?,
            vaddr: class.word(reader)?,
            paddr: class.word(reader)?,
            filesz: class.word(reader)?,
            memsz: class.word(reader)?,
            flags: match class {
                Class::Elf64 => early_flags,
                Class::Elf32 => reader.u32()?,
            },
            align: class.word(reader)?,
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
        if wraps(self.vaddr) || wraps(self.paddr) {
            Err(ElfError::AddressWraps(index))
        } else {
            Ok(())
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
