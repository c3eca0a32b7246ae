//! A line of a manifest, for the reader and for writers.

use super::{CommandLine, LineProblem};
use core::fmt;

/// The digest and the length of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The SHA-256 of the file.
    pub digest: [u8; 32],
    /// Its length in bytes, not 0.
    pub length: u64,
}

/// A line after the first one. Its `Display` is the line, without the line feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// What people call the manifest.
    Name(&'a str),
    /// The kernel.
    Kernel(Entry),
    /// An initrd.
    Initrd(Entry),
    /// The command line.
    CommandLine(CommandLine<'a>),
}

impl<'a> Line<'a> {
    /// Reads a line, given without its line feed.
    pub fn parse(line: &'a str) -> Result<Self, LineProblem> {
        if line == "cmdline" {
            return Ok(Line::CommandLine(CommandLine::Exact("")));
        }
        let (word, rest) = line.split_once(' ').ok_or(LineProblem::Unknown)?;
        match word {
            "name" => text(rest).map(Line::Name),
            "kernel" => Entry::parse(rest).map(Line::Kernel),
            "initrd" => Entry::parse(rest).map(Line::Initrd),
            "cmdline" => text(rest).map(CommandLine::Exact).map(Line::CommandLine),
            "cmdline-prefix" => text(rest).map(CommandLine::Prefix).map(Line::CommandLine),
            _ => Err(LineProblem::Unknown),
        }
    }
}

fn text(text: &str) -> Result<&str, LineProblem> {
    let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    let is_good = !text.is_empty() && text.trim_ascii() == text && text.bytes().all(printable);
    is_good.then_some(text).ok_or(LineProblem::Text)
}

impl Entry {
    fn parse(text: &str) -> Result<Self, LineProblem> {
        let rest = text.strip_prefix("sha256 ").ok_or(LineProblem::Algorithm)?;
        let (digest, length) = rest.split_once(' ').ok_or(LineProblem::Length)?;
        Ok(Entry {
            digest: hex(digest).ok_or(LineProblem::Digest)?,
            length: decimal(length).ok_or(LineProblem::Length)?,
        })
    }
}

fn hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair.try_into().ok()?;
        *byte = nibble(high)?.checked_shl(4)? | nibble(low)?;
    }
    Some(digest)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a')?.checked_add(10),
        _ => None,
    }
}

/// A number without sign and without leading zeros, so not 0 either.
fn decimal(text: &str) -> Option<u64> {
    let first = text.bytes().next()?;
    match first {
        b'1'..=b'9' => text.parse().ok(),
        _ => None,
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256 ")?;
        for byte in self.digest {
            write!(f, "{byte:02x}")?;
        }
        write!(f, " {}", self.length)
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Name(name) => write!(f, "name {name}"),
            Line::Kernel(entry) => write!(f, "kernel {entry}"),
            Line::Initrd(entry) => write!(f, "initrd {entry}"),
            Line::CommandLine(CommandLine::Exact("")) => f.write_str("cmdline"),
            Line::CommandLine(CommandLine::Exact(text)) => write!(f, "cmdline {text}"),
            Line::CommandLine(CommandLine::Prefix(text)) => write!(f, "cmdline-prefix {text}"),
        }
    }
}
