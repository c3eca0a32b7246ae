//! BER (ITU-T X.690), as lib/asn1_decoder.c in Linux reads it: lengths may be longer than they need be, or indefinite.

use super::{Refusal, refused};
use baton_sys::kexec_error::errno::EBADMSG;

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OID: u8 = 0x06;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// The tag `[number]` of a constructed element.
pub const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// How deep elements of indefinite length may nest.
const DEPTH: u8 = 16;

/// An element.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    pub tag: u8,
    pub value: &'a [u8],
    /// With its tag and length.
    pub raw: &'a [u8],
}

/// Elements, one after another.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'a>(pub &'a [u8]);

impl<'a> Element<'a> {
    /// What is inside it.
    pub fn elements(&self) -> Elements<'a> {
        Elements(self.value)
    }
}

impl<'a> Elements<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next one, whatever it is. One of indefinite length that doesn't end has all that follows in it: the decoder
    /// looks at what is inside first, and misses the end last ([`is_whole`]).
    pub fn any(&mut self) -> Result<Element<'a>, Refusal> {
        let found = split(self.0, DEPTH).or_else(|| endless(self.0));
        let (element, rest) = found.ok_or_else(malformed)?;
        self.0 = rest;
        Ok(element)
    }

    /// The next one, which must have this tag.
    pub fn expect(&mut self, tag: u8) -> Result<Element<'a>, Refusal> {
        self.optional(tag)?.ok_or_else(malformed)
    }

    /// The next one, if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Refusal> {
        if self.0.first() == Some(&tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }

    /// What is inside the next one, which must have this tag.
    pub fn inside(&mut self, tag: u8) -> Result<Elements<'a>, Refusal> {
        Ok(self.expect(tag)?.elements())
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), Refusal> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(malformed())
        }
    }
}

/// Whether the element that these bytes begin with ends.
pub fn is_whole(bytes: &[u8]) -> bool {
    split(bytes, DEPTH).is_some()
}

fn endless(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, contents) = bytes.split_first()?;
    let element = Element {
        tag,
        value: contents.strip_prefix(&[0x80])?,
        raw: bytes,
    };
    (tag & 0x1f != 0x1f).then_some((element, &[]))
}

/// EBADMSG, which the decoder returns whatever is wrong.
pub fn malformed() -> Refusal {
    refused(EBADMSG)
}

fn split(bytes: &[u8], depth: u8) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after_tag) = bytes.split_first()?;
    // Tags of several octets aren't read.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, rest) = after_tag.split_first()?;
    let (value, after) = match first {
        0..=0x7f => rest.split_at_checked(first.into())?,
        0x80 => return indefinite(bytes, tag, rest, depth),
        _ => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if octets.len() > 4 {
                return None;
            }
            let len = octets
                .iter()
                .fold(0, |len: usize, octet| len << 8 | usize::from(*octet));
            rest.split_at_checked(len)?
        }
    };
    let raw = bytes.get(..bytes.len() - after.len())?;
    Some((Element { tag, value, raw }, after))
}

/// Of indefinite length: up to the two zeros that end it.
fn indefinite<'a>(
    bytes: &'a [u8],
    tag: u8,
    contents: &'a [u8],
    depth: u8,
) -> Option<(Element<'a>, &'a [u8])> {
    let depth = depth.checked_sub(1)?;
    let mut rest = contents;
    while !rest.starts_with(&[0, 0]) {
        (_, rest) = split(rest, depth)?;
    }
    let value = contents.get(..contents.len() - rest.len())?;
    let after = rest.get(2..)?;
    let raw = bytes.get(..bytes.len() - after.len())?;
    Some((Element { tag, value, raw }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_form_are_read() {
        for bytes in [
            &[4, 1, 7][..],
            &[4, 0x81, 1, 7],
            &[4, 0x82, 0, 1, 7],
            &[0x24, 0x80, 4, 1, 7, 0, 0],
        ] {
            let element = Elements(bytes).any().unwrap();
            assert_eq!(element.raw, bytes);
            assert!(element.value.ends_with(&[7]));
        }
    }

    #[test]
    fn what_ends_too_early_is_malformed_at_every_length() {
        let whole = [0x30, 0x80, 0x30, 0x82, 0, 3, 4, 1, 7, 2, 1, 1, 0, 0];
        assert!(Elements(&whole).any().is_ok() && is_whole(&whole));
        for len in 0..whole.len() {
            assert!(!is_whole(&whole[..len]), "{len}");
        }
        let definite = &whole[2..9];
        for len in 0..definite.len() {
            let error = Elements(&definite[..len]).any().unwrap_err();
            assert_eq!(error.error.name(), "EBADMSG", "{len}");
        }
        assert!(!is_whole(&[0x30, 0x80].repeat(1000)));
    }
}
