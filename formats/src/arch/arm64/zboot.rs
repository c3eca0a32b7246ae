//! EFI zboot: a PE image that unpacks the kernel in it (drivers/firmware/efi/libstub/zboot-header.S in Linux). It is
//! signed as a whole, and its payload isn't signed again.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | `MZ` and zeros |
//! | 4 | 4 | `zimg` |
//! | 8 | 4 | offset of the payload |
//! | 12 | 4 | its length |
//! | 24 | up to 32 | how it is compressed, as text with a NUL |
//!
//! Integers are little-endian.

use core::fmt;

use crate::reader::{slice, u32_at};

/// Where the name of the compression begins, and how far it may reach: the offset of the PE header is at 60.
const COMPRESSION: core::ops::Range<usize> = 24..60;

/// The image, and the kernel in it.
#[derive(Clone, Copy, Debug)]
pub struct Zboot<'a> {
    payload: &'a [u8],
    compression: Compression,
}

/// How the kernel is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// `gzip`.
    Gzip,
    /// `zstd`.
    Zstd,
    /// Another one that Linux's build knows: `lz4`, `lzma`, `lzo`, `xzkern`.
    Other,
}

/// What is wrong with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZbootError {
    /// It doesn't begin as one.
    NoMagic,
    /// The payload would lie outside of the file, or is empty.
    Payload {
        /// Where it begins.
        offset: u32,
        /// Its length in bytes.
        size: u32,
    },
    /// It doesn't say how the payload is compressed.
    NoCompression,
}

impl fmt::Display for ZbootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic => write!(f, "it is no EFI zboot image (zimg at 4)"),
            Self::Payload { offset, size } => write!(
                f,
                "the kernel in it, {size} bytes at {offset:#x}, isn't in the file"
            ),
            Self::NoCompression => write!(f, "it doesn't say how the kernel in it is compressed"),
        }
    }
}

impl core::error::Error for ZbootError {}

impl<'a> Zboot<'a> {
    /// Whether a file begins as one.
    #[must_use]
    pub fn recognises(bytes: &[u8]) -> bool {
        bytes.starts_with(b"MZ\0\0zimg")
    }

    /// Reads the header, and finds the payload.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ZbootError> {
        if !Self::recognises(bytes) {
            return Err(ZbootError::NoMagic);
        }
        let field = |at| u32_at(bytes, at).unwrap_or(0);
        let (offset, size) = (field(8), field(12));
        let payload = slice(bytes, offset.into(), size.into()).filter(|it| !it.is_empty());
        Ok(Self {
            payload: payload.ok_or(ZbootError::Payload { offset, size })?,
            compression: compression(bytes).ok_or(ZbootError::NoCompression)?,
        })
    }

    /// The compressed kernel.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// How it is compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }
}

fn compression(bytes: &[u8]) -> Option<Compression> {
    let field = bytes.get(COMPRESSION)?;
    let length = field.iter().position(|byte| *byte == 0)?;
    match field.get(..length)? {
        b"" => None,
        b"gzip" => Some(Compression::Gzip),
        b"zstd" => Some(Compression::Zstd),
        _ => Some(Compression::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::arm64::zboot;

    #[test]
    fn the_kernel_in_it_is_found_with_its_compression() {
        for (name, compression) in [
            (&b"gzip"[..], Compression::Gzip),
            (b"zstd", Compression::Zstd),
            (b"xzkern", Compression::Other),
        ] {
            let bytes = zboot(name, b"packed");
            let found = Zboot::parse(&bytes).unwrap();
            assert_eq!(found.payload(), b"packed");
            assert_eq!(found.compression(), compression);
        }
    }

    #[test]
    fn a_header_that_lies_or_is_cut_off_is_refused() {
        let good = zboot(b"gzip", b"packed");
        for length in 0..good.len() {
            assert!(Zboot::parse(&good[..length]).is_err(), "cut to {length}");
        }
        let with = |at: usize, value: u32| {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            Zboot::parse(&bytes).err().unwrap()
        };
        assert!(matches!(with(8, u32::MAX), ZbootError::Payload { .. }));
        assert!(matches!(with(12, u32::MAX), ZbootError::Payload { .. }));
        assert!(matches!(with(12, 0), ZbootError::Payload { .. }));
        assert_eq!(with(24, 0), ZbootError::NoCompression);
        assert_eq!(with(4, 0), ZbootError::NoMagic);
        let mut endless = good.clone();
        endless[24..60].fill(b'x');
        assert_eq!(
            Zboot::parse(&endless).err(),
            Some(ZbootError::NoCompression)
        );
    }
}
