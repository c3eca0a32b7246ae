//! Strict DER (ITU-T X.690), one element at a time, over borrowed bytes.
//!
//! Headers are read by the `der` crate, which takes definite lengths in their shortest form
//! only. This reader adds that every structure must be used up to its last byte.

use core::fmt;

pub(crate) use der::Tag;
use der::{Decode, Header, Reader as _, SliceReader, TagNumber};

/// How deep a structure that is only checked, not read, may nest.
const MAX_DEPTH: u8 = 32;

/// Bytes that aren't strict DER of the structure that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// The structure that was being read, with the standard's name for it.
    pub what: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} isn't strict DER of the expected form", self.what)
    }
}

impl core::error::Error for Malformed {}

/// One element: its tag, its contents, and all its bytes as they stand in the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: Tag,
    pub(crate) value: &'a [u8],
    pub(crate) raw: &'a [u8],
}

/// The elements of one structure, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
    what: &'static str,
}

/// The tag `[number]` of a constructed element.
pub(crate) const fn constructed(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    }
}

/// The tag `[number]` of a primitive element.
pub(crate) const fn primitive(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: false,
        number: TagNumber(number),
    }
}

impl<'a> Elements<'a> {
    /// Reads the elements in `bytes`; `what` names the structure they make up, for errors.
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// The error to report for this structure.
    pub(crate) fn malformed(&self) -> Malformed {
        Malformed { what: self.what }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let (element, rest) = split(self.rest).ok_or(self.malformed())?;
        self.rest = rest;
        Ok(element)
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: Tag) -> Result<Element<'a>, Malformed> {
        let element = self.any()?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err(self.malformed())
        }
    }

    /// The next element if it has this tag, otherwise nothing is read.
    pub(crate) fn optional(&mut self, tag: Tag) -> Result<Option<Element<'a>>, Malformed> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut ahead = *self;
        let element = ahead.any()?;
        if element.tag != tag {
            return Ok(None);
        }
        *self = ahead;
        Ok(Some(element))
    }

    /// The elements inside the next one, which must have this tag.
    pub(crate) fn inside(&mut self, tag: Tag, what: &'static str) -> Result<Self, Malformed> {
        Ok(Self::new(self.expect(tag)?.value, what))
    }

    /// The elements inside the next one, which must be a SEQUENCE.
    pub(crate) fn sequence(&mut self, what: &'static str) -> Result<Self, Malformed> {
        self.inside(Tag::Sequence, what)
    }

    /// The contents of an OBJECT IDENTIFIER.
    pub(crate) fn oid(&mut self) -> Result<&'a [u8], Malformed> {
        let value = self.expect(Tag::ObjectIdentifier)?.value;
        if value.is_empty() {
            return Err(self.malformed());
        }
        Ok(value)
    }

    /// The contents of an INTEGER in its shortest form.
    pub(crate) fn integer(&mut self) -> Result<&'a [u8], Malformed> {
        let value = self.expect(Tag::Integer)?.value;
        match value {
            [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(self.malformed()),
            _ => Ok(value),
        }
    }

    /// The big-endian bytes of an INTEGER that isn't negative, without the sign octet.
    pub(crate) fn unsigned(&mut self) -> Result<&'a [u8], Malformed> {
        match self.integer()? {
            [0x80..=0xff, ..] => Err(self.malformed()),
            [0, rest @ ..] if !rest.is_empty() => Ok(rest),
            value => Ok(value),
        }
    }

    /// A BIT STRING that holds whole octets.
    pub(crate) fn octets_of_bits(&mut self) -> Result<&'a [u8], Malformed> {
        match self.expect(Tag::BitString)?.value {
            [0, rest @ ..] => Ok(rest),
            _ => Err(self.malformed()),
        }
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.malformed())
        }
    }
}

impl<'a> Element<'a> {
    /// The one element that makes up all of `bytes`.
    pub(crate) fn whole(bytes: &'a [u8], what: &'static str) -> Result<Self, Malformed> {
        let mut elements = Elements::new(bytes, what);
        let element = elements.any()?;
        elements.finish()?;
        Ok(element)
    }

