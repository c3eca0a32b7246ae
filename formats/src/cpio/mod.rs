//! cpio archives in the "newc" form, of which initrds are made
//! (Documentation/driver-api/early-userspace/buffer-format.rst).
//!
//! Before it unpacks anything Linux looks into the initrd for what it needs early: microcode and ACPI
//! tables. [`entries`] reads as that code does (`find_cpio_data` in lib/earlycpio.c, the same in 6.1,
//! 6.12 and 7.2): from the start of the joined initrds, over zeros in steps of 4 bytes, from one entry
//! to the next, without an end at `TRAILER!!!`, until something else comes.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 6 | `070701`, or `070702` with a checksum |
//! | 6 | 13 × 8 | the fields of [`Header`], in hexadecimal digits of either case |
//! | 110 | name size | the name, its NUL included, and zeros up to a multiple of 4 |
//! | | file size | the contents, and zeros up to a multiple of 4 |
//!
//! [`Search`] asks less of what it looks for: an entry's header with the name after it, at any place.
//! Whoever refuses what it finds needn't know where a reader begins, how it skips, or where it stops.

mod search;

#[cfg(test)]
mod tests;

pub use search::Search;

use crate::magic::Magic;

/// The length of a header, in bytes.
pub const HEADER_LEN: usize = 110;
/// The length of its magic, in bytes.
const MAGIC_LEN: usize = 6;
/// The length of each other field, in bytes.
const FIELD_LEN: usize = 8;
/// The fields after the magic.
const FIELDS: usize = 13;
/// Where everything begins, at a multiple of this.
const ALIGNMENT: usize = 4;

/// An entry's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Whether it is of an archive with checksums.
    pub checksummed: bool,
    /// The fields as they stand there: inode, mode, owner, group, links, time, file size, device
    /// (two), special file's device (two), name size, checksum.
    pub fields: [u32; FIELDS],
}

impl Header {
    /// Reads a header; `None` if it is none.
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let checksummed = match Magic::of(bytes)? {
            Magic::Cpio => false,
            Magic::CpioChecksummed => true,
            _ => return None,
        };
        let digits = bytes.get(MAGIC_LEN..)?;
        let mut fields = [0; FIELDS];
        for (field, digits) in fields.iter_mut().zip(digits.chunks_exact(FIELD_LEN)) {
            *field = hexadecimal(digits)?;
        }
        Some(Header {
            checksummed,
            fields,
        })
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let magic = if self.checksummed {
            Magic::CpioChecksummed.bytes()
        } else {
            Magic::Cpio.bytes()
        };
        let digits = self.fields.iter().flat_map(|field| {
            let nibbles = field.to_be_bytes().map(|byte| [byte >> 4, byte & 0xf]);
            nibbles.into_iter().flatten().map(digit)
        });
        let mut bytes = [0; HEADER_LEN];
        for (to, from) in bytes.iter_mut().zip(magic.iter().copied().chain(digits)) {
            *to = from;
        }
        bytes
    }

    /// The file's type and permissions.
    pub fn mode(&self) -> u32 {
        let [_, mode, ..] = self.fields;
        mode
    }

    /// The length of its contents, in bytes.
    pub fn file_size(&self) -> u32 {
        let [_, _, _, _, _, _, size, ..] = self.fields;
        size
    }

    /// The length of its name with its NUL, in bytes.
    pub fn name_size(&self) -> u32 {
        let [.., size, _] = self.fields;
        size
    }
}

fn digit(nibble: u8) -> u8 {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0')
}

/// At most 8 digits.
fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for &digit in digits {
        let digit = char::from(digit).to_digit(16)?;
        number = number.wrapping_shl(4) | digit;
    }
    Some(number)
}

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its header.
    pub header: Header,
    /// Its name, with all that belongs to it.
    pub name: &'a [u8],
    /// Its contents.
    pub contents: &'a [u8],
}

/// The entries that Linux sees early in `initrd`, which lies at a multiple of 4.
pub fn entries(initrd: &[u8]) -> Entries<'_> {
    Entries { rest: initrd }
}

/// Whether `initrd` is an archive of nothing but what Linux looks for early, all below `kernel/`, so that
/// it has no program to run. dracut marks such archives by a file (`early_cpio`).
pub fn is_early_alone(initrd: &[u8]) -> bool {
    const OTHERS: [&[u8]; 4] = [b"TRAILER!!!", b".", b"kernel", b"early_cpio"];
    let mut entries = entries(initrd);
    let is_early = |entry: Entry<'_>| {
        let name = entry
            .name
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        name.starts_with(b"kernel/") || OTHERS.contains(&name)
    };
    let some = entries.clone().next().is_some();
    some && entries.by_ref().all(is_early) && entries.rest.iter().all(|byte| *byte == 0)
}

/// Iterates over [`Entry`]s.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        while self.rest.len() > HEADER_LEN && self.rest.first() == Some(&0) {
            self.rest = self.rest.get(ALIGNMENT..)?;
        }
        if self.rest.len() <= HEADER_LEN {
            return None;
        }
        let header = Header::parse(self.rest.first_chunk()?)?;
        let name_size = usize::try_from(header.name_size()).ok()?;
        let file_size = usize::try_from(header.file_size()).ok()?;
        let name_end = HEADER_LEN.checked_add(name_size)?;
        let start = name_end.checked_next_multiple_of(ALIGNMENT)?;
        let end = start.checked_add(file_size)?;
        let entry = Entry {
            header,
            name: self.rest.get(HEADER_LEN..name_end)?,
            contents: self.rest.get(start..end)?,
        };
        self.rest = self.rest.get(end.checked_next_multiple_of(ALIGNMENT)?..)?;
        Some(entry)
    }
}
