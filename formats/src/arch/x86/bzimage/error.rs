//! Why a file is not a bzImage that can be booted.

use super::{MIN_VERSION, SETUP_HEADER_LIMIT};
use core::fmt;

/// What is wrong with a bzImage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BzImageError {
    /// Too short for its headers and any code: so many bytes.
    TooShort(usize),
    /// No 0xAA55 at 0x1fe.
    NoBootFlag,
    /// No `HdrS` at 0x202.
    NoHdrS,
    /// A boot protocol older than 2.12.
    Version(u16),
    /// The setup header ends here, before its fields do or in others' fields of boot_params.
    HeaderEnd(usize),
    /// A zImage, loaded below 1 MiB.
    NotLoadedHigh,
    /// A kernel without a 64-bit entry point.
    No64BitEntry,
    /// `kernel_alignment` is not a power of two.
    Alignment(u32),
    /// The preferred address and `init_size` add up to more than 64 bits.
    PrefAddress(u64),
    /// `syssize` says there are more bytes than there are.
    Truncated {
        /// Bytes of the protected-mode part, as stated.
        stated: u64,
        /// Bytes of it that are there.
        actual: usize,
    },
    /// `init_size` is less than what must be loaded.
    InitSize {
        /// As stated, in bytes.
        init_size: u32,
        /// The length of the protected-mode part.
        needed: usize,
    },
}

impl fmt::Display for BzImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BzImageError::TooShort(n) => write!(f, "{n} bytes are too few for a bzImage"),
            BzImageError::NoBootFlag => f.write_str("not a bzImage: no 0xAA55 at 0x1fe"),
            BzImageError::NoHdrS => f.write_str("not a bzImage: no HdrS at 0x202"),
            BzImageError::Version(v) => {
                let [minor, major] = v.to_le_bytes();
                let [min_minor, min_major] = MIN_VERSION.to_le_bytes();
                write!(
                    f,
                    "boot protocol {major}.{minor:02}; {min_major}.{min_minor:02} is the oldest accepted"
                )
            }
            BzImageError::HeaderEnd(end) => write!(
                f,
                "the setup header ends at {end:#x}; between 0x268 and {SETUP_HEADER_LIMIT:#x} expected"
            ),
            BzImageError::NotLoadedHigh => f.write_str("a zImage, which must lie below 1 MiB"),
            BzImageError::No64BitEntry => f.write_str("the kernel has no 64-bit entry point"),
            BzImageError::Alignment(n) => {
                write!(f, "the kernel's alignment {n:#x} is not a power of two")
            }
            BzImageError::PrefAddress(at) => {
                write!(f, "the kernel's preferred address {at:#x} can't be")
            }
            BzImageError::Truncated { stated, actual } => write!(
                f,
                "the kernel states {stated} bytes of code, and {actual} are there"
            ),
            BzImageError::InitSize { init_size, needed } => write!(
                f,
                "the kernel asks for {init_size} bytes of memory, and is {needed} bytes long"
            ),
        }
    }
}

impl core::error::Error for BzImageError {}
