//! Why a file is not a multiboot2 kernel that can be booted.

use super::SEARCH_LEN;
use core::fmt;

/// What is wrong with a multiboot2 kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiboot2Error {
    /// There is no header where one must be.
    NotOne,
    /// A header for another architecture.
    Architecture(u32),
    /// The header can't have this length: it isn't whole where it must be.
    Length(u32),
    /// The header ends in a tag, or before the last one.
    Truncated,
    /// The header goes on after its last tag.
    TrailingBytes,
    /// The tag of this type isn't as its type has it.
    Tag(u16),
    /// A second tag of this type.
    Twice(u16),
    /// A tag of this type, unknown or impossible here, and the kernel can't do without.
    Required(u16),
    /// The addresses can't be: they don't match the file, or aren't in ascending order.
    Address,
    /// Addresses, and no entry point.
    NoEntry,
    /// The entry point, at this address, is not in what is loaded.
    Entry(u32),
}

impl fmt::Display for Multiboot2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Multiboot2Error::NotOne => write!(
                f,
                "not a multiboot2 kernel: no header in its first {SEARCH_LEN} bytes"
            ),
            Multiboot2Error::Architecture(n) => write!(
                f,
                "its multiboot2 header is for architecture {n}; 0 (x86) can be booted"
            ),
            Multiboot2Error::Length(n) => {
                write!(f, "its multiboot2 header can't be {n} bytes long")
            }
            Multiboot2Error::Truncated => f.write_str("its multiboot2 header ends in its tags"),
            Multiboot2Error::TrailingBytes => {
                f.write_str("its multiboot2 header goes on after its last tag")
            }
            Multiboot2Error::Tag(n) => write!(f, "its multiboot2 tag {n} is malformed"),
            Multiboot2Error::Twice(n) => write!(f, "its multiboot2 tag {n} is there twice"),
            Multiboot2Error::Required(n) => write!(
                f,
                "it requires multiboot2 tag {n}, which can't be satisfied"
            ),
            Multiboot2Error::Address => {
                f.write_str("the addresses in its multiboot2 header don't match the file")
            }
            Multiboot2Error::NoEntry => f.write_str("its multiboot2 header has no entry point"),
            Multiboot2Error::Entry(at) => {
                write!(f, "its entry point {at:#x} is not in what is loaded")
            }
        }
    }
}

impl core::error::Error for Multiboot2Error {}
