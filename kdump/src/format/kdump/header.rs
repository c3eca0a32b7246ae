//! The two headers (`struct disk_dump_header` and `struct kdump_sub_header`, diskdump_mod.h), as a
//! 64-bit little-endian machine has them.

use super::KdumpError;
use super::machine::is_unnamed;
use crate::bytes::{u32_at, u64_at};
use crate::machine::Machine;
use crate::regions::HIGHEST;

/// KDUMP_SIGNATURE.
pub(super) const SIGNATURE: &[u8; 8] = b"KDUMP   ";
/// The size of `struct disk_dump_header`.
pub(super) const HEADER: usize = 464;
/// The size of `struct kdump_sub_header`.
pub(super) const SUB_HEADER: usize = 104;
/// `status`: DUMP_DH_COMPRESSED_INCOMPLETE.
const INCOMPLETE: u32 = 0x8;
/// Where a 32-bit machine's header, which is shorter from the time on, has `block_size`; `sub_hdr_size`, which
/// is never 0, comes after it. Here a 64-bit machine's has microseconds, of which the upper half is 0.
const BLOCK_SIZE_32: usize = 416;

fn is_block(size: u32) -> bool {
    matches!(size, 0x1000 | 0x4000 | 0x1_0000)
}

/// `struct new_utsname`: what `uname` said of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub struct Utsname {
    pub sysname: String,
    pub nodename: String,
    pub release: String,
    pub version: String,
    pub machine: String,
    pub domainname: String,
}

impl Utsname {
    /// Six strings of at most 65 bytes, zero included.
    fn parse(bytes: &[u8]) -> Utsname {
        let mut strings = bytes.chunks(65).map(|field| {
            let end = field.iter().position(|it| *it == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).into_owned()
        });
        let mut next = || strings.next().unwrap_or_default();
        Utsname {
            sysname: next(),
            nodename: next(),
            release: next(),
            version: next(),
            machine: next(),
            domainname: next(),
        }
    }
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
        if !bytes.starts_with(SIGNATURE) {
            return Err(KdumpError::NotKdump);
        }
        Header::fields(bytes).ok_or(KdumpError::CutOff("header", bytes.len() as u64))?
    }

    fn fields(bytes: &[u8]) -> Option<Result<Header, KdumpError>> {
        let word = |offset| u32_at(bytes, offset);
        let header = Header {
            version: word(8)?,
            utsname: Utsname::parse(bytes.get(12..12 + 6 * 65)?),
            time: u64_at(bytes, 408)?,
            status: word(424)?,
            block_size: word(428)?,
            sub_header_blocks: word(432)?,
            bitmap_blocks: word(436)?,
            max_mapnr: word(440)?,
            cpus: word(460)?,
        };
        if is_unnamed(&header.utsname.machine) && word(BLOCK_SIZE_32 + 4)? != 0 {
            let size = word(BLOCK_SIZE_32)?;
            if is_block(size) {
                return Some(Err(KdumpError::Unsupported("a 32-bit machine".to_owned())));
            }
        }
        Some(header.checked())
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
        self.status & INCOMPLETE != 0
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
        let cut = KdumpError::CutOff("sub-header", bytes.len() as u64);
        let sub_header = SubHeader::fields(header, bytes).ok_or(cut)?;
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

    fn fields(header: &Header, bytes: &[u8]) -> Option<SubHeader> {
        let since = |version, offset| match header.version >= version {
            true => u64_at(bytes, offset),
            false => Some(0),
        };
        let split = header.version >= 2 && u32_at(bytes, 12)? != 0;
        let (start, end) = if header.version >= 6 {
            (80, 88)
        } else {
            (16, 24)
        };
        let frames = match header.version {
            6.. => u64_at(bytes, 96)?,
            _ => header.max_mapnr.into(),
        };
        let (start, end) = match split {
            true => (u64_at(bytes, start)?, u64_at(bytes, end)?.min(frames)),
            false => (0, frames),
        };
        Some(SubHeader {
            phys_base: u64_at(bytes, 0)?,
            dump_level: u32_at(bytes, 8)?,
            split,
            start,
            end,
            vmcoreinfo: (since(3, 32)?, since(3, 40)?),
            notes: (since(4, 48)?, since(4, 56)?),
            erased: (since(5, 64)?, since(5, 72)?),
            frames,
        })
    }
}
