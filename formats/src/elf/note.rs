//! Notes: named, typed bytes in a `PT_NOTE` segment.
//!
//! | offset | size | |
//! |---|---|---|
//! | 0 | 4 | length of the name, its final NUL included |
//! | 4 | 4 | length of the descriptor |
//! | 8 | 4 | type, of a meaning that the name's owner gives it |
//! | 12 | | the name, and padding up to the alignment |
//! | | | the descriptor, and padding up to the alignment |
//!
//! The alignment is 8 bytes in a segment whose `p_align` is 8, and 4 in others, as readers of ELF
//! do it. The padding of the segment's last note may be missing.

use super::Segment;
use crate::reader::{OutOfBounds, Reader};
use core::ops::Range;

/// The name of the note that holds a signature of the file it is in.
pub const SIGNATURE_NOTE_NAME: &[u8] = b"Baton";
/// The type of the note that holds a signature: detached CMS, in DER.
pub const SIGNATURE_NOTE_KIND: u32 = 1;

const XEN_NAME: &[u8] = b"Xen";
/// `XEN_ELFNOTE_PHYS32_ENTRY` (include/xen/interface/elfnote.h).
const XEN_PHYS32_ENTRY: u32 = 18;

/// A note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// The number of its segment in the program headers.
    pub segment: usize,
    /// Its owner's name, without the final NUL.
    pub name: &'a [u8],
    /// Its type.
    pub kind: u32,
    /// What it holds.
    pub descriptor: &'a [u8],
    /// Where that lies in the file, in bytes.
    pub descriptor_offset: usize,
}

impl Note<'_> {
    /// Whether it holds a signature of the file.
    pub fn is_signature(&self) -> bool {
        self.name == SIGNATURE_NOTE_NAME && self.kind == SIGNATURE_NOTE_KIND
    }

    pub(super) fn is_pvh_entry(&self) -> bool {
        self.name == XEN_NAME && self.kind == XEN_PHYS32_ENTRY
    }

    /// The address that the descriptor is, of 4 or 8 bytes.
    pub(super) fn address(&self) -> Option<u64> {
        if let Ok(bytes) = self.descriptor.try_into() {
            return Some(u64::from(u32::from_le_bytes(bytes)));
        }
        self.descriptor.try_into().ok().map(u64::from_le_bytes)
    }

    pub(super) fn descriptor_range(&self) -> Range<usize> {
        let end = self.descriptor_offset.saturating_add(self.descriptor.len());
        self.descriptor_offset..end
    }
}

/// The notes of a segment, in order. Ends after the first malformed one.
#[derive(Clone, Debug)]
pub struct Notes<'a> {
    rest: Reader<'a>,
    segment: usize,
    offset: usize,
    alignment: usize,
}

impl<'a> Notes<'a> {
    pub(super) fn new(segment: &Segment<'a>) -> Self {
        Notes {
            rest: Reader::new(segment.data),
            segment: segment.index,
            offset: usize::try_from(segment.offset).unwrap_or_default(),
            alignment: if segment.align == 8 { 8 } else { 4 },
        }
    }

    fn read(&mut self) -> Result<Note<'a>, OutOfBounds> {
        let name_len = self.len()?;
        let descriptor_len = self.len()?;
        let kind = self.rest.u32()?;
        let name = self.rest.take(name_len)?;
        if descriptor_len > 0 {
            let missing = self.padding();
            self.rest.skip(missing)?;
        }
        let descriptor_offset = self.offset.saturating_add(self.rest.position());
        let descriptor = self.rest.take(descriptor_len)?;
        let missing = self.padding().min(self.rest.remaining());
        self.rest.skip(missing)?;
        Ok(Note {
            segment: self.segment,
            name: name.strip_suffix(&[0]).unwrap_or(name),
            kind,
            descriptor,
            descriptor_offset,
        })
    }

    fn len(&mut self) -> Result<usize, OutOfBounds> {
        let len = self.rest.u32()?;
        Ok(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// How many bytes lie between here and the next multiple of the alignment.
    fn padding(&self) -> usize {
        let position = self.rest.position();
        let aligned = position.checked_next_multiple_of(self.alignment);
        aligned.unwrap_or(usize::MAX).saturating_sub(position)
    }
}

impl<'a> Iterator for Notes<'a> {
    type Item = Result<Note<'a>, OutOfBounds>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let note = self.read();
        if note.is_err() {
            self.rest.rest();
        }
        Some(note)
    }
}
