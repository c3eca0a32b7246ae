//! The multiboot2 header: how a kernel that isn't Linux says where it goes and where it begins.
//!
//! The header lies at a multiple of 8 bytes, whole within the first 32 KiB of the file:
//!
//! | offset | size | field | must be |
//! |---|---|---|---|
//! | 0 | 4 | magic | 0xe85250d6 |
//! | 4 | 4 | architecture | 0: 32-bit protected mode of x86 |
//! | 8 | 4 | length of the header, tags included | |
//! | 12 | 4 | checksum | the four fields add up to 0, modulo 2³² |
//! | 16 | | tags | |
//!
//! Each tag begins at a multiple of 8 bytes with a `u16` type, `u16` flags (bit 0: optional) and
//! the `u32` length of the tag, these 8 bytes included. The last one is of type 0, and the header
//! ends with it.
//!
//! | type | tag | here |
//! |---|---|---|
//! | 1 | what information the kernel wants | [`Multiboot2::requests`] |
//! | 2 | where the file goes in memory | [`Multiboot2::load`] |
//! | 3 | entry point | [`Multiboot2::entry`] |
//! | 4, 5 | console and framebuffer | wishes, ignored |
//! | 6 | modules must be page-aligned | [`Multiboot2::page_aligned_modules`] |
//! | 7 | EFI's boot services must be running | refused unless optional: they have ended |
//! | 8, 9 | entry points on EFI | ignored: the other one is used |
//! | 10 | where else the kernel may go | [`Multiboot2::relocatable`] |
//!
//! A tag of another type is refused unless it is optional, and so is a second one of types 2, 3, 6
//! and 10, which the specification says nothing about. The file of a kernel without tag 2 is ELF
//! (see [`crate::elf`]). A kernel with tag 2 needs tag 3, and begins in what is loaded.
//!
//! Source: "Multiboot2 Specification version 2.0", section 3.1.

mod error;
mod tag;

#[cfg(test)]
mod tests;

pub use error::Multiboot2Error;
pub use tag::{Preference, Relocatable};

use crate::reader::{array_at, u32_at};
use core::ops::Range;
use tag::{AddressTag, Tag, Tags};

/// The first field of a header.
pub const MAGIC: u32 = 0xe852_50d6;
/// The header lies before this offset in the file.
pub const SEARCH_LEN: usize = 0x8000;

/// The length of the header before its tags.
const FIXED_LEN: usize = 16;
const ALIGNMENT: usize = 8;
/// 32-bit protected mode of x86.
const ARCHITECTURE_I386: u32 = 0;

/// Where the file goes in memory. What lies between the end of the data and the end of the memory
/// is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// What to load of the file, in bytes from its start.
    pub file: Range<usize>,
    /// Where it goes, in physical memory: not shorter than `file`, and below 4 GiB.
    pub memory: Range<u64>,
}

/// A multiboot2 kernel whose header has been checked as the module says.
#[derive(Clone, Debug)]
pub struct Multiboot2<'a> {
    offset: usize,
    tags: &'a [u8],
    load: Option<Load>,
    found: Found,
}

/// What tags there may be one of.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    address: Option<AddressTag>,
    entry: Option<u32>,
    page_aligned_modules: Option<()>,
    relocatable: Option<Relocatable>,
}

impl<'a> Multiboot2<'a> {
    /// Finds the header of `file` and checks it.
    pub fn parse(file: &'a [u8]) -> Result<Self, Multiboot2Error> {
        let offset = find(file).ok_or(Multiboot2Error::NotOne)?;
        let tags = tags(file, offset)?;
        let mut found = Found::default();
        for tag in Tags::new(tags) {
            found.take(tag?)?;
        }
        let load = found
            .address
            .map(|tag| load(&tag, offset, file.len()).ok_or(Multiboot2Error::Address))
            .transpose()?;
        if let Some(load) = &load {
            let entry = found.entry.ok_or(Multiboot2Error::NoEntry)?;
            if !load.memory.contains(&entry.into()) {
                return Err(Multiboot2Error::Entry(entry));
            }
        }
        Ok(Multiboot2 {
            offset,
            tags,
            load,
            found,
        })
    }

    /// Whether there is a header in a file. Says nothing about its tags.
    pub fn recognises(file: &[u8]) -> bool {
        find(file).is_some()
    }

    /// Where the header lies in the file, in bytes from its start.
    pub fn header_offset(&self) -> usize {
        self.offset
    }

