//! The structures of a kdump-compressed dump, as makedumpfile's diskdump_mod.h lays them out on a 64-bit
//! little-endian machine. Who reads them and who writes them take these.

use crate::utsname::RawUtsname;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// KDUMP_SIGNATURE of diskdump_mod.h.
pub(crate) const SIGNATURE: [u8; 8] = *b"KDUMP   ";

/// Flags of `status` in the header and of `flags` in descriptors (diskdump_mod.h).
pub(crate) mod flags {
    /// DUMP_DH_COMPRESSED_ZLIB.
    pub const ZLIB: u32 = 0x1;
    /// DUMP_DH_COMPRESSED_LZO.
    pub const LZO: u32 = 0x2;
    /// DUMP_DH_COMPRESSED_SNAPPY.
    pub const SNAPPY: u32 = 0x4;
    /// DUMP_DH_COMPRESSED_INCOMPLETE, of `status` alone.
    pub const INCOMPLETE: u32 = 0x8;
    /// DUMP_DH_COMPRESSED_ZSTD.
    pub const ZSTD: u32 = 0x20;
}

/// `struct disk_dump_header`, in the first block.
#[derive(Debug, Clone, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct DiskDumpHeader {
    /// `signature`.
    pub signature: [u8; 8],
    /// `header_version`: 1 to 6.
    pub version: U32,
    /// `utsname`: what `uname` said of the machine.
    pub utsname: RawUtsname,
    /// Up to the alignment of `timestamp`.
    pub padding: [u8; 6],
    /// `timestamp.tv_sec`: when the dump was written, since 1970.
    pub seconds: U64,
    /// `timestamp.tv_usec`.
    pub microseconds: U64,
    /// `status`: [`flags`].
    pub status: U32,
    /// `block_size`: the size of a block, and of a page.
    pub block_size: U32,
    /// `sub_hdr_size`: the blocks of the sub-header and the notes.
    pub sub_header_blocks: U32,
    /// `bitmap_blocks`: the blocks of both bitmaps.
    pub bitmap_blocks: U32,
    /// `max_mapnr`: one more than the highest page frame, as far as 32 bits go.
    pub max_mapnr: U32,
    /// `total_ram_blocks`, `device_blocks`, `written_blocks` and `current_cpu`, which no reader looks at.
    pub unused: [U32; 4],
    /// `nr_cpus`.
    pub cpus: U32,
}

/// `struct kdump_sub_header`, at the start of the second block. A field that came with a later version than the
/// dump's says nothing.
#[derive(Debug, Clone, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct KdumpSubHeader {
    /// `phys_base`: where the kernel was loaded, less where it was linked for.
    pub phys_base: U64,
    /// `dump_level`: makedumpfile's `-d`. Since version 1.
    pub dump_level: U32,
    /// `split`: whether this is a part of a dump. Since version 2.
    pub split: U32,
    /// `start_pfn` and `end_pfn`: the part's page frames, which version 6 has elsewhere.
    pub old_part: [U64; 2],
    /// `offset_vmcoreinfo` and `size_vmcoreinfo`. Since version 3.
    pub vmcoreinfo: Place,
    /// `offset_note` and `size_note`. Since version 4.
    pub notes: Place,
    /// `offset_eraseinfo` and `size_eraseinfo`. Since version 5.
    pub erased: Place,
    /// `start_pfn_64` and `end_pfn_64`. Since version 6.
    pub part: [U64; 2],
    /// `max_mapnr_64`: one more than the highest page frame. Since version 6.
    pub max_mapnr: U64,
}

/// Where something is in the file: pairs of an `off_t` and an `unsigned long`.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Place {
    /// Where it begins.
    pub offset: U64,
    /// How long it is.
    pub length: U64,
}

/// `page_desc_t`: one for each page that is set in the second bitmap.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct PageDescriptor {
    /// `offset`: where the page's data is in the file.
    pub offset: U64,
    /// `size`: how long the data is.
    pub size: U32,
    /// `flags`: how the data is compressed.
    pub flags: U32,
    /// `page_flags`, which makedumpfile leaves 0.
    pub page_flags: U64,
}

/// The size of a descriptor.
pub(crate) const DESCRIPTOR: u64 = size_of::<PageDescriptor>() as u64;

const _: () = assert!(size_of::<DiskDumpHeader>() == 464);
const _: () = assert!(size_of::<KdumpSubHeader>() == 104);
const _: () = assert!(size_of::<PageDescriptor>() == 24);
