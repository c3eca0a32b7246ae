//! BTF: the structures of a kernel, as it describes them to itself (Documentation/bpf/btf.rst).
//!
//! It has several MiB in kernels of distributions, so it is read from its beginning to its end for each question,
//! and only the answers are kept.

use crate::bytes::{u16_at, u32_at};
use crate::pieces::Pieces;
use crate::source::Source;
use std::collections::BTreeMap;
use std::io;

/// BTF_MAGIC, and the only version.
const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;
/// `struct btf_header`: later ones may be longer.
const HEADER: usize = 24;
/// More than any kernel has.
const MAX_LENGTH: u32 = 1 << 28;
/// The most members of a structure that are kept.
const MAX_MEMBERS: u32 = 4096;
/// The most structures of the names asked for.
const MAX_FOUND: usize = 64;

/// Kinds of types (BTF_KIND_*).
mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const PTR: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const FWD: u32 = 7;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const FLOAT: u32 = 16;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

/// Why the structures of a kernel can't be told.
#[derive(Debug, thiserror::Error)]
pub enum BtfError {
    /// It can't be read, or ends too soon.
    #[error("the crashed kernel's BTF can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Something in it can't be.
    #[error("the crashed kernel's BTF has an implausible {0}")]
    Odd(&'static str),
}

type Result<T> = std::result::Result<T, BtfError>;

/// A structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// Its name, one that was asked for.
    pub name: &'static str,
    /// The number of its type.
    pub id: u32,
    /// Its size in bytes.
    pub size: u32,
    /// Its members, without bit fields.
    pub members: Vec<Member>,
}

/// A member of a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name, if it was asked for.
    pub name: Option<&'static str>,
    /// The number of its type.
    pub kind: u32,
    /// Where it is, in bytes.
    pub offset: u32,
}

/// An array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array {
    /// The number of its type.
    pub id: u32,
    /// The number of its elements' type.
    pub element: u32,
    /// How many elements it has.
    pub length: u32,
}

impl Structure {
    /// A member of this name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|it| it.name == Some(name))
    }
}

/// The BTF of a kernel.
pub struct Btf<'a> {
    source: &'a dyn Source,
    types: (u64, u64),
    texts: (u64, u64),
}

/// A type's head, `struct btf_type`.
struct Head {
    id: u32,
    name: u32,
    kind: u32,
    count: u32,
    /// Offsets of members are of bits, with the size of a bit field in the top byte.
    with_bits: bool,
    size: u32,
}

impl Head {
    /// How long what follows it is.
    fn rest(&self) -> Result<u64> {
        let each = match self.kind {
            kind::INT | kind::VAR | kind::DECL_TAG => return Ok(4),
            kind::ARRAY => return Ok(12),
            kind::PTR | kind::FWD..kind::FUNC_PROTO | kind::FLOAT | kind::TYPE_TAG => 0,
            kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12,
            kind::ENUM | kind::FUNC_PROTO => 8,
            _ => return Err(BtfError::Odd("kind of type")),
        };
        Ok(each * u64::from(self.count))
    }
}

