//! The structures of a kdump-compressed dump, as makedumpfile's diskdump_mod.h lays them out on a 64-bit
//! little-endian machine. Who reads them and who writes them take these; fields have their names there, unless
//! said otherwise.

use crate::utsname::RawUtsname;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// KDUMP_SIGNATURE.
pub(crate) const SIGNATURE: [u8; 8] = *b"KDUMP   ";

/// DUMP_DH_COMPRESSED_ZLIB and its like, of `status` in the header and of `flags` in descriptors.
pub(crate) mod flags {
    pub(crate) const ZLIB: u32 = 0x1;
    pub(crate) const LZO: u32 = 0x2;
    pub(crate) const SNAPPY: u32 = 0x4;
    /// Of `status` alone: the dump wasn't written to its end.
    pub(crate) const INCOMPLETE: u32 = 0x8;
    /// Of `status` alone, DUMP_DH_EXCLUDED_VMEMMAP: page structures that describe only pages that are left out
    /// may be left out, too.
    pub(crate) const WITHOUT_STRUCTS: u32 = 0x10;
    pub(crate) const ZSTD: u32 = 0x20;
}

/// `struct disk_dump_header`, in the first block.
#[derive(Debug, Clone, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct DiskDumpHeader {
    pub signature: [u8; 8],
    pub header_version: U32, // 1 to 6
    pub utsname: RawUtsname, // what `uname` said of the machine
    pub padding: [u8; 6],    // not named there: up to the alignment of the time
    pub tv_sec: U64,         // of `timestamp`: when the dump was written, since 1970
    pub tv_usec: U64,        // of `timestamp`
    pub status: U32,         // `flags`
    pub block_size: U32,     // the size of a block, and of a page
    pub sub_hdr_size: U32,   // how many blocks the sub-header and the notes have
    pub bitmap_blocks: U32,  // how many blocks both bitmaps have
    pub max_mapnr: U32,      // one more than the highest page frame, as far as 32 bits go
    pub unused: [U32; 4],    // `total_ram_blocks`, `device_blocks`, `written_blocks`, `current_cpu`
    pub nr_cpus: U32,        // how many CPUs there are
}

/// `struct kdump_sub_header`, in the second block. A field that came with a later version than the dump's says
/// nothing.
#[derive(Debug, Clone, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct KdumpSubHeader {
    pub phys_base: U64,  // where the kernel was loaded, less where it was linked for
    pub dump_level: U32, // makedumpfile's `-d`, since version 1
    pub split: U32,      // whether this is a part of a dump, since version 2
    pub old_part: [U64; 2], // `start_pfn` and `end_pfn`: the part's page frames up to version 5
    pub vmcoreinfo: Place, // `offset_vmcoreinfo` and `size_vmcoreinfo`, since version 3
    pub notes: Place,    // `offset_note` and `size_note`, since version 4
    pub erased: Place,   // `offset_eraseinfo` and `size_eraseinfo`, since version 5
    pub part: [U64; 2],  // `start_pfn_64` and `end_pfn_64`, since version 6
    pub max_mapnr_64: U64, // one more than the highest page frame, since version 6
}

/// Where something is in the file, and how long it is: an `off_t` and an `unsigned long`.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Place {
    pub offset: U64,
    pub size: U64,
}

/// `page_desc_t`: one for each page that is set in the second bitmap.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub(crate) struct PageDescriptor {
    pub offset: U64,     // where the page's data is in the file
    pub size: U32,       // how long the data is
    pub flags: U32,      // how the data is compressed
    pub page_flags: U64, // nothing
}

impl PageDescriptor {
    pub(crate) fn new(offset: u64, size: usize, flags: u32) -> PageDescriptor {
        PageDescriptor {
            offset: offset.into(),
            size: u32::try_from(size).unwrap_or(0).into(),
            flags: flags.into(),
            page_flags: 0.into(),
        }
    }
}

/// The size of a descriptor.
pub(crate) const DESCRIPTOR: u64 = size_of::<PageDescriptor>() as u64;

const _: () = assert!(size_of::<DiskDumpHeader>() == 464);
const _: () = assert!(size_of::<KdumpSubHeader>() == 104);
const _: () = assert!(size_of::<PageDescriptor>() == 24);
