//! A small PE image, and ways to spoil it. Offsets are those of Microsoft's "PE Format".

use std::iter::repeat;

/// Where things lie in [`base`].
pub mod at {
    /// `e_lfanew`, in the DOS header.
    pub const E_LFANEW: usize = 0x3c;
    /// The PE signature.
    pub const PE: usize = 0x80;
    /// `Machine`, the first field of the COFF header.
    pub const MACHINE: usize = PE + 4;
    pub const SECTION_COUNT: usize = PE + 6;
    pub const SYMBOL_TABLE: usize = PE + 12;
    pub const OPTIONAL_SIZE: usize = PE + 20;
    /// The optional header.
    pub const OPTIONAL: usize = PE + 24;
    pub const SECTION_ALIGNMENT: usize = OPTIONAL + 32;
    pub const FILE_ALIGNMENT: usize = OPTIONAL + 36;
    pub const SIZE_OF_HEADERS: usize = OPTIONAL + 60;
    pub const CHECKSUM: usize = OPTIONAL + 64;
    pub const DIRECTORY_COUNT: usize = OPTIONAL + 108;
    /// Offset and size of the certificate table.
    pub const CERTIFICATE_DIRECTORY: usize = OPTIONAL + 144;
    pub const CERTIFICATE_SIZE: usize = CERTIFICATE_DIRECTORY + 4;
    /// The headers of `.text`, `.data` and `.sbat`.
    pub const SECTIONS: [usize; 3] = [SECTION_TABLE, SECTION_TABLE + 40, SECTION_TABLE + 80];
    const SECTION_TABLE: usize = OPTIONAL + 112 + 16 * 8;
    /// In a section's header: size in memory, size and offset in the file.
    pub const VIRTUAL_SIZE: usize = 8;
    pub const RAW_SIZE: usize = 16;
    pub const RAW_OFFSET: usize = 20;
    /// Where the headers end and the first section begins.
    pub const HEADERS: usize = 0x400;
    /// How long each section is in the file.
    pub const SECTION_LEN: usize = 0x200;
    /// Where the image ends.
    pub const END: usize = HEADERS + 3 * SECTION_LEN;
}

/// What an image is built from.
pub struct Shape {
    /// Where the PE signature lies.
    pub pe: usize,
    /// PE32 instead of PE32+.
    pub pe32: bool,
    pub directories: usize,
    /// All but the first three are empty.
    pub sections: usize,
    /// How long the headers are.
    pub headers: usize,
}

/// The shape of [`base`].
pub const SHAPE: Shape = Shape {
    pe: at::PE,
    pe32: false,
    directories: 16,
    sections: 3,
    headers: at::HEADERS,
};

/// What stands in `.sbat` (shim's SBAT.md).
const SBAT: &str = "sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\n\
                    example,1,Example,example,1,https://example.org/\n";

/// The image that all others depart from: three sections, not signed.
pub fn base() -> Vec<u8> {
    build(&SHAPE)
}

/// An image of a shape.
pub fn build(shape: &Shape) -> Vec<u8> {
    let mut image = vec![0; shape.headers];
    image.extend((1..=251).cycle().take(2 * at::SECTION_LEN));
    image.extend(SBAT.bytes().chain(repeat(0)).take(at::SECTION_LEN));
    put(&mut image, 0, b"MZ");
    put32(&mut image, at::E_LFANEW, shape.pe);
    put(&mut image, shape.pe, b"PE\0\0");
    let (magic, fixed) = if shape.pe32 {
        (0x10b, 96)
    } else {
        (0x20b, 112)
    };
    let coff = shape.pe + 4;
    put16(&mut image, coff, if shape.pe32 { 0x14c } else { 0x8664 });
    put16(&mut image, coff + 2, shape.sections);
    put16(&mut image, coff + 16, fixed + 8 * shape.directories);
    put16(&mut image, coff + 18, 0x0206);
    let optional = coff + 20;
    put16(&mut image, optional, magic);
    put32(&mut image, optional + 16, 0x1000); // AddressOfEntryPoint
    put32(&mut image, optional + 32, 0x1000);
    put32(&mut image, optional + 36, 0x200);
    put32(&mut image, optional + 56, 0x4000);
    put32(&mut image, optional + 60, shape.headers);
    put16(&mut image, optional + 68, 10); // an EFI application
    put32(&mut image, optional + fixed - 4, shape.directories);
    sections(&mut image, shape, optional + fixed + 8 * shape.directories);
    image
}

fn sections(image: &mut [u8], shape: &Shape, table: usize) {
    let names = [".text", ".data", ".sbat"];
    for index in 0..shape.sections {
        let header = table + 40 * index;
        let name = names.get(index).copied().unwrap_or(".empty");
        put(image, header, name.as_bytes());
        put32(image, header + at::VIRTUAL_SIZE, at::SECTION_LEN);
        put32(image, header + 12, 0x1000 * (1 + index));
        put32(image, header + 36, 0x4000_0040);
        if index < names.len() {
            put32(image, header + at::RAW_SIZE, at::SECTION_LEN);
            let offset = shape.headers + at::SECTION_LEN * index;
            put32(image, header + at::RAW_OFFSET, offset);
        }
    }
}

/// Writes `bytes` at `offset`.
pub fn put(target: &mut [u8], offset: usize, bytes: &[u8]) {
    target[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// Writes the low 16 bits of `value`.
#[allow(clippy::cast_possible_truncation)]
pub fn put16(target: &mut [u8], offset: usize, value: usize) {
    put(target, offset, &(value as u16).to_le_bytes());
}

/// Writes the low 32 bits of `value`.
#[allow(clippy::cast_possible_truncation)]
pub fn put32(target: &mut [u8], offset: usize, value: usize) {
    put(target, offset, &(value as u32).to_le_bytes());
}

/// A 32-bit number.
pub fn get32(bytes: &[u8], offset: usize) -> usize {
    let field = bytes[offset..offset + 4].try_into();
    u32::from_le_bytes(field.expect("four bytes")) as usize
}
