//! A command line in a section, as systemd-stub hands it to the kernel (`mangle_stub_cmdline` in
//! src/boot/util.c of systemd): what surrounds it is dropped, and control characters within are spaces.

use core::fmt::{self, Write as _};

/// A command line: UTF-8 without control characters, which may be empty. Its bytes may lie otherwise in
/// the image: there each of these spaces may be a tab, a line's end or another control character.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    /// Neither begins nor ends with what is dropped, and holds no NUL.
    text: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a section's contents: a C string, after which nothing but NULs and white space may follow,
    /// so that no reader can miss a part of the line. `None` if it isn't one, or not UTF-8.
    pub(super) fn read(data: &'a [u8]) -> Option<Self> {
        let len = data.iter().position(|byte| *byte == 0);
        let (line, rest) = data.split_at_checked(len.unwrap_or(data.len()))?;
        if !rest.iter().copied().all(is_space) {
            return None;
        }
        let text = core::str::from_utf8(line).ok()?;
        Some(Line {
            text: text.trim_matches(|c: char| c.is_ascii() && is_space(c as u8)),
        })
    }

    /// Its characters.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        self.text
            .chars()
            .map(|c| if c.is_ascii_control() { ' ' } else { c })
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// What systemd-stub takes for white space: all of ASCII's control characters, and the space.
fn is_space(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_control()
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| f.write_char(c))
    }
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl PartialEq for Line<'_> {
    fn eq(&self, other: &Line<'_>) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for Line<'_> {}

impl PartialEq<&str> for Line<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.chars().eq(other.chars())
    }
}
