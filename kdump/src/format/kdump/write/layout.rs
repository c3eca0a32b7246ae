//! The headers of a kdump-compressed dump, and where its parts lie.
//!
//! makedumpfile's diskdump_mod.h: struct disk_dump_header, struct kdump_sub_header. The block size is
//! the page size.

use crate::bits::{REGION, REGION_BYTES};
use crate::encode::Compression;
use crate::write::WriteError;
use std::ops::Range;

/// sizeof(struct kdump_sub_header).
pub(crate) const SUB_HEADER: usize = 104;
/// sizeof(struct page_desc).
pub(crate) const DESCRIPTOR: u64 = 24;
/// header_version.
const VERSION: u32 = 6;
/// offsetof(struct disk_dump_header, status).
pub(crate) const STATUS_AT: u64 = 424;
/// DUMP_DH_COMPRESSED_INCOMPLETE.
const INCOMPLETE: u32 = 0x8;

/// The flag of a compression in `status` and in descriptors: DUMP_DH_COMPRESSED_ZLIB and _ZSTD.
pub(crate) fn flag(compression: Compression) -> u32 {
    match compression {
        Compression::Zstd(_) => 0x20,
        Compression::Zlib(_) => 0x1,
        Compression::None => 0,
    }
}

/// Which machine crashed, when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// sysname, nodename, release, version, machine, domainname, as `struct new_utsname` has them.
    pub utsname: [String; 6],
    /// Seconds since 1970.
    pub seconds: u64,
    /// How many CPUs left their registers.
    pub cpus: u32,
    /// How far the kernel's image lies from where it is linked, in physical memory.
    pub phys_base: u64,
}

/// Where the parts of a dump lie, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub block: u64,
    pub end_page: u64,
    sub_blocks: u32,
    bitmap_blocks: u32,
    /// The length of one bitmap.
    pub bitmap: u64,
    pub bitmap1: u64,
    pub bitmap2: u64,
    pub descriptors: u64,
}

impl Layout {
    pub(crate) fn new(block: u64, end_page: u64, notes: u64) -> Result<Layout, WriteError> {
        let sub_blocks = notes
            .checked_add(SUB_HEADER as u64)
            .map(|length| length.div_ceil(block))
            .and_then(|blocks| i32::try_from(blocks).ok())
            .ok_or(WriteError::Notes(notes))?
            .unsigned_abs();
        // Whole regions and whole blocks: both are powers of two.
        let unit = block.max(REGION_BYTES as u64);
        let bitmap = end_page.div_ceil(REGION as u64) * REGION_BYTES as u64;
        let bitmap = bitmap.next_multiple_of(unit);
        // At most 2^36 pages of 4 KiB, whose bitmaps have 2^22 blocks.
        let bitmap_blocks = u32::try_from(2 * bitmap / block).unwrap_or(u32::MAX);
        let bitmap1 = (1 + u64::from(sub_blocks)) * block;
        Ok(Layout {
            block,
            end_page,
            sub_blocks,
            bitmap_blocks,
            bitmap,
            bitmap1,
            bitmap2: bitmap1 + bitmap,
            descriptors: bitmap1 + 2 * bitmap,
        })
    }

    /// Where the notes are.
    pub(crate) fn notes(&self) -> u64 {
        self.block + SUB_HEADER as u64
    }

    /// The header's block; `whole` if nobody will be told otherwise later.
    pub(crate) fn header(
        &self,
        identity: &Identity,
        compression: Compression,
        whole: bool,
    ) -> Vec<u8> {
        let mut bytes = Bytes::new(self.block);
        bytes.put(0, b"KDUMP   ");
        bytes.put(8, &VERSION.to_le_bytes());
        for (index, name) in identity.utsname.iter().enumerate() {
            // Each ends with a zero.
            let name = name.as_bytes();
            bytes.put(12 + 65 * index, name.get(..64).unwrap_or(name));
        }
        bytes.put(408, &identity.seconds.to_le_bytes());
        let incomplete = if whole { 0 } else { INCOMPLETE };
        bytes.put(424, &(flag(compression) | incomplete).to_le_bytes());
        bytes.put(428, &low(self.block).to_le_bytes());
        bytes.put(432, &self.sub_blocks.to_le_bytes());
        bytes.put(436, &self.bitmap_blocks.to_le_bytes());
        bytes.put(440, &low(self.end_page).to_le_bytes());
        bytes.put(460, &identity.cpus.to_le_bytes());
        bytes.0
    }

    /// What replaces `status` when the dump is whole.
    pub(crate) fn whole(compression: Compression) -> [u8; 4] {
        flag(compression).to_le_bytes()
    }

