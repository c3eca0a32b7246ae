//! An ELF64 core, of notes and one segment (System V ABI, chapters 4 and 5; elf(5)).

use super::PAGE;
use super::kernel::DIRECT_MAP;

/// Where the notes are, as in /proc/vmcore: past the headers, at a page's begin.
const NOTES: u64 = PAGE;

/// All that stands before the memory, up to a whole number of pages.
pub(super) fn front(notes: &[u8], memory: u64) -> Vec<u8> {
    let length = notes.len() as u64;
    let segment = (NOTES + length).next_multiple_of(PAGE);
    let mut bytes = header();
    // PT_NOTE, PF_R
    bytes.extend(program_header(4, 4, [NOTES, 0, 0, length, length, 4]));
    // PT_LOAD, all may be done
    bytes.extend(program_header(
        1,
        7,
        [segment, DIRECT_MAP, 0, memory, memory, PAGE],
    ));
    pad(&mut bytes, NOTES);
    bytes.extend(notes);
    pad(&mut bytes, PAGE);
    bytes
}

/// A note, as NT_PRSTATUS or VMCOREINFO.
pub(super) fn note(name: &[u8], kind: u32, description: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = length(name.len() + 1).to_vec();
    bytes.extend(length(description.len()));
    bytes.extend(kind.to_le_bytes());
    bytes.extend(name);
    bytes.push(0);
    pad(&mut bytes, 4);
    bytes.extend(description);
    pad(&mut bytes, 4);
    bytes
}

fn header() -> Vec<u8> {
    // ELFCLASS64, ELFDATA2LSB, EV_CURRENT
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    pad(&mut bytes, 16);
    // ET_CORE, EM_X86_64
    bytes.extend([4u16, 62].iter().flat_map(|it| it.to_le_bytes()));
    bytes.extend(1u32.to_le_bytes());
    // e_entry, e_phoff, e_shoff
    bytes.extend([0u64, 64, 0].iter().flat_map(|it| it.to_le_bytes()));
    bytes.extend(0u32.to_le_bytes());
    // e_ehsize, e_phentsize, e_phnum, and of sections none
    let sizes = [64u16, 56, 2, 0, 0, 0];
    bytes.extend(sizes.iter().flat_map(|it| it.to_le_bytes()));
    bytes
}

/// `numbers` are p_offset, p_vaddr, p_paddr, p_filesz, p_memsz and p_align.
fn program_header(kind: u32, flags: u32, numbers: [u64; 6]) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend(flags.to_le_bytes());
    bytes.extend(numbers.iter().flat_map(|it| it.to_le_bytes()));
    bytes
}

fn pad(bytes: &mut Vec<u8>, multiple: u64) {
    let multiple = usize::try_from(multiple).unwrap_or(1);
    bytes.resize(bytes.len().next_multiple_of(multiple), 0);
}
