//! Names, key identifiers and digests as people read them.

use alloc::string::String;
use core::fmt;

use crate::asn1::{Element, Elements, Malformed, Tag};
use crate::oid;

/// The longest name shown, in characters.
const MAX_NAME: usize = 64;

/// Bytes in lower-case hexadecimal.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Identifies a key to people: the certificate's SubjectKeyIdentifier, or, where it has none,
/// the first 20 bytes of the SHA-256 of its SubjectPublicKeyInfo. Shown in hexadecimal.
///
/// Only ever for display: whoever makes a certificate chooses its key identifier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId {
    bytes: [u8; 32],
    len: u8,
}

impl KeyId {
    /// Keeps the first 32 of these bytes.
    pub(crate) fn new(id: &[u8]) -> Self {
        let mut bytes = [0; 32];
        let mut len = 0_u8;
        for (to, from) in bytes.iter_mut().zip(id) {
            *to = *from;
            len = len.saturating_add(1);
        }
        Self { bytes, len }
    }

    /// The identifier's bytes; none where no key is involved.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.len))
            .unwrap_or(&self.bytes)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(self.as_bytes()).fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The part of a Name (RFC 5280, 4.1.2.4) that people know it by: the last common name, else
/// the organizational unit, else the organization, else a note that there is none.
///
/// Whoever makes a certificate chooses its names, and they end up on a console: so everything
/// but printable ASCII becomes `?`, quotes too, and long ones are cut.
pub(crate) fn name(name: &[u8]) -> String {
    [
        oid::COMMON_NAME,
        oid::ORGANIZATIONAL_UNIT,
        oid::ORGANIZATION,
    ]
    .iter()
    .find_map(|wanted| attribute(name, wanted).ok().flatten())
    .map_or_else(|| String::from("(no name)"), |value| of_value(&value))
}

fn attribute<'a>(name: &'a [u8], wanted: &[u8]) -> Result<Option<Element<'a>>, Malformed> {
    let mut found = None;
    let mut sets = Elements::new(name, "Name").sequence("Name")?;
    while !sets.is_empty() {
        let mut set = sets.inside(Tag::SET, "RelativeDistinguishedName")?;
        while !set.is_empty() {
            let mut attribute = set.sequence("AttributeTypeAndValue")?;
            if attribute.oid()? == wanted {
                found = Some(attribute.any()?);
            }
        }
    }
    Ok(found)
}

/// UTF-16 (BMPString) and anything else alike: zero bytes are left out, so that ASCII text in
/// either comes out as it should.
fn of_value(value: &Element<'_>) -> String {
    let wide = value.tag == Tag::BMP_STRING;
    let bytes = value.value.iter().copied();
    printable(bytes.filter(|byte| !(wide && *byte == 0)))
}

/// Text as it may be shown: `?` for all but printable ASCII, and for quotes; cut if it is long.
pub(crate) fn printable(mut bytes: impl Iterator<Item = u8>) -> String {
    shown(&mut bytes)
}

/// One copy in the image, and not one for every kind of iterator.
fn shown(bytes: &mut dyn Iterator<Item = u8>) -> String {
    let mut text = String::new();
    for byte in bytes.take(MAX_NAME) {
        text.push(match byte {
            b'"' => '?',
            b' '..=b'~' => char::from(byte),
            _ => '?',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn common_name(tag: u8, text: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, inner: Vec<u8>| {
            let mut bytes = vec![tag, u8::try_from(inner.len()).unwrap()];
            bytes.extend(inner);
            bytes
        };
        let mut pair = vec![0x06, 0x03, 0x55, 0x04, 0x03];
        pair.extend(wrap(tag, text.to_vec()));
        wrap(0x30, wrap(0x31, wrap(0x30, pair)))
    }

    #[test]
    fn shows_the_common_name() {
        assert_eq!(name(&common_name(0x0c, b"A B")), "A B");
        assert_eq!(name(&common_name(0x1e, b"\0A\0B")), "AB");
    }

    #[test]
    fn a_name_cannot_drive_the_console() {
        assert_eq!(name(&common_name(0x0c, b"\x1b[2J\"\nx")), "?[2J??x");
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(name(&common_name(0x0c, &[b'x'; 90])).len(), MAX_NAME);
    }

    #[test]
    fn a_certificate_without_names_is_shown_as_such() {
        assert_eq!(name(&[0x30, 0x00]), "(no name)");
    }
}
