//! A multiboot2 kernel in miniature.

use super::{filler, put};

/// Offsets in [`kernel`].
pub mod at {
    pub const HEADER: usize = 0x40;
    pub const TAGS: usize = HEADER + 16;
    pub const REQUESTS: usize = TAGS;
    pub const ADDRESS: usize = REQUESTS + 16;
    pub const ENTRY: usize = ADDRESS + 24;
    pub const PAGE_ALIGNED: usize = ENTRY + 16;
    pub const RELOCATABLE: usize = PAGE_ALIGNED + 8;
    pub const EFI_ENTRY: usize = RELOCATABLE + 24;
    pub const LAST: usize = EFI_ENTRY + 16;
    pub const END: usize = LAST + 8;
    pub const FILE_END: usize = 0x200;
}

/// A tag with these 32-bit fields, padded to 8 bytes.
pub fn tag(kind: u16, flags: u16, fields: &[u32]) -> Vec<u8> {
    let mut tag = kind.to_le_bytes().to_vec();
    tag.extend(flags.to_le_bytes());
    tag.extend((8 + 4 * fields.len() as u32).to_le_bytes());
    tag.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
    tag.resize(tag.len().next_multiple_of(8), 0);
    tag
}

/// A header with these tags.
pub fn header(architecture: u32, tags: &[Vec<u8>]) -> Vec<u8> {
    let tags = tags.concat();
    let len = 16 + tags.len() as u32;
    let mut header = fixed(architecture, len);
    header.extend(tags);
    header
}

/// A header's first 16 bytes, with the right checksum.
pub fn fixed(architecture: u32, len: u32) -> Vec<u8> {
    let magic = crate::multiboot2::MAGIC;
    let checksum = 0u32.wrapping_sub(magic.wrapping_add(architecture).wrapping_add(len));
    let fields = [magic, architecture, len, checksum];
    fields.into_iter().flat_map(u32::to_le_bytes).collect()
}

pub fn tags() -> Vec<Vec<u8>> {
    vec![
        tag(1, 0, &[6, 15]),
        tag(2, 0, &[0x10_0040, 0x10_0010, 0x10_0100, 0x10_1000]),
        tag(3, 0, &[0x10_0080]),
        tag(6, 0, &[]),
        tag(10, 1, &[0x1000, 0xffff_ffff, 0x1000, 2]),
        tag(9, 0, &[0x10_0090]),
        tag(0, 0, &[]),
    ]
}

/// A file with this header at its place.
pub fn kernel_of(header: &[u8]) -> Vec<u8> {
    let mut file = filler(at::FILE_END, 8);
    put(&mut file, at::HEADER, header);
    file
}

pub fn kernel() -> Vec<u8> {
    kernel_of(&header(0, &tags()))
}
