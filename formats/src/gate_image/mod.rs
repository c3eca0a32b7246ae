//! The gate's info block: where the parts of a gate image lie that were added to its stub.
//!
//! The gate is a PE + bzImage hybrid in which file offset and virtual address are the same. Its
//! protected-mode part begins at file offset 0x1000, and there lies the block, so that the running
//! gate finds its signed data sections without parsing its own PE headers (which kexec doesn't
//! load). `baton gate build` fills it in; the signature covers it.
//!
//! | offset | size | field | must be |
//! |---|---|---|---|
//! | 0x00 | 8 | magic | `BATONGAT` |
//! | 0x08 | 4 | version | 2 |
//! | 0x0c | 4 | length of the stub's file | a multiple of 4096, more than 4096 |
//! | 0x10 | 4 + 4 | file offset and length of `.keys` | both 0 where there is none |
//! | 0x18 | 4 + 4 | of `.policy` | likewise |
//! | 0x20 | 4 + 4 | of `.sbat` | likewise |
//! | 0x28 | 4 + 4 | of `.dbx` | likewise |
//! | 0x30 | 4 | limit | a multiple of 4096, not less than the stub's length |
//! | 0x34 | 4 | formats that the gate is built without: [`Format`]'s bits; that of arm64's Image says that it is built with it | no other bit, and formats of one architecture alone |
//! | 0x38 | 8 | reserved | 0 |
//! | 0x40 | 32 | identity: the SHA-256 of the unsigned gate's file with these 32 bytes zero | |
//!
//! Parts begin at multiples of 4096 after the stub, in the order above, without overlap, and end
//! at or before the limit: there the memory begins that the gate writes to, so the whole file, its
//! signature included, must not be longer.

mod format;

use crate::reader::{Reader, is_zero, slice};
use core::fmt;

pub use format::{Format, Formats, Isa};

/// The first bytes of the block.
pub const MAGIC: [u8; 8] = *b"BATONGAT";
/// The version of the block described here.
pub const VERSION: u32 = 2;
/// Where the block lies in a gate image's file.
pub const FILE_OFFSET: usize = 0x1000;
/// The length of the block, in bytes.
pub const LEN: usize = 96;
/// Where the identity lies in a gate image's file, and how long it is.
pub const IDENTITY: core::ops::Range<usize> = FILE_OFFSET + 0x40..FILE_OFFSET + 0x60;

const PAGE: u32 = 0x1000;
const RESERVED_LEN: usize = 8;

/// A part of the gate image: `length` bytes at file offset `offset`; absent where both are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SectionRange {
    /// Its file offset, a multiple of 4096.
    pub offset: u32,
    /// Its exact length in bytes.
    pub length: u32,
}

/// The info block of a gate image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateInfo {
    /// The length of the stub's file, a multiple of 4096.
    pub stub_len: u32,
    /// DER certificates, one after another.
    pub keys: SectionRange,
    /// The compact policy, see [`crate::policy`].
    pub policy: SectionRange,
    /// SBAT metadata, as CSV.
    pub sbat: SectionRange,
    /// What this gate refuses besides what the machine does: EFI signature lists, one after
    /// another, see [`crate::siglist`].
    pub dbx: SectionRange,
    /// The file offset that the whole file must not reach beyond.
    pub limit: u32,
    /// The formats of kernels that it can boot.
    pub formats: Formats,
    /// A digest that tells gates apart; zero in a stub. The gate can't compute it, since kexec
    /// doesn't load all of its file, but the signature covers it.
    pub identity: [u8; 32],
}

