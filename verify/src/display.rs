//! Names, key identifiers and digests as people read them.

use alloc::string::String;
use core::fmt;

use crate::der::oid;
use crate::der::{Element, Elements, Malformed, Tag};

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
/// Whoever makes a certificate chooses its names, and they end up on a console: so what isn't shown as
/// itself becomes `?` ([`is_shown`]), and long ones are cut. The gate's console has ASCII alone, and
/// sees to that itself.
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

/// A DirectoryString (RFC 5280, 4.1.2.4), or one of the kinds that are in use besides.
fn of_value(value: &Element<'_>) -> String {
    let bytes = value.value;
    let as_u16 = |pair: &[u8]| pair.iter().fold(0, |n, byte| n << 8 | u16::from(*byte));
    let as_u32 = |four: &[u8]| four.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
    match value.tag {
        Tag::BMP_STRING => name_of(
            &mut char::decode_utf16(bytes.chunks(2).map(as_u16))
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)),
        ),
        Tag::UNIVERSAL_STRING => name_of(
            &mut bytes
                .chunks(4)
                .map(|four| char::from_u32(as_u32(four)).unwrap_or(char::REPLACEMENT_CHARACTER)),
        ),
        // Which everybody takes for Latin-1.
        Tag::TELETEX_STRING => name_of(&mut bytes.iter().copied().map(char::from)),
        _ => name_of(&mut bytes.utf8_chunks().flat_map(|chunk| {
            let broken = !chunk.invalid().is_empty();
            let broken = broken.then_some(char::REPLACEMENT_CHARACTER);
            chunk.valid().chars().chain(broken)
        })),
    }
}

fn name_of(chars: &mut dyn Iterator<Item = char>) -> String {
    let mut text = String::new();
    for c in chars.take(MAX_NAME) {
        text.push(if is_shown(c) { c } else { '?' });
    }
    text
}

/// Whether a character of a name may be shown as itself: not what drives a console, hides, turns the
/// direction of the text around or has no agreed look, and no quote, since names stand in quotes.
#[must_use]
pub fn is_shown(c: char) -> bool {
    match c {
        '"' | char::REPLACEMENT_CHARACTER => false,
        ' '..='~' => true,
        // Format characters (Cf of the Unicode Standard, 16.0), marks of direction among them;
        // private use; what is no character.
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' => false,
        '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}' => false,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' => false,
        '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}' => false,
        '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' => false,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}' => false,
        c => !c.is_control() && !c.is_whitespace(),
    }
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
    use alloc::format;
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
    fn shows_names_in_every_kind_of_string_there_is() {
        let kinds: [(u8, &[u8], &str); 8] = [
            (
                0x0c,
                "Kernel – Schlüssel ✓".as_bytes(),
                "Kernel – Schlüssel ✓",
            ),
            (0x13, b"Printable", "Printable"),
            (0x16, b"ia5@example.org", "ia5@example.org"),
            (0x14, b"Schl\xfcssel", "Schlüssel"),
            (0x1e, b"\x20\x13\x04\x16\xd8\x3d\xdd\x11", "–Ж🔑"),
            (0x1c, b"\0\0\0A\0\x01\xf5\x11", "A🔑"),
            // As some write into strings of ASCII.
            (0x13, "Schlüssel".as_bytes(), "Schlüssel"),
            (0x1a, b"visible", "visible"),
        ];
        for (tag, bytes, expected) in kinds {
            assert_eq!(name(&common_name(tag, bytes)), expected, "{tag:#x}");
        }
    }

    #[test]
    fn what_is_no_text_of_its_kind_is_shown_as_such() {
        for (tag, bytes, expected) in [
            (0x0c, &b"a\xffb\xc3"[..], "a?b?"),
            (0x1e, b"\xd8\x3d\0A\0", "?A?"),
            (0x1c, b"\0\x11\0\0\0\0\xd8\0\0", "???"),
        ] {
            assert_eq!(name(&common_name(tag, bytes)), expected, "{tag:#x}");
        }
    }

    #[test]
    fn what_hides_or_turns_text_around_is_not_shown() {
        for c in [
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{ad}',
            '\u{2028}',
            '\u{85}',
            '\u{9b}',
            '\u{feff}',
            '\u{e000}',
            '\u{e0041}',
            '\u{3000}',
            '\u{a0}',
        ] {
            let text = format!("a{c}b");
            assert_eq!(name(&common_name(0x0c, text.as_bytes())), "a?b", "{c:?}");
        }
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
