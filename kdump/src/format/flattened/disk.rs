//! The structures of a flattened dump (makedumpfile.h): big-endian, whatever the machine. Who reads them and who
//! writes them take these.

use zerocopy::big_endian::I64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// MAKEDUMPFILE_SIGNATURE, padded to the length of its field.
pub(crate) const SIGNATURE: [u8; 16] = *b"makedumpfile\0\0\0\0";
/// MAX_SIZE_MDF_HEADER: how much room the file's header has.
pub(crate) const HEADER_ROOM: usize = 4096;

/// `struct makedumpfile_header`, at the start of the file.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct FileHeader {
    pub signature: [u8; 16],
    pub kind: I64,    // `type`
    pub version: I64, // of this format
}

impl FileHeader {
    /// TYPE_FLAT_HEADER and VERSION_FLAT_HEADER: the only ones there are.
    pub(crate) const CURRENT: FileHeader = FileHeader {
        signature: SIGNATURE,
        kind: I64::new(1),
        version: I64::new(1),
    };
}

/// `struct makedumpfile_data_header`, before the bytes of each record.
#[derive(Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct RecordHeader {
    pub offset: I64,   // where in the dump the bytes belong
    pub buf_size: I64, // how many there are
}

impl RecordHeader {
    /// END_FLAG_FLAT_HEADER in both fields: it ends the records.
    pub(crate) const END: RecordHeader = RecordHeader {
        offset: I64::new(-1),
        buf_size: I64::new(-1),
    };

    /// If the numbers aren't too large.
    pub(crate) fn new(offset: u64, length: u64) -> Option<RecordHeader> {
        let number = |it: u64| i64::try_from(it).ok().map(I64::new);
        Some(RecordHeader {
            offset: number(offset)?,
            buf_size: number(length)?,
        })
    }

    /// Where the bytes belong, and how many there are, if that can be.
    pub(crate) fn place(&self) -> Option<(u64, u64)> {
        let (offset, length) = (self.offset.get(), self.buf_size.get());
        offset.checked_add(length).filter(|_| length > 0)?;
        Some((offset.try_into().ok()?, length.try_into().ok()?))
    }
}
