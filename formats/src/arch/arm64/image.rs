//! Linux's Image on arm64 (Documentation/arch/arm64/booting.rst, "Call the kernel image"): the kernel as it lies in
//! memory, with a header in place of its first instructions. With an EFI stub it is a PE image as well.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | code, which jumps over the header, and reads as `MZ` where there is a stub |
//! | 8 | 8 | how far behind a multiple of 2 MiB it is put |
//! | 16 | 8 | how much memory it takes from there on, .bss included |
//! | 24 | 8 | flags: bit 0 big-endian; bits 1 and 2 the page size (0 not said, 1 4 KiB, 2 16 KiB, 3 64 KiB); bit 3 it may lie anywhere in memory |
//! | 56 | 4 | magic, `ARM\x64` |
//!
//! Integers are little-endian.

use core::fmt;

use crate::reader::{u32_at, u64_at};

/// The length of the header.
pub const HEADER_LEN: usize = 64;

/// What an Image is put at a multiple of, plus its offset.
pub const ALIGNMENT: u64 = 2 << 20;

const MAGIC: u32 = u32::from_le_bytes(*b"ARM\x64");
const BIG_ENDIAN: u64 = 1;
const PAGE_SIZE_SHIFT: u32 = 1;
const PAGE_SIZE_MASK: u64 = 3;
const ANYWHERE: u64 = 1 << 3;

/// A kernel image that was checked.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    bytes: &'a [u8],
    text_offset: u64,
    image_size: u64,
    flags: u64,
}

/// Pages that a kernel is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSize {
    /// 4 KiB.
    Kib4,
    /// 16 KiB.
    Kib16,
    /// 64 KiB.
    Kib64,
}

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kib4 => "4 KiB",
            Self::Kib16 => "16 KiB",
            Self::Kib64 => "64 KiB",
        })
    }
}

/// What is wrong with an Image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// It is shorter than its header: so many bytes.
    TooShort(usize),
    /// There is no `ARM\x64` at 56.
    NoMagic,
    /// It says nothing of how much memory it takes: from before Linux 3.17.
    NoSize,
    /// It is big-endian.
    BigEndian,
    /// It takes less memory than the file has bytes.
    Size {
        /// As stated, in bytes.
        stated: u64,
        /// The file's length.
        needed: usize,
    },
    /// What it is put behind a multiple of 2 MiB by isn't less than that, or no multiple of 4 KiB.
    Offset(u64),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(length) => {
                write!(
                    f,
                    "it has {length} bytes, and an arm64 Image's header alone 64"
                )
            }
            Self::NoMagic => write!(f, "it has no arm64 Image's magic (ARM\\x64 at 56)"),
            Self::NoSize => write!(f, "its header says nothing of how much memory it takes"),
            Self::BigEndian => write!(f, "it is a big-endian arm64 kernel"),
            Self::Size { stated, needed } => write!(
                f,
                "its header says that it takes {stated} bytes of memory, and it has {needed}"
            ),
            Self::Offset(offset) => write!(
                f,
                "it is to be put {offset:#x} bytes behind a multiple of 2 MiB, which can't be"
            ),
        }
    }
}

impl core::error::Error for ImageError {}

impl<'a> Image<'a> {
    /// Whether a file is meant to be one: it has the magic.
    #[must_use]
    pub fn recognises(bytes: &[u8]) -> bool {
        u32_at(bytes, 56) == Some(MAGIC)
    }

