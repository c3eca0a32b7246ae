//! Making room for the signature note: a `PT_NOTE` program header, and the note at the file's end.
//!
//! Nothing that is there moves, but for the table of program headers where it can't grow: readers
//! find that by `e_phoff`, wherever it lies. Sections aren't touched, and the note gets none: it
//! stays until a tool rewrites the file (`strip` drops it, and with it the signature).
//!
//! Offsets are those of `Elf64_Ehdr`, `Elf64_Phdr` and `Elf64_Shdr` ("System V Application Binary
//! Interface", chapters 4 and 5; include/uapi/linux/elf.h).

use super::args::Existing;
use crate::encode::field::{Cut, put, put_u16};
use crate::failure::Result;
use crate::failure::sign::SignError;
use baton_formats::elf::{
    Class, Elf, HEADER_LEN, PROGRAM_HEADER_LEN, PT_NOTE, SIGNATURE_NOTE_KIND, SIGNATURE_NOTE_NAME,
};
use baton_formats::reader::{is_zero, slice, u16_at, u32_at, u64_at};

/// `e_phoff`, `e_shoff`, `e_phnum`, `e_shentsize` and `e_shnum`.
const E_PHOFF: usize = 0x20;
const E_SHOFF: usize = 0x28;
const E_PHNUM: usize = 0x38;
const E_SHENTSIZE: usize = 0x3a;
const E_SHNUM: usize = 0x3c;

const SECTION_HEADER_LEN: u64 = 64;
/// `sh_type` of a section without bytes in the file.
const SHT_NOBITS: u32 = 8;

/// `p_type` of program headers that say nothing to a kernel's loader: `PT_NULL`; `PT_PHDR`, which
/// programs find this table by; `PT_GNU_STACK`, which is about the stacks of programs.
const SPARE: [u32; 3] = [0, 6, 0x6474_e551];

/// `p_flags`: readable.
const PF_R: u32 = 4;
const NOTE_ALIGNMENT: usize = 4;
const TABLE_ALIGNMENT: usize = 8;

/// Which program header is to be the note's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// The one of this number, which is of no use otherwise.
    Reuse(usize),
    /// A new one, after the last: there is room.
    Grow,
    /// A new one, in a table that moves to the file's end.
    Move,
}

/// An ELF file without a signature note, and where one will go.
#[derive(Debug)]
pub struct Room {
    file: Vec<u8>,
    entry: Entry,
}

impl Room {
    /// Looks for room in a file, and drops the note that is there.
    ///
    /// # Errors
    /// When it isn't an ELF file that can hold a note, or has one and that isn't wanted.
    pub fn in_file(file: &[u8], existing: Existing) -> Result<Room> {
        let elf = Elf::parse(file).map_err(SignError::Elf)?;
        if elf.class() != Class::Elf64 {
            return Err(SignError::Elf32.into());
        }
        match elf.signature() {
            None => Ok(Room {
                file: file.to_vec(),
                entry: choose_entry(file, &elf)?,
            }),
            // Room that somebody made is no signature.
            Some(signature) if existing == Existing::Replace || is_zero(signature) => {
                without_note(file, &elf)
            }
            Some(_) => Err(SignError::HasNote.into()),
        }
    }

    /// The file with a note for a signature of so many bytes, which are zero. `shift` moves the note
    /// by as many times its alignment.
    ///
    /// # Errors
    /// When the signature is too long.
    pub fn make(&self, length: usize, shift: usize) -> Result<Vec<u8>> {
        let mut file = self.file.clone();
        let header = self.make_entry(&mut file)?;
        file.resize(
            file.len().next_multiple_of(NOTE_ALIGNMENT) + shift * NOTE_ALIGNMENT,
            0,
        );
        let offset = file.len();
        file.extend(note(length)?);
        let size = (file.len() - offset) as u64;
        put(&mut file, header, &program_header(offset as u64, size))?;
        Ok(file)
    }

    /// Makes the program header; where it lies.
    fn make_entry(&self, file: &mut Vec<u8>) -> Result<usize> {
        let table = Table::of(file)?;
        match self.entry {
            Entry::Reuse(index) => return Ok(table.offset + index * PROGRAM_HEADER_LEN),
            Entry::Grow => {}
            Entry::Move => {
                let bytes = file.get(table.offset..table.end()).map(<[u8]>::to_vec);
                file.resize(file.len().next_multiple_of(TABLE_ALIGNMENT), 0);
                let moved = file.len();
                file.extend(bytes.unwrap_or_default());
                file.extend([0; PROGRAM_HEADER_LEN]);
                put(file, E_PHOFF, &(moved as u64).to_le_bytes())?;
            }
        }
        put_u16(file, E_PHNUM, table.count + 1)?;
        let grown = Table::of(file)?;
        Ok(grown.end() - PROGRAM_HEADER_LEN)
    }
}

/// Where the program headers lie.
struct Table {
    offset: usize,
    count: u16,
}

impl Table {
    fn of(file: &[u8]) -> Result<Table> {
        let offset = u64_at(file, E_PHOFF).and_then(|at| usize::try_from(at).ok());
        match (offset, u16_at(file, E_PHNUM)) {
            (Some(offset), Some(count)) => Ok(Table { offset, count }),
            _ => Err(Cut.into()),
        }
    }

    fn end(&self) -> usize {
        self.offset + usize::from(self.count) * PROGRAM_HEADER_LEN
    }
}