/// What is wrong with a gate's info block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateInfoError {
    /// The file ends before or inside the block.
    TooShort,
    /// No block there: not a gate image.
    Magic,
    /// A version that this program doesn't know.
    Version(u32),
    /// The stub's length or the limit can't be.
    StubLength,
    /// The named part lies where it must not.
    Part(&'static str),
    /// The named part isn't in the file.
    PartBeyondEnd(&'static str),
    /// A reserved field isn't zero.
    Reserved,
}

impl GateInfo {
    /// Checks the block at the start of `bytes`, which are those from file offset 0x1000 on.
    pub fn parse(bytes: &[u8]) -> Result<Self, GateInfoError> {
        let short = |_| GateInfoError::TooShort;
        let mut reader = Reader::new(bytes).sub(LEN).map_err(short)?;
        if reader.array().map_err(short)? != MAGIC {
            return Err(GateInfoError::Magic);
        }
        let version = reader.u32().map_err(short)?;
        if version != VERSION {
            return Err(GateInfoError::Version(version));
        }
        let mut info = Self::read_fields(&mut reader).map_err(short)?;
        let bits = reader.u32().map_err(short)?;
        info.formats = Formats::from_bits(bits).ok_or(GateInfoError::Reserved)?;
        if !is_zero(reader.take(RESERVED_LEN).map_err(short)?) {
            return Err(GateInfoError::Reserved);
        }
        info.identity = reader.array().map_err(short)?;
        info.check()?;
        Ok(info)
    }

    /// Checks the block of a gate image's whole file.
    pub fn from_image(file: &[u8]) -> Result<Self, GateInfoError> {
        Self::parse(file.get(FILE_OFFSET..).ok_or(GateInfoError::TooShort)?)
    }

    fn read_fields(reader: &mut Reader<'_>) -> Result<Self, crate::reader::OutOfBounds> {
        Ok(GateInfo {
            stub_len: reader.u32()?,
            keys: SectionRange::read(reader)?,
            policy: SectionRange::read(reader)?,
            sbat: SectionRange::read(reader)?,
            dbx: SectionRange::read(reader)?,
            limit: reader.u32()?,
            formats: Formats::default(),
            identity: [0; 32],
        })
    }

    /// The certificates in `image` (the file, or memory laid out as the file); empty if absent.
    pub fn keys<'a>(&self, image: &'a [u8]) -> Result<&'a [u8], GateInfoError> {
        self.keys.bytes(image, ".keys")
    }

    /// The compact policy in `image`; empty if absent.
    pub fn policy<'a>(&self, image: &'a [u8]) -> Result<&'a [u8], GateInfoError> {
        self.policy.bytes(image, ".policy")
    }

    /// The SBAT metadata in `image`; empty if absent.
    pub fn sbat<'a>(&self, image: &'a [u8]) -> Result<&'a [u8], GateInfoError> {
        self.sbat.bytes(image, ".sbat")
    }

    /// The revocations in `image`; empty if absent.
    pub fn dbx<'a>(&self, image: &'a [u8]) -> Result<&'a [u8], GateInfoError> {
        self.dbx.bytes(image, ".dbx")
    }

    /// The block as it stands in the file.
    pub fn to_bytes(&self) -> [u8; LEN] {
        let fields = [
            VERSION,
            self.stub_len,
            self.keys.offset,
            self.keys.length,
            self.policy.offset,
            self.policy.length,
            self.sbat.offset,
            self.sbat.length,
            self.dbx.offset,
            self.dbx.length,
            self.limit,
            self.formats.bits(),
        ];
        let bytes = MAGIC
            .into_iter()
            .chain(fields.into_iter().flat_map(u32::to_le_bytes))
            .chain([0; RESERVED_LEN])
            .chain(self.identity);
        let mut block = [0; LEN];
        block
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = from);
        block
    }

    fn check(&self) -> Result<(), GateInfoError> {
        if self.stub_len <= PAGE
            || !self.stub_len.is_multiple_of(PAGE)
            || !self.limit.is_multiple_of(PAGE)
            || self.limit < self.stub_len
        {
            return Err(GateInfoError::StubLength);
        }
        let mut end = self.stub_len;
        let parts = [
            (".keys", self.keys),
            (".policy", self.policy),
            (".sbat", self.sbat),
            (".dbx", self.dbx),
        ];
        for (name, part) in parts {
            end = part
                .end_after(end, self.limit)
                .ok_or(GateInfoError::Part(name))?;
        }
        Ok(())
    }
}

impl SectionRange {
    fn read(reader: &mut Reader<'_>) -> Result<Self, crate::reader::OutOfBounds> {
        Ok(SectionRange {
            offset: reader.u32()?,
            length: reader.u32()?,
        })
    }

    /// Whether there is no such part.
    pub fn is_absent(&self) -> bool {
        *self == SectionRange::default()
    }

    /// Where the part ends, if it lies between `begin` and `limit` as it must; `begin` if absent.
    fn end_after(&self, begin: u32, limit: u32) -> Option<u32> {
        if self.is_absent() {
            return Some(begin);
        }
        let end = self.offset.checked_add(self.length)?;
        let fits = self.length > 0
            && self.offset.is_multiple_of(PAGE)
            && self.offset >= begin
            && end <= limit;
        fits.then_some(end)
    }

    fn bytes<'a>(&self, image: &'a [u8], name: &'static str) -> Result<&'a [u8], GateInfoError> {
        slice(image, self.offset.into(), self.length.into())
            .ok_or(GateInfoError::PartBeyondEnd(name))
    }
}

impl fmt::Display for GateInfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GateInfoError::TooShort => f.write_str("too short for a gate image"),
            GateInfoError::Magic => f.write_str("not a gate image: no BATONGAT at 0x1000"),
            GateInfoError::Version(n) => write!(
                f,
                "the gate image's version is {n}, this program knows {VERSION} (use those of the same release)"
            ),
            GateInfoError::StubLength => {
                f.write_str("the gate image states an impossible stub length or limit")
            }
            GateInfoError::Part(name) => {
                write!(f, "the gate image's {name} lies where it must not")
            }
            GateInfoError::PartBeyondEnd(name) => {
                write!(f, "the gate image's {name} is not in the file")
            }
            GateInfoError::Reserved => {
                f.write_str("reserved bytes of the gate image's info block are not zero")
            }
        }
    }
}

impl core::error::Error for GateInfoError {}

#[cfg(test)]
mod tests;
