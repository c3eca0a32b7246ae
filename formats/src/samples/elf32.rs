//! An ELF kernel of 32 bits in miniature, as Xen's is.

use super::elf::note;
use super::{filler, put, put16, put32};

/// `p_offset`, `p_vaddr`, `p_paddr`, `p_filesz`, `p_memsz`, `p_flags`, `p_align` after `p_type`.
const HEADERS: [[u32; 8]; 2] = [
    [1, 0x80, 0x20_0000, 0x20_0000, 0x40, 0x1000, 7, 64],
    [4, 0xc0, 0, 0, 24, 24, 4, 4],
];

pub fn kernel() -> Vec<u8> {
    let mut file = vec![0; 0xd8];
    put(&mut file, 0, b"\x7fELF\x01\x01\x01");
    put16(&mut file, 0x10, 2);
    put16(&mut file, 0x12, 3);
    put32(&mut file, 0x14, 1);
    put32(&mut file, 0x18, 0x20_0010);
    put32(&mut file, 0x1c, 52);
    for (at, value) in [(0x28, 52), (0x2a, 32), (0x2c, 2)] {
        put16(&mut file, at, value);
    }
    for (index, field) in HEADERS.iter().flatten().enumerate() {
        put32(&mut file, 52 + 4 * index, *field);
    }
    put(&mut file, 0x80, &filler(0x40, 3));
    put(&mut file, 0xc0, &note(b"Linux\0", 0x100, b"salt"));
    file
}
