//! Small dumps for the tests.

use crate::arch::Machine;
use crate::bytes::u64_at;
use crate::format::elf::Segment;
use crate::format::elf::disk::{FileHeader, LOAD, NOTE, NoteHeader, ProgramHeader64};
use crate::format::flattened::disk::{self as flattened, RecordHeader};
use zerocopy::IntoBytes;

pub(crate) mod btf;
pub(crate) mod cpus;
pub(crate) mod kdump;
pub(crate) mod log;
pub(crate) mod pages;
mod seeds;

/// A note.
pub(crate) fn note(name: &[u8], kind: u32, description: &[u8]) -> Vec<u8> {
    let header = NoteHeader {
        n_namesz: u32::try_from(name.len() + 1).unwrap().into(),
        n_descsz: u32::try_from(description.len()).unwrap().into(),
        n_type: kind.into(),
    };
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(name);
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(description);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// `struct elf_prstatus` of x86-64.
pub(crate) fn prstatus(pid: u32, instruction: u64) -> Vec<u8> {
    let mut bytes = vec![0; 336];
    bytes[32..36].copy_from_slice(&pid.to_le_bytes());
    bytes[240..248].copy_from_slice(&instruction.to_le_bytes());
    bytes
}

/// A PT_LOAD of a [`core`]: physical address, size in memory, bytes in the file.
pub(crate) type Load = (u64, u64, Vec<u8>);

/// An ELF64 core of x86-64 with these notes and this memory. The segments' bytes stand in order, each
/// at a multiple of 16.
pub(crate) fn core(notes: &[u8], loads: &[Load]) -> Vec<u8> {
    let count = loads.len() + 1;
    let header = FileHeader::core(Machine::X86_64, u16::try_from(count).unwrap());
    let mut bytes = header.as_bytes().to_vec();
    let mut offset = 64 + 56 * count;
    let mut header = |kind: u32, at: u64, memory: u64, held: &[u8]| {
        offset = offset.next_multiple_of(16);
        let segment = Segment {
            kind,
            flags: 7,
            offset: offset as u64,
            virtual_address: 0,
            physical_address: at,
            file_size: held.len() as u64,
            memory_size: memory,
        };
        bytes.extend(ProgramHeader64::from(segment).as_bytes());
        offset += held.len();
    };
    header(NOTE, 0, notes.len() as u64, notes);
    for (at, memory, held) in loads {
        header(LOAD, *at, *memory, held);
    }
    for held in std::iter::once(notes).chain(loads.iter().map(|(_, _, held)| held.as_slice())) {
        bytes.resize(bytes.len().next_multiple_of(16), 0);
        bytes.extend(held);
    }
    bytes
}

/// Where the first segment of memory of a [`core`] begins in the file.
pub(crate) fn first_load(core: &[u8]) -> u64 {
    u64_at(core, 64 + 56 + 8).unwrap()
}

/// A flattened dump of these records.
pub(crate) fn flattened(records: &[(u64, &[u8])]) -> Vec<u8> {
    let mut bytes = flattened::FileHeader::CURRENT.as_bytes().to_vec();
    bytes.resize(flattened::HEADER_ROOM, 0);
    for (offset, data) in records {
        let header = RecordHeader::new(*offset, data.len() as u64).unwrap();
        bytes.extend(header.as_bytes());
        bytes.extend(*data);
    }
    bytes.extend(RecordHeader::END.as_bytes());
    bytes
}
