//! An ELF kernel in miniature, as Linux's `vmlinux` is, with a signature note.

use super::{filler, put, put16, put32, put64};
pub use baton_samples::small_elf::note;

/// Offsets in [`kernel`].
pub mod at {
    pub const ENTRY: usize = 0x18;
    pub const TABLE_OFFSET: usize = 0x20;
    pub const TABLE_COUNT: usize = 0x38;
    /// The program headers: code, data, the notes in the data, the signature note.
    pub const HEADERS: [usize; 4] = [0x40, 0x78, 0xb0, 0xe8];
    pub const CODE: usize = 0x200;
    pub const DATA: usize = 0x280;
    pub const XEN_NOTE: usize = 0x280;
    pub const SIGNATURE_NOTE: usize = 0x2c0;
    pub const SIGNATURE: usize = 0x2d4;
    pub const END: usize = 0x2e0;
}

/// What the signature note holds: DER, of nothing.
pub const SIGNATURE: &[u8] = &[0x30, 8, 2, 1, 1, 4, 3, 9, 9, 9];

pub const CODE_VADDR: u64 = 0xffff_ffff_8100_0000;
pub const CODE_PADDR: u64 = 0x100_0000;
pub const DATA_VADDR: u64 = 0xffff_ffff_8120_0000;
pub const DATA_PADDR: u64 = 0x120_0000;

pub struct Header {
    pub kind: u32,
    pub flags: u32,
    pub offset: usize,
    pub memory: (u64, u64),
    pub sizes: (usize, u64),
    pub align: u64,
}

pub fn put_header(file: &mut [u8], at: usize, header: &Header) {
    put32(file, at, header.kind);
    put32(file, at + 4, header.flags);
    put64(file, at + 8, header.offset as u64);
    put64(file, at + 16, header.memory.0);
    put64(file, at + 24, header.memory.1);
    put64(file, at + 32, header.sizes.0 as u64);
    put64(file, at + 40, header.sizes.1);
    put64(file, at + 48, header.align);
}

pub fn kernel() -> Vec<u8> {
    let mut file = vec![0; at::END];
    put(&mut file, 0, b"\x7fELF\x02\x01\x01");
    put16(&mut file, 0x10, 2);
    put16(&mut file, 0x12, 62);
    put32(&mut file, 0x14, 1);
    put64(&mut file, at::ENTRY, CODE_PADDR + 0x10);
    put64(&mut file, at::TABLE_OFFSET, 0x40);
    put16(&mut file, 0x34, 64);
    put16(&mut file, 0x36, 56);
    put16(&mut file, at::TABLE_COUNT, 4);
    headers(&mut file);
    put(&mut file, at::CODE, &filler(0x80, 6));
    let entry = (CODE_PADDR + 0x20).to_le_bytes();
    put(&mut file, at::XEN_NOTE, &note(b"Xen\0", 18, &entry));
    put(&mut file, at::DATA + 0x18, &filler(0x28, 7));
    put(
        &mut file,
        at::SIGNATURE_NOTE,
        &note(b"Baton\0", 1, SIGNATURE),
    );
    file
}

fn headers(file: &mut [u8]) {
    let [code, data, notes, signature] = at::HEADERS;
    let segment = |kind, flags, offset, memory, sizes, align| Header {
        kind,
        flags,
        offset,
        memory,
        sizes,
        align,
    };
    let (text, rest) = ((CODE_VADDR, CODE_PADDR), (DATA_VADDR, DATA_PADDR));
    put_header(
        file,
        code,
        &segment(1, 5, at::CODE, text, (0x80, 0x80), 0x20_0000),
    );
    put_header(
        file,
        data,
        &segment(1, 6, at::DATA, rest, (0x40, 0x1000), 0x20_0000),
    );
    put_header(file, notes, &segment(4, 4, at::XEN_NOTE, rest, (24, 24), 4));
    put_header(
        file,
        signature,
        &segment(4, 4, at::SIGNATURE_NOTE, (0, 0), (32, 0), 4),
    );
}