    /// The elements inside this one.
    pub(crate) fn elements(&self, what: &'static str) -> Elements<'a> {
        Elements::new(self.value, what)
    }

    /// The one element inside this one.
    pub(crate) fn only(&self, what: &'static str) -> Result<Self, Malformed> {
        Self::whole(self.value, what)
    }

    /// Checks that everything inside this element is DER, without looking at what it means.
    pub(crate) fn check(&self, what: &'static str) -> Result<(), Malformed> {
        check_nested(self, what, MAX_DEPTH)
    }
}

fn check_nested(element: &Element<'_>, what: &'static str, depth: u8) -> Result<(), Malformed> {
    if !element.tag.is_constructed() {
        return Ok(());
    }
    let depth = depth.checked_sub(1).ok_or(Malformed { what })?;
    let mut inner = element.elements(what);
    while !inner.is_empty() {
        check_nested(&inner.any()?, what, depth)?;
    }
    Ok(())
}

fn split(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    let value = reader.read_slice(header.length()).ok()?;
    let used = usize::try_from(reader.position()).ok()?;
    let (raw, rest) = bytes.split_at_checked(used)?;
    let tag = header.tag();
    Some((Element { tag, value, raw }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8]) -> Result<&[u8], Malformed> {
        Element::whole(bytes, "test").map(|element| element.value)
    }

    #[test]
    fn reads_an_element_and_its_raw_bytes() {
        let element = Element::whole(&[0x04, 0x02, 7, 8], "test").unwrap();
        assert_eq!(element.tag, Tag::OctetString);
        assert_eq!(element.value, [7, 8]);
        assert_eq!(element.raw, [0x04, 0x02, 7, 8]);
    }

    #[test]
    fn refuses_an_indefinite_length() {
        assert!(first(&[0x30, 0x80, 0x05, 0x00, 0x00, 0x00]).is_err());
    }

    #[test]
    fn refuses_a_length_that_is_longer_than_it_need_be() {
        assert!(first(&[0x04, 0x81, 0x02, 7, 8]).is_err());
        assert!(first(&[0x04, 0x82, 0x00, 0x02, 7, 8]).is_err());
    }

    #[test]
    fn refuses_bytes_after_the_end() {
        assert!(first(&[0x04, 0x01, 7, 8]).is_err());
    }

    #[test]
    fn refuses_an_element_that_ends_early() {
        assert!(first(&[0x04, 0x03, 7, 8]).is_err());
        assert!(first(&[0x04]).is_err());
        assert!(first(&[]).is_err());
    }

    #[test]
    fn refuses_integers_with_needless_leading_octets() {
        let integer = |bytes: &'static [u8]| Elements::new(bytes, "test").integer();
        assert_eq!(integer(&[2, 2, 0, 0x80]), Ok(&[0, 0x80][..]));
        assert!(integer(&[2, 2, 0, 0x7f]).is_err());
        assert!(integer(&[2, 2, 0xff, 0x80]).is_err());
        assert!(integer(&[2, 0]).is_err());
    }

    #[test]
    fn refuses_a_negative_number_where_none_can_be() {
        assert!(Elements::new(&[2, 1, 0x80], "test").unsigned().is_err());
        assert_eq!(Elements::new(&[2, 1, 0], "test").unsigned(), Ok(&[0][..]));
        assert_eq!(
            Elements::new(&[2, 2, 0, 0x80], "test").unsigned(),
            Ok(&[0x80][..])
        );
    }

    #[test]
    fn refuses_a_bit_string_with_unused_bits() {
        assert!(
            Elements::new(&[3, 2, 1, 0xfe], "test")
                .octets_of_bits()
                .is_err()
        );
        assert!(Elements::new(&[3, 0], "test").octets_of_bits().is_err());
    }

    #[test]
    fn refuses_nesting_that_is_too_deep() {
        let mut bytes = alloc::vec![0x05, 0x00];
        for _ in 0..MAX_DEPTH {
            let mut outer = alloc::vec![0x30, u8::try_from(bytes.len()).unwrap()];
            outer.extend(&bytes);
            bytes = outer;
        }
        let deep = Element::whole(&bytes, "test").unwrap();
        assert!(deep.check("test").is_ok());
        let mut outer = alloc::vec![0x30, u8::try_from(bytes.len()).unwrap()];
        outer.extend(&bytes);
        assert!(
            Element::whole(&outer, "test")
                .unwrap()
                .check("test")
                .is_err()
        );
    }
}