    /// The sub-header, of a dump of this level with notes of which some bytes are VMCOREINFO.
    pub(crate) fn sub_header(
        &self,
        identity: &Identity,
        level: u8,
        notes: u64,
        vmcoreinfo: Option<Range<usize>>,
    ) -> Vec<u8> {
        let mut bytes = Bytes::new(SUB_HEADER as u64);
        let mut long = |offset, value: u64| bytes.put(offset, &value.to_le_bytes());
        long(0, identity.phys_base);
        long(8, level.into());
        if let Some(range) = vmcoreinfo.filter(|range| !range.is_empty()) {
            long(32, self.notes() + range.start as u64);
            long(40, range.len() as u64);
        }
        if notes > 0 {
            long(48, self.notes());
            long(56, notes);
        }
        long(96, self.end_page);
        bytes.0
    }
}

/// What old readers look at is cut off at 32 bits.
fn low(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Bytes that are zeros where nothing is put.
struct Bytes(Vec<u8>);

impl Bytes {
    fn new(length: u64) -> Bytes {
        Bytes(vec![0; usize::try_from(length).unwrap_or(0)])
    }

    fn put(&mut self, offset: usize, value: &[u8]) {
        if let Some(place) = self.0.get_mut(offset..offset + value.len()) {
            place.copy_from_slice(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            utsname: ["Linux", "host", "6.12.1", "#1 SMP", "x86_64", "(none)"].map(str::to_owned),
            seconds: 0x1122_3344,
            cpus: 3,
            phys_base: 0xffff_ffff_ff00_0000,
        }
    }

    #[test]
    fn the_header_has_each_field_in_its_place() {
        let layout = Layout::new(4096, 0x2_0001, 5000).unwrap();
        let bytes = layout.header(&identity(), Compression::Zstd(3), false);
        assert_eq!(bytes.len(), 4096);
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(&bytes[..8], b"KDUMP   ");
        assert_eq!(word(8), 6);
        assert_eq!(&bytes[12..18], b"Linux\0");
        assert_eq!(&bytes[12 + 65 * 4..][..7], b"x86_64\0");
        assert_eq!(word(408), 0x1122_3344);
        assert_eq!(word(424), 0x28);
        assert_eq!(word(428), 4096);
        assert_eq!(word(432), 2);
        // Five regions, each with a block in each bitmap.
        assert_eq!(word(436), 10);
        assert_eq!(word(440), 0x2_0001);
        assert_eq!(word(460), 3);
        // sizeof(struct disk_dump_header)
        assert!(bytes[464..].iter().all(|byte| *byte == 0));
        assert_eq!(Layout::whole(Compression::Zstd(3)), [0x20, 0, 0, 0]);
    }

    #[test]
    fn the_sub_header_has_each_field_in_its_place() {
        let layout = Layout::new(4096, 1 << 33, 5000).unwrap();
        let bytes = layout.sub_header(&identity(), 31, 5000, Some(100..1100));
        assert_eq!(bytes.len(), SUB_HEADER);
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let values: Vec<u64> = (0..13).map(|it| long(8 * it)).collect();
        let expected = [
            0xffff_ffff_ff00_0000,
            31,
            0,
            0,
            4096 + 104 + 100,
            1000,
            4096 + 104,
            5000,
            0,
            0,
            0,
            0,
            1 << 33,
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn a_page_number_beyond_32_bits_is_capped_in_the_old_field() {
        let layout = Layout::new(4096, 1 << 33, 0).unwrap();
        let bytes = layout.header(&identity(), Compression::None, true);
        assert_eq!(bytes[440..444], [0xff; 4]);
    }

    #[test]
    fn parts_follow_one_another() {
        let layout = Layout::new(4096, 0x8001, 4096 - 104).unwrap();
        assert_eq!(layout.bitmap1, 2 * 4096);
        assert_eq!(layout.bitmap2, 4 * 4096);
        assert_eq!(layout.descriptors, 6 * 4096);
        let larger = Layout::new(0x1_0000, 0x8001, 4096 - 103).unwrap();
        assert_eq!(larger.bitmap1, 0x2_0000);
        assert_eq!(larger.bitmap2, 0x3_0000);
        assert_eq!(larger.descriptors, 0x4_0000);
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_and_ends_with_a_zero() {
        let mut long = identity();
        long.utsname[1] = "x".repeat(100);
        let bytes = Layout::new(4096, 1, 0)
            .unwrap()
            .header(&long, Compression::None, true);
        assert_eq!(bytes[12 + 65 + 63..12 + 65 + 66], [b'x', 0, b'6']);
    }
}
