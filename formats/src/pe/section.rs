//! The section table.

use crate::reader::{Reader, slice};

/// Length of a section header in the section table, in bytes.
pub const SECTION_HEADER_LEN: usize = 40;

/// A section: its header and its data in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The name, padded with zeros.
    pub name: [u8; 8],
    /// Where it lies in memory, from the image's base.
    pub virtual_address: u32,
    /// How many bytes it takes in memory.
    pub virtual_size: u32,
    /// Where its data lies in the file (of no meaning if there is none).
    pub raw_offset: u32,
    /// Its data in the file, alignment padding included; empty for `.bss` and the like.
    pub raw: &'a [u8],
    /// Flags (`IMAGE_SCN_*`).
    pub characteristics: u32,
}

impl<'a> Section<'a> {
    /// The name without its padding; empty if it isn't UTF-8 or has bytes after a zero.
    pub fn name_str(&self) -> &str {
        let len = self
            .name
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(self.name.len());
        let name = self.name.get(..len).unwrap_or_default();
        core::str::from_utf8(name)
            .ok()
            .filter(|name| self.is_named(name))
            .unwrap_or_default()
    }

    /// Whether the whole name field is `name` padded with zeros.
    pub fn is_named(&self, name: &str) -> bool {
        self.name
            .strip_prefix(name.as_bytes())
            .is_some_and(crate::reader::is_zero)
    }

    /// The data without alignment padding: at most `virtual_size` bytes.
    pub fn data(&self) -> &'a [u8] {
        usize::try_from(self.virtual_size)
            .ok()
            .and_then(|len| self.raw.get(..len))
            .unwrap_or(self.raw)
    }
}

/// A section's header, as it stands in the table.
#[derive(Clone, Copy)]
pub(super) struct SectionHeader {
    name: [u8; 8],
    virtual_address: u32,
    virtual_size: u32,
    pub raw_offset: u32,
    pub raw_size: u32,
    characteristics: u32,
}

impl SectionHeader {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let name = reader.array().ok()?;
        let virtual_size = reader.u32().ok()?;
        let virtual_address = reader.u32().ok()?;
        let raw_size = reader.u32().ok()?;
        let raw_offset = reader.u32().ok()?;
        reader.skip(12).ok()?; // relocations and line numbers
        let characteristics = reader.u32().ok()?;
        Some(SectionHeader {
            name,
            virtual_address,
            virtual_size,
            raw_offset,
            raw_size,
            characteristics,
        })
    }

    /// The section, or `None` if the file doesn't hold its data.
    pub fn with_data(self, file: &[u8]) -> Option<Section<'_>> {
        let raw = match self.raw_size {
            0 => &[],
            size => slice(file, self.raw_offset.into(), size.into())?,
        };
        Some(Section {
            name: self.name,
            virtual_address: self.virtual_address,
            virtual_size: self.virtual_size,
            raw_offset: self.raw_offset,
            raw,
            characteristics: self.characteristics,
        })
    }
}

/// The headers in a section table.
pub(super) fn headers(table: &[u8]) -> impl Iterator<Item = SectionHeader> {
    table
        .chunks_exact(SECTION_HEADER_LEN)
        .filter_map(SectionHeader::read)
}

/// The sections of an image that has been checked, in the order of the section table.
#[derive(Clone, Debug)]
pub struct Sections<'a> {
    table: core::slice::ChunksExact<'a, u8>,
    file: &'a [u8],
}

impl<'a> Sections<'a> {
    pub(super) fn new(table: &'a [u8], file: &'a [u8]) -> Self {
        let table = table.chunks_exact(SECTION_HEADER_LEN);
        Sections { table, file }
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = Section<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        SectionHeader::read(self.table.next()?)?.with_data(self.file)
    }
}