    /// Reads the header of `bytes`, the whole file but for signatures after it.
    ///
    /// Linux's own loader takes no other (`image_probe` and `image_load` in arch/arm64/kernel/kexec_image.c), but for
    /// big-endian kernels where it is one itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let too_short = ImageError::TooShort(bytes.len());
        let field = |at| u64_at(bytes, at).ok_or(too_short);
        if bytes.len() < HEADER_LEN {
            return Err(too_short);
        }
        if !Self::recognises(bytes) {
            return Err(ImageError::NoMagic);
        }
        let image = Self {
            bytes,
            text_offset: field(8)?,
            image_size: field(16)?,
            flags: field(24)?,
        };
        image.check()
    }

    fn check(self) -> Result<Self, ImageError> {
        let (stated, needed) = (self.image_size, self.bytes.len());
        if stated == 0 {
            return Err(ImageError::NoSize);
        }
        if self.flags & BIG_ENDIAN != 0 {
            return Err(ImageError::BigEndian);
        }
        if stated < needed as u64 {
            return Err(ImageError::Size { stated, needed });
        }
        if self.text_offset >= ALIGNMENT || !self.text_offset.is_multiple_of(4096) {
            return Err(ImageError::Offset(self.text_offset));
        }
        Ok(self)
    }

    /// All of it, to be put into memory as it is.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes behind a multiple of [`ALIGNMENT`] it is put.
    #[must_use]
    pub fn text_offset(&self) -> u64 {
        self.text_offset
    }

    /// How many bytes of memory it takes, at least as many as it has.
    #[must_use]
    pub fn image_size(&self) -> u64 {
        self.image_size
    }

    /// The pages that it is built for, if it says so.
    #[must_use]
    pub fn page_size(&self) -> Option<PageSize> {
        match self.flags >> PAGE_SIZE_SHIFT & PAGE_SIZE_MASK {
            1 => Some(PageSize::Kib4),
            2 => Some(PageSize::Kib16),
            3 => Some(PageSize::Kib64),
            _ => None,
        }
    }

    /// Whether it may lie anywhere: if not, memory below it is lost to it.
    #[must_use]
    pub fn may_lie_anywhere(&self) -> bool {
        self.flags & ANYWHERE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::arm64::image;

    fn with(at: usize, value: u64) -> Vec<u8> {
        let mut bytes = image();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        bytes
    }

    fn refused(bytes: &[u8]) -> ImageError {
        Image::parse(bytes).expect_err("it is refused")
    }

    #[test]
    fn a_kernel_says_where_it_goes_and_what_it_is_built_for() {
        let bytes = image();
        let image = Image::parse(&bytes).unwrap();
        assert_eq!((image.text_offset(), image.image_size()), (0, 0x3000));
        assert_eq!(image.page_size(), Some(PageSize::Kib4));
        assert!(image.may_lie_anywhere());
        assert_eq!(image.bytes(), bytes);
        for (flags, pages, anywhere) in [
            (0, None, false),
            (4, Some(PageSize::Kib16), false),
            (6 | 8, Some(PageSize::Kib64), true),
        ] {
            let bytes = with(24, flags);
            let image = Image::parse(&bytes).unwrap();
            assert_eq!(image.page_size(), pages);
            assert_eq!(image.may_lie_anywhere(), anywhere);
        }
        let bytes = with(8, 0x8_0000);
        assert_eq!(Image::parse(&bytes).unwrap().text_offset(), 0x8_0000);
    }

    #[test]
    fn a_header_that_cannot_be_is_refused_by_what_is_wrong() {
        assert_eq!(refused(&with(16, 0)), ImageError::NoSize);
        assert_eq!(refused(&with(24, 1)), ImageError::BigEndian);
        assert_eq!(refused(&with(8, ALIGNMENT)), ImageError::Offset(ALIGNMENT));
        assert_eq!(refused(&with(8, 0x800)), ImageError::Offset(0x800));
        let needed = image().len();
        let stated = needed as u64 - 1;
        assert_eq!(
            refused(&with(16, stated)),
            ImageError::Size { stated, needed }
        );
        assert_eq!(refused(&with(56, 0)), ImageError::NoMagic);
    }

    #[test]
    fn a_header_cut_off_anywhere_is_refused() {
        let bytes = image();
        for length in 0..HEADER_LEN {
            assert_eq!(refused(&bytes[..length]), ImageError::TooShort(length));
        }
        assert!(Image::parse(&bytes[..HEADER_LEN]).is_ok());
    }
}
