//! What the two headers say, checked.

use super::KdumpError;
use super::disk::{DiskDumpHeader, KdumpSubHeader, Place, SIGNATURE, flags};
use super::machine::is_unnamed;
use crate::arch::Machine;
use crate::regions::HIGHEST;
use crate::utsname::Utsname;
use zerocopy::FromBytes;
use zerocopy::little_endian::U64;

fn is_block(size: u32) -> bool {
    matches!(size, 0x1000 | 0x4000 | 0x1_0000)
}

/// A 32-bit machine's header is shorter from the time on, and has `block_size` and `sub_hdr_size`, which is never
/// 0, where a 64-bit machine's has microseconds, of which the upper half is 0.
fn is_32_bit(header: &DiskDumpHeader) -> bool {
    let [a, b, c, d, high @ ..] = header.tv_usec.to_bytes();
    high != [0; 4] && is_block(u32::from_le_bytes([a, b, c, d]))
}

/// The header, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) raw: DiskDumpHeader,
    pub(crate) utsname: Utsname,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Result<Header, KdumpError> {
        if !bytes.starts_with(&SIGNATURE) {
            return Err(KdumpError::NotKdump);
        }
        let cut_off = |_| KdumpError::CutOff("header", bytes.len() as u64);
        let (raw, _) = DiskDumpHeader::read_from_prefix(bytes).map_err(cut_off)?;
        let utsname = Utsname::parse(&raw.utsname);
        if is_unnamed(&utsname.machine) && is_32_bit(&raw) {
            return Err(KdumpError::Unsupported("a 32-bit machine".to_owned()));
        }
        Header { raw, utsname }.checked()
    }

    fn checked(self) -> Result<Header, KdumpError> {
        let version = self.version();
        if !(1..=6).contains(&version) {
            let version = match version.swap_bytes() {
                ..=6 => "a big-endian machine".to_owned(),
                _ => format!("version {version}"),
            };
            return Err(KdumpError::Unsupported(version));
        }
        let machine = self.utsname.machine.as_str();
        if Machine::of_utsname(machine) == Machine::Other(0) && !is_unnamed(machine) {
            let machine = format!("the machine {:?}", self.utsname.machine);
            return Err(KdumpError::Unsupported(machine));
        }
        if !is_block(self.raw.block_size.get()) {
            let size = format!("blocks of {} bytes", self.block());
            return Err(KdumpError::Unsupported(size));
        }
        Ok(self)
    }

    pub(crate) fn version(&self) -> u32 {
        self.raw.header_version.get()
    }

    /// Whether it says that the dump wasn't written to its end.
    pub(crate) fn incomplete(&self) -> bool {
        self.raw.status.get() & flags::INCOMPLETE != 0
    }

    /// Whether it says that page structures may be left out.
    pub(super) fn without_structs(&self) -> bool {
        self.raw.status.get() & flags::WITHOUT_STRUCTS != 0
    }

    pub(super) fn block(&self) -> u64 {
        self.raw.block_size.into()
    }

    /// Where the first bitmap begins.
    pub(super) fn bitmaps_at(&self) -> u64 {
        (1 + u64::from(self.raw.sub_hdr_size)) * self.block()
    }

    /// How long each bitmap is.
    pub(super) fn bitmap_size(&self) -> u64 {
        u64::from(self.raw.bitmap_blocks.get() / 2) * self.block()
    }

    /// Where the descriptors of pages begin.
    pub(super) fn descriptors_at(&self) -> u64 {
        self.bitmaps_at() + u64::from(self.raw.bitmap_blocks) * self.block()
    }
}

/// The sub-header, checked. What a version doesn't have yet is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SubHeader {
    pub(crate) dump_level: u32,
    /// Whether this is a part of a split dump.
    pub(crate) split: bool,
    /// The first page frame of the part, and one more than its last.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Where something is in the file, and its length.
    pub(crate) vmcoreinfo: (u64, u64),
    pub(crate) notes: (u64, u64),
    pub(crate) erased: (u64, u64),
    /// One more than the highest page frame.
    pub(crate) frames: u64,
}

impl SubHeader {
    pub(super) fn parse(header: &Header, bytes: &[u8]) -> Result<SubHeader, KdumpError> {
        let cut_off = |_| KdumpError::CutOff("sub-header", bytes.len() as u64);
        let (raw, _) = KdumpSubHeader::read_from_prefix(bytes).map_err(cut_off)?;
        let sub_header = SubHeader::fields(header, &raw);
        if sub_header.frames > HIGHEST / header.block() {
            return Err(KdumpError::Damaged("it has page frames beyond 2^48"));
        }
        if sub_header.frames.div_ceil(8) > header.bitmap_size() {
            return Err(KdumpError::Damaged("its bitmaps are shorter than memory"));
        }
        if sub_header.split && sub_header.start > sub_header.end {
            return Err(KdumpError::Damaged("its part ends before it begins"));
        }
        Ok(sub_header)
    }

    fn fields(header: &Header, raw: &KdumpSubHeader) -> SubHeader {
        let since = |version, place: Place| {
            if header.version() >= version {
                (place.offset.get(), place.size.get())
            } else {
                (0, 0)
            }
        };
        let (frames, part) = match header.version() {
            6.. => (raw.max_mapnr_64.get(), raw.part),
            _ => (header.raw.max_mapnr.into(), raw.old_part),
        };
        let split = header.version() >= 2 && raw.split.get() != 0;
        let [start, end] = if split {
            part.map(U64::get)
        } else {
            [0, frames]
        };
        SubHeader {
            dump_level: raw.dump_level.get(),
            split,
            start,
            end: end.min(frames),
            vmcoreinfo: since(3, raw.vmcoreinfo),
            notes: since(4, raw.notes),
            erased: since(5, raw.erased),
            frames,
        }
    }
}
