//! Strict DER (ITU-T X.690), one element at a time, over borrowed bytes.
//!
//! Lengths are definite and in their shortest form, and every structure must be used up to its last
//! byte.

pub mod oid;

use core::fmt;

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

/// An identifier octet (X.690, 8.1.2): class, whether it is constructed, and a number up to 30.
/// Nothing that is read here has a higher number, which would take more octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(u8);

/// The tag `[number]` of a constructed element.
pub(crate) const fn constructed(number: u8) -> Tag {
    Tag(0xa0 | number)
}

/// The tag `[number]` of a primitive element.
pub(crate) const fn primitive(number: u8) -> Tag {
    Tag(0x80 | number)
}

impl Tag {
    pub(crate) const BOOLEAN: Self = Self(0x01);
    pub(crate) const INTEGER: Self = Self(0x02);
    pub(crate) const BIT_STRING: Self = Self(0x03);
    pub(crate) const OCTET_STRING: Self = Self(0x04);
    pub(crate) const NULL: Self = Self(0x05);
    pub(crate) const OBJECT_IDENTIFIER: Self = Self(0x06);
    pub(crate) const TELETEX_STRING: Self = Self(0x14);
    pub(crate) const UTC_TIME: Self = Self(0x17);
    pub(crate) const GENERALIZED_TIME: Self = Self(0x18);
    pub(crate) const UNIVERSAL_STRING: Self = Self(0x1c);
    pub(crate) const BMP_STRING: Self = Self(0x1e);
    pub(crate) const SEQUENCE: Self = Self(0x30);
    pub(crate) const SET: Self = Self(0x31);

    fn read(octet: u8) -> Option<Self> {
        match octet {
            // The universal types, primitive or constructed as DER has each (X.680, 8.4).
            0x01..=0x06 | 0x09 | 0x0a | 0x0c | 0x0d | 0x12..=0x1c | 0x1e | 0x30 | 0x31 => {}
            0x40.. if octet & 0x1f != 0x1f => {}
            _ => return None,
        }
        Some(Self(octet))
    }

    const fn is_constructed(self) -> bool {
        self.0 & 0x20 != 0
    }
}

impl<'a> Elements<'a> {
    /// Reads the elements in `bytes`; `what` names the structure they make up, for errors.
    #[inline(never)] // Called in many places.
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
        self.inside(Tag::SEQUENCE, what)
    }

    /// The contents of an OBJECT IDENTIFIER.
    pub(crate) fn oid(&mut self) -> Result<&'a [u8], Malformed> {
        let value = self.expect(Tag::OBJECT_IDENTIFIER)?.value;
        if value.is_empty() {
            return Err(self.malformed());
        }
        Ok(value)
    }

    /// The contents of an INTEGER in its shortest form.
    pub(crate) fn integer(&mut self) -> Result<&'a [u8], Malformed> {
        let value = self.expect(Tag::INTEGER)?.value;
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
        match self.expect(Tag::BIT_STRING)?.value {
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
    let (octet, rest) = bytes.split_first()?;
    let tag = Tag::read(*octet)?;
    let (len, rest) = length(rest)?;
    let (value, rest) = rest.split_at_checked(len)?;
    let raw = bytes.get(..bytes.len().checked_sub(rest.len())?)?;
    Some((Element { tag, value, raw }, rest))
}

/// A length in its shortest form (X.690, 8.1.3 and 10.1), of four octets at most.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let octets = match first {
        0..=0x7f => return Some((usize::from(*first), rest)),
        0x81..=0x84 => usize::from(*first & 0x7f),
        _ => return None,
    };
    let (octets, rest) = rest.split_at_checked(octets)?;
    let len = octets
        .iter()
        .fold(0, |len, octet| len << 8 | usize::from(*octet));
    let shortest = len > 0x7f && octets.first() != Some(&0);
    shortest.then_some((len, rest))
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
        assert_eq!(element.tag, Tag::OCTET_STRING);
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
    fn reads_lengths_of_one_to_four_octets() {
        for (header, len) in [
            (&[0x04, 0x7f][..], 0x7f),
            (&[0x04, 0x81, 0x80], 0x80),
            (&[0x04, 0x82, 0x01, 0x00], 0x100),
            (&[0x04, 0x83, 0x01, 0x00, 0x00], 0x1_0000),
            (&[0x04, 0x84, 0x01, 0x00, 0x00, 0x00], 0x100_0000),
        ] {
            let mut bytes = header.to_vec();
            bytes.resize(header.len() + len, 7);
            assert_eq!(first(&bytes).map(<[u8]>::len), Ok(len));
        }
        assert!(first(&[0x04, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00]).is_err());
        assert!(first(&[0x04, 0xff]).is_err());
    }

    #[test]
    fn refuses_tags_that_der_does_not_have() {
        let read = |tag: u8| first(&[tag, 0]).is_ok();
        // End of contents, reserved ones, and numbers that take more octets in each class.
        for tag in [0x00, 0x0f, 0x1f, 0x3f, 0x5f, 0x9f, 0xbf, 0xff] {
            assert!(!read(tag), "{tag:#x}");
        }
        // Strings in pieces; SEQUENCE and SET that are primitive.
        for tag in [0x23, 0x24, 0x2c, 0x33, 0x10, 0x11] {
            assert!(!read(tag), "{tag:#x}");
        }
        for tag in [0x01, 0x06, 0x0c, 0x13, 0x17, 0x1e, 0x30, 0x31, 0x80, 0xa3] {
            assert!(read(tag), "{tag:#x}");
        }
    }

    /// Where an element's contents begin and how long they are, as the `der` crate reads it.
    fn as_der_reads(bytes: &[u8]) -> Option<(usize, usize)> {
        use der::{Decode, Header, Reader, SliceReader};
        let mut reader = SliceReader::new(bytes).ok()?;
        let header = Header::decode(&mut reader).ok()?;
        let begin = usize::try_from(reader.position()).ok()?;
        let value = reader.read_slice(header.length()).ok()?;
        Some((begin, value.len()))
    }

    #[test]
    fn reads_headers_as_another_implementation_does() {
        // GraphicString and UniversalString, which it doesn't know.
        let unknown_there = [0x19, 0x1c];
        let takes_more_octets = |tag: u8| tag & 0x1f == 0x1f;
        for tag in (0..=255).filter(|tag| !takes_more_octets(*tag) && !unknown_there.contains(tag))
        {
            for first in 0..=255 {
                for second in [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff] {
                    let mut bytes = alloc::vec![tag, first, second];
                    bytes.resize(0x210, 0x01);
                    let ours = split(&bytes).map(|(element, _)| {
                        let (whole, inside) = (element.raw.len(), element.value.len());
                        (whole - inside, inside)
                    });
                    assert_eq!(ours, as_der_reads(&bytes), "{:x?}", &bytes[..3]);
                }
            }
        }
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
