//! The structures of a flattened dump (makedumpfile.h): big-endian, whatever the machine. Who reads them and who
//! writes them take these.

use zerocopy::big_endian::I64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// MAKEDUMPFILE_SIGNATURE, padded to the length of its field.
pub(crate) const SIGNATURE: [u8; 16] = *b"makedumpfile\0\0\0\0";
/// TYPE_FLAT_HEADER and VERSION_FLAT_HEADER.
pub(crate) const KIND: i64 = 1;
pub(crate) const VERSION: i64 = 1;
/// MAX_SIZE_MDF_HEADER: how much room the file's header has.
pub(crate) const HEADER_ROOM: usize = 4096;

/// `struct makedumpfile_header`, at the start of the file.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct FileHeader {
    /// `signature`.
    pub signature: [u8; 16],
    /// `type`.
    pub kind: I64,
    /// `version`.
    pub version: I64,
}

/// `struct makedumpfile_data_header`, before the bytes of each record.
#[derive(Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct RecordHeader {
    /// `offset`: where in the dump the bytes belong.
    pub offset: I64,
    /// `buf_size`: how many there are.
    pub length: I64,
}

impl RecordHeader {
    /// END_FLAG_FLAT_HEADER in both fields: it ends the records.
    pub(crate) const END: RecordHeader = RecordHeader {
        offset: I64::from_bytes([0xff; 8]),
        length: I64::from_bytes([0xff; 8]),
    };

    /// Where the bytes belong, and how many there are, if that can be.
    pub(crate) fn place(&self) -> Option<(u64, u64)> {
        let (offset, length) = (self.offset.get(), self.length.get());
        offset.checked_add(length).filter(|_| length > 0)?;
        Some((offset.try_into().ok()?, length.try_into().ok()?))
    }
}