impl<'a> Btf<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it can't be read, or isn't BTF.
    pub fn open(source: &'a dyn Source) -> Result<Btf<'a>> {
        let mut header = [0; HEADER];
        source.read_at(0, &mut header)?;
        let number = |at| u32_at(&header, at).unwrap_or(0);
        if u16_at(&header, 0) != Some(MAGIC) || header.get(2) != Some(&VERSION) {
            return Err(BtfError::Odd("beginning"));
        }
        let length = number(4);
        let part = |at| {
            let (offset, size) = (number(at), number(at + 4));
            if offset > MAX_LENGTH || size > MAX_LENGTH || length > MAX_LENGTH {
                return Err(BtfError::Odd("length"));
            }
            Ok((u64::from(length) + u64::from(offset), u64::from(size)))
        };
        Ok(Btf {
            source,
            types: part(8)?,
            texts: part(16)?,
        })
    }

    /// The structures of these names. Of their members, those of these names have one.
    ///
    /// # Errors
    /// When it can't be read to its end, or a type can't be.
    pub fn structures(
        &self,
        names: &[&'static str],
        members: &[&'static str],
    ) -> Result<Vec<Structure>> {
        let texts = self.texts(&[names, members].concat())?;
        let mut found = Vec::new();
        self.each(|head, pieces| {
            let name = texts.get(&head.name).filter(|it| names.contains(it));
            let Some(name) = name.filter(|_| head.kind == kind::STRUCT) else {
                return Ok(false);
            };
            if head.count > MAX_MEMBERS || found.len() == MAX_FOUND {
                return Err(BtfError::Odd("structure"));
            }
            let mut structure = Structure {
                name,
                id: head.id,
                size: head.size,
                members: Vec::new(),
            };
            for _ in 0..head.count {
                structure
                    .members
                    .extend(member(head, &texts, pieces.take(12)?));
            }
            found.push(structure);
            Ok(true)
        })?;
        Ok(found)
    }

    /// Those of these types that are arrays.
    ///
    /// # Errors
    /// As for [`Btf::structures`].
    pub fn arrays(&self, types: &[u32]) -> Result<Vec<Array>> {
        let mut found = Vec::new();
        self.each(|head, pieces| {
            if head.kind != kind::ARRAY || !types.contains(&head.id) {
                return Ok(false);
            }
            let rest = pieces.take(12)?;
            let number = |at| u32_at(rest, at).unwrap_or(0);
            found.push(Array {
                id: head.id,
                element: number(0),
                length: number(8),
            });
            Ok(true)
        })?;
        Ok(found)
    }

    /// Where in the texts these are.
    fn texts(&self, wanted: &[&'static str]) -> Result<BTreeMap<u32, &'static str>> {
        let (offset, length) = self.texts;
        let mut pieces = Pieces::new(self.source, offset, length)?;
        let mut found = BTreeMap::new();
        let mut at = 0u32;
        while pieces.left() > 0 {
            let text = pieces.text()?;
            if let Some(name) = wanted.iter().find(|it| it.as_bytes() == text) {
                found.insert(at, *name);
            }
            // No longer than MAX_LENGTH.
            at += u32::try_from(text.len() + 1).unwrap_or(u32::MAX);
        }
        if u64::from(at) < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(found)
    }

    /// Calls `take` for each type; it says whether it has read what follows the head.
    fn each(&self, mut take: impl FnMut(&Head, &mut Pieces<'_>) -> Result<bool>) -> Result<()> {
        let (offset, length) = self.types;
        let mut pieces = Pieces::new(self.source, offset, length)?;
        if pieces.left() < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        // Type 0 is void, which stands nowhere.
        let mut id = 1;
        while pieces.left() > 0 {
            let bytes = pieces.take(12)?;
            let number = |at| u32_at(bytes, at).unwrap_or(0);
            let info = number(4);
            let head = Head {
                id,
                name: number(0),
                kind: info >> 24 & 31,
                count: info & 0xffff,
                with_bits: info >> 31 == 1,
                size: number(8),
            };
            let rest = head.rest()?;
            if rest > pieces.left() {
                return Err(BtfError::Odd("length of a type"));
            }
            if !take(&head, &mut pieces)? {
                pieces.skip(rest);
            }
            id += 1;
        }
        Ok(())
    }
}

/// A `struct btf_member`; `None` of a bit field.
fn member(head: &Head, texts: &BTreeMap<u32, &'static str>, bytes: &[u8]) -> Option<Member> {
    let number = |at| u32_at(bytes, at).unwrap_or(0);
    let bits = match (head.with_bits, number(8)) {
        (true, offset) if offset >> 24 != 0 => return None,
        (_, offset) => offset,
    };
    (bits % 8 == 0).then(|| Member {
        name: texts.get(&number(0)).copied(),
        kind: number(4),
        offset: bits / 8,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::btf::BtfSample;

    fn sample() -> Vec<u8> {
        BtfSample::of_pages().build()
    }

    fn found(bytes: &Vec<u8>) -> Result<Vec<Structure>> {
        Btf::open(bytes)?.structures(&["zone", "per_cpu_pages"], &["per_cpu_pageset", "lists"])
    }

    #[test]
    fn structures_and_arrays_are_found_by_name() {
        let bytes = sample();
        let all = found(&bytes).unwrap();
        let named = |name| all.iter().find(|it| it.name == name).unwrap();
        let zone = named("zone");
        assert_eq!((zone.size, zone.members.len()), (1024, 2));
        assert_eq!(zone.member("per_cpu_pageset").unwrap().offset, 16);
        let lists = named("per_cpu_pages").member("lists").unwrap();
        assert_eq!(lists.offset, 24);
        let arrays = Btf::open(&bytes).unwrap().arrays(&[lists.kind]).unwrap();
        assert_eq!((arrays.len(), arrays[0].length), (1, 14));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let bytes = sample();
        let btf = Btf::open(&bytes).unwrap();
        assert_eq!(btf.structures(&["nothing"], &[]).unwrap(), []);
        assert_eq!(btf.arrays(&[1 << 20]).unwrap(), []);
    }

    #[test]
    fn what_is_cut_off_anywhere_is_an_error() {
        let whole = sample();
        for length in 0..whole.len() {
            assert!(found(&whole[..length].to_vec()).is_err(), "{length} bytes");
        }
        assert!(found(&whole).is_ok());
    }

    #[test]
    fn any_changed_byte_is_an_error_or_an_answer() {
        let whole = sample();
        for at in 0..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                for structure in found(&changed).unwrap_or_default() {
                    assert!(structure.members.len() <= 16);
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_what_it_is() {
        let said = |at: usize, bytes: &[u8]| {
            let mut changed = sample();
            changed[at..at + bytes.len()].copy_from_slice(bytes);
            found(&changed).unwrap_err().to_string()
        };
        assert!(said(0, b"\0").ends_with("implausible beginning"));
        assert!(said(2, b"\x02").ends_with("implausible beginning"));
        assert!(said(4, &[0xff; 4]).ends_with("implausible length"));
        // The first type's kind, and how many members it has.
        assert!(said(24 + 7, &[31]).ends_with("implausible kind of type"));
        assert!(said(24 + 4, &[0xff, 0xff, 0, 4]).ends_with("implausible length of a type"));
    }
}
