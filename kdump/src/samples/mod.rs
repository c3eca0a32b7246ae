//! Small dumps for the tests.

use crate::bytes::u64_at;

pub(crate) mod kdump;
pub(crate) mod log;
pub(crate) mod pages;
mod seeds;

/// A note.
pub(crate) fn note(name: &[u8], kind: u32, description: &[u8]) -> Vec<u8> {
    let length = |it: usize| u32::try_from(it).unwrap().to_le_bytes();
    let mut bytes = Vec::new();
    bytes.extend(length(name.len() + 1));
    bytes.extend(length(description.len()));
    bytes.extend(kind.to_le_bytes());
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
    let count = u16::try_from(loads.len() + 1).unwrap();
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend(4u16.to_le_bytes());
    bytes.extend(62u16.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend([0u64, 64, 0].iter().flat_map(|it| it.to_le_bytes()));
    bytes.extend(
        [0u16, 0, 64, 56, count, 0, 0, 0]
            .iter()
            .flat_map(|it| it.to_le_bytes()),
    );
    let mut offset = 64 + 56 * (loads.len() + 1);
    let mut header = |kind: u32, at: u64, memory: u64, held: &[u8]| {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(7u32.to_le_bytes());
        offset = offset.next_multiple_of(16);
        let numbers = [offset as u64, 0, at, held.len() as u64, memory, 0];
        bytes.extend(numbers.iter().flat_map(|it| it.to_le_bytes()));
        offset += held.len();
    };
    header(4, 0, notes.len() as u64, notes);
    for (at, memory, held) in loads {
        header(1, *at, *memory, held);
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
    let mut bytes = b"makedumpfile\0\0\0\0".to_vec();
    bytes.extend([1u64, 1].iter().flat_map(|it| it.to_be_bytes()));
    bytes.resize(4096, 0);
    for (offset, data) in records {
        bytes.extend(offset.to_be_bytes());
        bytes.extend((data.len() as u64).to_be_bytes());
        bytes.extend(*data);
    }
    bytes.extend([0xff; 16]);
    bytes
}
