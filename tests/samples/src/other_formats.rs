//! Kernels of other formats than bzImage, as small as they get.

use super::small_elf::{elf_with, note, signature_note};

const FILE_ALIGNMENT: usize = 0x20;
/// Where the section table lies, after eight data directories ("PE Format").
const SECTION_TABLE: usize = 0x108;

/// A PE image of these sections, by name and data, without a setup header.
pub fn pe_image(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let headers = (SECTION_TABLE + 40 * sections.len()).next_multiple_of(0x200);
    let mut image = vec![0; headers];
    put(&mut image, 0, b"MZ");
    put(&mut image, 0x3c, &[0x40]);
    put(&mut image, 0x40, b"PE\0\0");
    put(&mut image, 0x44, &0x8664_u16.to_le_bytes());
    put(&mut image, 0x46, &(sections.len() as u16).to_le_bytes());
    put(&mut image, 0x54, &(112 + 8 * 8_u16).to_le_bytes());
    put(&mut image, 0x58, &0x20b_u16.to_le_bytes());
    for (at, value) in [
        (32, 0x1000),
        (36, FILE_ALIGNMENT as u32),
        (56, 0x10_0000),
        (60, headers as u32),
        (108, 8),
    ] {
        put(&mut image, 0x58 + at, &u32::to_le_bytes(value));
    }
    for (index, (name, data)) in sections.iter().enumerate() {
        let begin = image.len();
        image.extend(*data);
        image.resize(image.len().next_multiple_of(FILE_ALIGNMENT), 0);
        let size = (image.len() - begin) as u32;
        let header = SECTION_TABLE + 40 * index;
        put(&mut image, header, name.as_bytes());
        let fields = [
            data.len() as u32,
            (0x1000 * (index + 1)) as u32,
            size,
            begin as u32,
        ];
        for (number, field) in fields.into_iter().enumerate() {
            put(&mut image, header + 8 + 4 * number, &field.to_le_bytes());
        }
        put(&mut image, header + 36, &0x4000_0040_u32.to_le_bytes());
    }
    image
}

fn linux_note() -> Vec<u8> {
    note(b"Linux\0", 0x100, b"salt")
}

/// Linux as ELF.
pub fn vmlinux() -> Vec<u8> {
    elf_with(&linux_note())
}

/// The same with room for a signature.
pub fn vmlinux_with_room(room: usize) -> Vec<u8> {
    elf_with(&[signature_note(room), linux_note()].concat())
}

/// An ELF kernel that isn't Linux, with a PVH entry.
pub fn pvh() -> Vec<u8> {
    elf_with(&note(b"Xen\0", 18, &0x10_0010_u32.to_le_bytes()))
}

fn tag(kind: u16, fields: &[u32]) -> Vec<u8> {
    let mut tag = kind.to_le_bytes().to_vec();
    tag.extend([0, 0]);
    tag.extend((8 + 4 * fields.len() as u32).to_le_bytes());
    tag.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
    tag.resize(tag.len().next_multiple_of(8), 0);
    tag
}

fn header_of(tags: &[Vec<u8>]) -> Vec<u8> {
    let tags = tags.concat();
    let (magic, len) = (0xe852_50d6_u32, 16 + tags.len() as u32);
    let checksum = 0_u32.wrapping_sub(magic.wrapping_add(len));
    let fields = [magic, 0, len, checksum];
    let mut header: Vec<u8> = fields.into_iter().flat_map(u32::to_le_bytes).collect();
    header.extend(tags);
    header
}

/// The file with a multiboot2 header after it, which says nothing of where it goes.
pub fn with_multiboot2_header(mut file: Vec<u8>) -> Vec<u8> {
    file.resize(file.len().next_multiple_of(8), 0);
    file.extend(header_of(&[tag(0, &[])]));
    file
}

/// A multiboot2 header at every alignment.
pub fn multiboot2_headers() -> Vec<u8> {
    let header = header_of(&[tag(0, &[])]);
    (0..8).flat_map(|_| [&header[..], &[0]].concat()).collect()
}

/// A multiboot2 kernel that is no ELF file: it goes to 1 MiB and begins after its header.
pub fn flat_multiboot2() -> Vec<u8> {
    flat_of(&[])
}

/// The same, which can also go to any multiple of 4 KiB.
pub fn movable_multiboot2() -> Vec<u8> {
    flat_of(&[tag(10, &[0, u32::MAX, 0x1000, 0])])
}

fn flat_of(tags: &[Vec<u8>]) -> Vec<u8> {
    let own = [
        tag(2, &[0x10_0000, 0x10_0000, 0, 0x10_1000]),
        tag(3, &[0x10_0080]),
    ];
    let mut file = header_of(&[&own, tags, &[tag(0, &[])]].concat());
    file.resize(0x100, 0x90);
    file
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