    /// Where the file goes in memory; `None`: it is an ELF file, which says so itself.
    pub fn load(&self) -> Option<Load> {
        self.load.clone()
    }

    /// The physical address of the entry point, in 32-bit protected mode; `None`: the ELF file's.
    /// In an ELF file it isn't judged where that is.
    pub fn entry(&self) -> Option<u32> {
        self.found.entry
    }

    /// Whether modules must begin at multiples of 4096.
    pub fn page_aligned_modules(&self) -> bool {
        self.found.page_aligned_modules.is_some()
    }

    /// Where else the kernel may go; `None`: nowhere.
    pub fn relocatable(&self) -> Option<Relocatable> {
        self.found.relocatable
    }

    /// The types of boot information tags that the kernel wants, each with whether it can't do
    /// without.
    pub fn requests(&self) -> impl Iterator<Item = (u32, bool)> + use<'a> {
        Tags::new(self.tags)
            .filter_map(Result::ok)
            .flat_map(|tag| tag.requests())
    }
}

impl Found {
    fn take(&mut self, tag: Tag<'_>) -> Result<(), Multiboot2Error> {
        let kind = tag.kind;
        let is_second = match kind {
            tag::REQUESTS if tag.data.len().is_multiple_of(4) => false,
            tag::ADDRESS => self.address.replace(tag.address()?).is_some(),
            tag::ENTRY => self.entry.replace(tag.entry()?).is_some(),
            tag::PAGE_ALIGNED => self.page_aligned_modules.replace(tag.empty()?).is_some(),
            tag::RELOCATABLE => self.relocatable.replace(tag.relocatable()?).is_some(),
            tag::CONSOLE | tag::FRAMEBUFFER | tag::EFI_I386_ENTRY | tag::EFI_AMD64_ENTRY => false,
            tag::REQUESTS => return Err(Multiboot2Error::Tag(kind)),
            _ if tag.is_optional() => false,
            _ => return Err(Multiboot2Error::Required(kind)),
        };
        if is_second {
            Err(Multiboot2Error::Twice(kind))
        } else {
            Ok(())
        }
    }
}

/// The offset of the first header in the file: magic and checksum are right.
fn find(file: &[u8]) -> Option<usize> {
    let head = file.get(..SEARCH_LEN).unwrap_or(file);
    (0..head.len()).step_by(ALIGNMENT).find(|&offset| {
        array_at::<FIXED_LEN>(head, offset).is_some_and(|bytes| {
            let fields = bytes.chunks_exact(4).filter_map(|field| u32_at(field, 0));
            u32_at(&bytes, 0) == Some(MAGIC) && fields.fold(0, u32::wrapping_add) == 0
        })
    })
}

/// The tags of the header at `offset`.
fn tags(file: &[u8], offset: usize) -> Result<&[u8], Multiboot2Error> {
    let head = file.get(..SEARCH_LEN).unwrap_or(file);
    let field = |at| u32_at(head.get(offset..)?, at);
    match field(4) {
        Some(ARCHITECTURE_I386) => {}
        other => return Err(Multiboot2Error::Architecture(other.unwrap_or_default())),
    }
    let stated = field(8).unwrap_or_default();
    let bytes = usize::try_from(stated)
        .ok()
        .and_then(|len| head.get(offset..)?.get(FIXED_LEN..len));
    bytes.ok_or(Multiboot2Error::Length(stated))
}

/// What an address tag comes to, in a file of this length with the header at `offset`.
fn load(tag: &AddressTag, offset: usize, file_len: usize) -> Option<Load> {
    let header = u64::from(tag.header);
    let offset = u64::try_from(offset).ok()?;
    let file_len = u64::try_from(file_len).ok()?;
    // All ones: from the start of the file on.
    let (address, start) = match tag.load {
        u32::MAX => (header.checked_sub(offset)?, 0),
        load => {
            let before = header.checked_sub(load.into())?;
            (load.into(), offset.checked_sub(before)?)
        }
    };
    let len = match tag.load_end {
        0 => file_len.checked_sub(start)?,
        end => u64::from(end).checked_sub(address)?,
    };
    let file_end = start.checked_add(len).filter(|&end| end <= file_len)?;
    let data_end = address.checked_add(len)?;
    let memory_end = match tag.bss_end {
        0 => data_end,
        end => u64::from(end),
    };
    let fits = len > 0 && memory_end >= data_end && memory_end <= 1 << 32;
    fits.then_some(Load {
        file: usize::try_from(start).ok()?..usize::try_from(file_end).ok()?,
        memory: address..memory_end,
    })
}
