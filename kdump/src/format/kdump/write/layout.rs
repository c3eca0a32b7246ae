//! The headers of a kdump-compressed dump, and where its parts lie.
//!
//! The block size is the page size.

use crate::bits::{REGION, REGION_BYTES};
use crate::convert::Options;
use crate::encode::Compression;
use crate::format::kdump::disk::{DiskDumpHeader, KdumpSubHeader, Place, SIGNATURE, flags};
use crate::utsname::Utsname;
use crate::write::WriteError;
use std::mem::offset_of;
use std::ops::Range;
use zerocopy::little_endian::U64;
use zerocopy::{FromZeros, IntoBytes};

/// sizeof(struct kdump_sub_header).
const SUB_HEADER: usize = size_of::<KdumpSubHeader>();
/// header_version.
const VERSION: u32 = 6;
/// offsetof(struct disk_dump_header, status).
pub(crate) const STATUS_AT: u64 = offset_of!(DiskDumpHeader, status) as u64;

/// `status` of a dump that is whole.
pub(crate) fn status(options: &Options) -> u32 {
    let without = if options.leaves_out_structs() {
        flags::WITHOUT_STRUCTS
    } else {
        0
    };
    flag(options.compression) | without
}

/// The flag of a compression in `status` and in descriptors.
pub(crate) fn flag(compression: Compression) -> u32 {
    match compression {
        Compression::Zstd(_) => flags::ZSTD,
        Compression::Zlib(_) => flags::ZLIB,
        Compression::None => 0,
    }
}

/// Which machine crashed, when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// What `uname` says of it.
    pub utsname: Utsname,
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

    /// The header's block, with the `status` of a whole dump; `whole` if nobody will be told otherwise later.
    pub(crate) fn header(&self, identity: &Identity, status: u32, whole: bool) -> Vec<u8> {
        let incomplete = if whole { 0 } else { flags::INCOMPLETE };
        let header = DiskDumpHeader {
            signature: SIGNATURE,
            header_version: VERSION.into(),
            utsname: identity.utsname.to_raw(),
            padding: [0; 6],
            tv_sec: identity.seconds.into(),
            tv_usec: 0.into(),
            status: (status | incomplete).into(),
            block_size: low(self.block).into(),
            sub_hdr_size: self.sub_blocks.into(),
            bitmap_blocks: self.bitmap_blocks.into(),
            max_mapnr: low(self.end_page).into(),
            unused: [0.into(); 4],
            nr_cpus: identity.cpus.into(),
        };
        let mut bytes = header.as_bytes().to_vec();
        bytes.resize(usize::try_from(self.block).unwrap_or(bytes.len()), 0);
        bytes
    }

    /// The sub-header, of a dump of this level with notes of which some bytes are VMCOREINFO; of a split dump, of the
    /// part with these page frames.
    pub(crate) fn sub_header(
        &self,
        identity: &Identity,
        level: u8,
        notes: u64,
        vmcoreinfo: Option<Range<usize>>,
        part: Option<Range<u64>>,
    ) -> Vec<u8> {
        let place = |start: u64, length: u64| match length {
            0 => Place::default(),
            _ => Place {
                offset: (self.notes() + start).into(),
                size: length.into(),
            },
        };
        let vmcoreinfo = vmcoreinfo.unwrap_or_default();
        let split = u32::from(part.is_some());
        let Range { start, end } = part.unwrap_or_default();
        let header = KdumpSubHeader {
            phys_base: identity.phys_base.into(),
            dump_level: u32::from(level).into(),
            vmcoreinfo: place(vmcoreinfo.start as u64, vmcoreinfo.len() as u64),
            notes: place(0, notes),
            split: split.into(),
            old_part: [start, end].map(|it| u64::from(low(it)).into()),
            part: [start, end].map(U64::from),
            max_mapnr_64: self.end_page.into(),
            ..KdumpSubHeader::new_zeroed()
        };
        header.as_bytes().to_vec()
    }
}

/// What old readers look at is cut off at 32 bits.
fn low(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            utsname: ["Linux", "host", "6.12.1", "#1 SMP", "x86_64", "(none)"]
                .map(str::to_owned)
                .into(),
            seconds: 0x1122_3344,
            cpus: 3,
            phys_base: 0xffff_ffff_ff00_0000,
        }
    }

    #[test]
    fn the_header_has_each_field_in_its_place() {
        let layout = Layout::new(4096, 0x2_0001, 5000).unwrap();
        let bytes = layout.header(&identity(), flag(Compression::Zstd(3)), false);
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
    }

    #[test]
    fn the_sub_header_has_each_field_in_its_place() {
        let layout = Layout::new(4096, 1 << 33, 5000).unwrap();
        let bytes = layout.sub_header(&identity(), 31, 5000, Some(100..1100), None);
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
    fn a_part_has_its_page_frames_twice_and_the_old_fields_are_capped() {
        let layout = Layout::new(4096, 1 << 33, 0).unwrap();
        let part = Some(0x1_0000..(1 << 32) + 512);
        let bytes = layout.sub_header(&identity(), 31, 0, None, part);
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!(bytes[12..16], [1, 0, 0, 0]);
        assert_eq!([long(16), long(24)], [0x1_0000, 0xffff_ffff]);
        assert_eq!([long(80), long(88)], [0x1_0000, (1 << 32) + 512]);
    }

    #[test]
    fn a_page_number_beyond_32_bits_is_capped_in_the_old_field() {
        let layout = Layout::new(4096, 1 << 33, 0).unwrap();
        let bytes = layout.header(&identity(), 0, true);
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
        long.utsname.nodename = "x".repeat(100);
        let bytes = Layout::new(4096, 1, 0).unwrap().header(&long, 0, true);
        assert_eq!(bytes[12 + 65 + 63..12 + 65 + 66], [b'x', 0, b'6']);
    }
}
