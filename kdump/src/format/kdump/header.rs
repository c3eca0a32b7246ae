//! What the two headers say, checked.

use super::KdumpError;
use super::disk::{DiskDumpHeader, KdumpSubHeader, Place, SIGNATURE, flags};
use super::machine::is_unnamed;
use crate::machine::Machine;
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
    let [a, b, c, d, high @ ..] = header.microseconds.to_bytes();
    high != [0; 4] && is_block(u32::from_le_bytes([a, b, c, d]))
}

/// The header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The version of the format, 1 to 6.
    pub version: u32,
    /// What `uname` said of the machine.
    pub utsname: Utsname,
    /// When the dump was written, in seconds since 1970.
    pub time: u64,
    /// How its pages may be compressed, and whether it is incomplete.
    pub status: u32,
    /// The size of a block, and of a page.
    pub block_size: u32,
    /// How many blocks the sub-header and the notes have.
    pub sub_header_blocks: u32,
    /// How many blocks both bitmaps have.
    pub bitmap_blocks: u32,
    /// The number of CPUs.
    pub cpus: u32,
    /// One more than the highest page frame, as far as 32 bits go.
    pub(super) max_mapnr: u32,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Result<Header, KdumpError> {
        if !bytes.starts_with(&SIGNATURE) {
            return Err(KdumpError::NotKdump);
        }
        let cut_off = |_| KdumpError::CutOff("header", bytes.len() as u64);
        let (raw, _) = DiskDumpHeader::read_from_prefix(bytes).map_err(cut_off)?;
        let header = Header {
            version: raw.version.get(),
            utsname: Utsname::parse(&raw.utsname),
            time: raw.seconds.get(),
            status: raw.status.get(),
            block_size: raw.block_size.get(),
            sub_header_blocks: raw.sub_header_blocks.get(),
            bitmap_blocks: raw.bitmap_blocks.get(),
            max_mapnr: raw.max_mapnr.get(),
            cpus: raw.cpus.get(),
        };
        if is_unnamed(&header.utsname.machine) && is_32_bit(&raw) {
            return Err(KdumpError::Unsupported("a 32-bit machine".to_owned()));
        }
        header.checked()
    }

    fn checked(self) -> Result<Header, KdumpError> {
        if !(1..=6).contains(&self.version) {
            let version = if self.version.swap_bytes() <= 6 {
                "a big-endian machine".to_owned()
            } else {
                format!("version {}", self.version)
            };
            return Err(KdumpError::Unsupported(version));
        }
        let machine = self.utsname.machine.as_str();
        if Machine::of_utsname(machine) == Machine::Other(0) && !is_unnamed(machine) {
            let machine = format!("the machine {:?}", self.utsname.machine);
            return Err(KdumpError::Unsupported(machine));
        }
        if !is_block(self.block_size) {
            let size = format!("blocks of {} bytes", self.block_size);
            return Err(KdumpError::Unsupported(size));
        }
        Ok(self)
    }

    /// Whether it says that the dump wasn't written to its end.
    #[must_use]
    pub fn incomplete(&self) -> bool {
        self.status & flags::INCOMPLETE != 0
    }

    pub(super) fn block(&self) -> u64 {
        self.block_size.into()
    }

    /// Where the first bitmap begins.
    pub(super) fn bitmaps_at(&self) -> u64 {
        (1 + u64::from(self.sub_header_blocks)) * self.block()
    }

    /// How long each bitmap is.
    pub(super) fn bitmap_size(&self) -> u64 {
        u64::from(self.bitmap_blocks / 2) * self.block()
    }

    /// Where the descriptors of pages begin.
    pub(super) fn descriptors_at(&self) -> u64 {
        self.bitmaps_at() + u64::from(self.bitmap_blocks) * self.block()
    }
}

/// The sub-header. What a version doesn't have yet is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubHeader {
    /// Where the kernel was loaded, less where it was linked for.
    pub phys_base: u64,
    /// What was left out: makedumpfile's `-d`. Since version 1.
    pub dump_level: u32,
    /// Whether this is a part of a split dump. Since version 2.
    pub split: bool,
    /// The first page frame of the part.
    pub start: u64,
    /// One more than its last page frame.
    pub end: u64,
    /// Where VMCOREINFO is, and its length. Since version 3.
    pub vmcoreinfo: (u64, u64),
    /// Where the ELF notes are, and their length. Since version 4.
    pub notes: (u64, u64),
    /// Where what was erased of the memory is told, and how long that is. Since version 5.
    pub erased: (u64, u64),
    /// One more than the highest page frame. Since version 6.
    pub frames: u64,
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
        let since = |version, place: Place| match header.version >= version {
            true => (place.offset.get(), place.length.get()),
            false => (0, 0),
        };
        let (frames, part) = match header.version {
            6.. => (raw.max_mapnr.get(), raw.part),
            _ => (header.max_mapnr.into(), raw.old_part),
        };
        let split = header.version >= 2 && raw.split.get() != 0;
        let [start, end] = match split {
            true => part.map(U64::get),
            false => [0, frames],
        };
        SubHeader {
            phys_base: raw.phys_base.get(),
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