fn choose_entry(file: &[u8], elf: &Elf<'_>) -> Result<Entry> {
    let spare = elf
        .all_segments()
        .find(|segment| SPARE.contains(&segment.kind));
    if let Some(segment) = spare {
        return Ok(Entry::Reuse(segment.index));
    }
    if is_free(file, elf, Table::of(file)?.end() as u64) {
        Ok(Entry::Grow)
    } else {
        Ok(Entry::Move)
    }
}

/// Whether a program header fits at `begin`, over zeros that nothing else is.
fn is_free(file: &[u8], elf: &Elf<'_>, begin: u64) -> bool {
    let len = PROGRAM_HEADER_LEN as u64;
    let overlaps = |(offset, size): (u64, u64)| {
        offset < begin.saturating_add(len) && begin < offset.saturating_add(size)
    };
    let segments = elf.all_segments().map(|s| (s.offset, s.data.len() as u64));
    let zeros = slice(file, begin, len).is_some_and(is_zero);
    let sections = sections(file);
    zeros
        && !segments.into_iter().any(overlaps)
        && sections.is_some_and(|sections| !sections.into_iter().any(overlaps))
}

/// Offset and size of all sections and of the table of their headers; `None` where that can't be
/// told.
fn sections(file: &[u8]) -> Option<Vec<(u64, u64)>> {
    let offset = u64_at(file, E_SHOFF)?;
    let count = u64::from(u16_at(file, E_SHNUM)?);
    match (offset, count) {
        (0, 0) => return Some(Vec::new()),
        // Their number stands in the first of them, as there are so many.
        (_, 0) => return None,
        _ => {}
    }
    if u64::from(u16_at(file, E_SHENTSIZE)?) != SECTION_HEADER_LEN {
        return None;
    }
    let size = count.checked_mul(SECTION_HEADER_LEN)?;
    let table = slice(file, offset, size)?;
    let headers = table.chunks_exact(usize::try_from(SECTION_HEADER_LEN).ok()?);
    let with_bytes = headers.filter(|header| u32_at(header, 4) != Some(SHT_NOBITS));
    let ranges = with_bytes.map(|header| Some((u64_at(header, 0x18)?, u64_at(header, 0x20)?)));
    let mut all: Vec<_> = ranges.collect::<Option<_>>()?;
    all.push((offset, size));
    Some(all)
}

/// The file without its signature note; the program header that it had says nothing then.
///
/// # Errors
/// When it has none, or one that other notes share the segment of.
pub fn without_signature(file: &[u8]) -> Result<Vec<u8>> {
    let elf = Elf::parse(file).map_err(SignError::Elf)?;
    if elf.class() != Class::Elf64 {
        return Err(SignError::Elf32.into());
    }
    let room = without_note(file, &elf)?;
    let mut file = room.file;
    if let Entry::Reuse(index) = room.entry {
        let header = Table::of(&file)?.offset + index * PROGRAM_HEADER_LEN;
        put(&mut file, header, &[0; PROGRAM_HEADER_LEN])?;
    }
    Ok(file)
}

/// The file without the note's bytes, if it ends with them as it does after [`Room::make`], and the
/// note's program header free.
fn without_note(file: &[u8], elf: &Elf<'_>) -> Result<Room> {
    let note = elf.notes().find(baton_formats::elf::Note::is_signature);
    let segment = note.and_then(|note| elf.all_segments().nth(note.segment));
    let (Some(note), Some(segment)) = (note, segment) else {
        return Err(SignError::NoNote.into());
    };
    if elf.notes().filter(|n| n.segment == note.segment).count() > 1 {
        return Err(SignError::SharedNote.into());
    }
    let begin = usize::try_from(segment.offset).unwrap_or(usize::MAX);
    let mut file = file.to_vec();
    if file.len() == begin + segment.data.len() && begin >= HEADER_LEN {
        file.truncate(begin)
    } else {
        put(
            &mut file,
            note.descriptor_offset,
            &vec![0; note.descriptor.len()],
        )?
    }
    Ok(Room {
        file,
        entry: Entry::Reuse(segment.index),
    })
}

/// A note whose descriptor is zero.
fn note(length: usize) -> Result<Vec<u8>> {
    let too_long = |_| SignError::NoteTooLong;
    let name = [SIGNATURE_NOTE_NAME, &[0]].concat();
    let mut note = u32::try_from(name.len())
        .map_err(too_long)?
        .to_le_bytes()
        .to_vec();
    note.extend(u32::try_from(length).map_err(too_long)?.to_le_bytes());
    note.extend(SIGNATURE_NOTE_KIND.to_le_bytes());
    note.extend(name);
    note.resize(note.len().next_multiple_of(NOTE_ALIGNMENT), 0);
    note.resize((note.len() + length).next_multiple_of(NOTE_ALIGNMENT), 0);
    Ok(note)
}

/// `Elf64_Phdr` of the note, which takes no memory.
fn program_header(offset: u64, size: u64) -> [u8; PROGRAM_HEADER_LEN] {
    let words = [PT_NOTE, PF_R].into_iter().flat_map(u32::to_le_bytes);
    // p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align
    let longs = [offset, 0, 0, size, 0, NOTE_ALIGNMENT as u64];
    let bytes = words.chain(longs.into_iter().flat_map(u64::to_le_bytes));
    let mut header = [0; PROGRAM_HEADER_LEN];
    header
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = from);
    header
}
