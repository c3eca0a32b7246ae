//! Why text is not a manifest.

use super::{FIRST_LINE, MAX_INITRDS, MAX_LEN};
use core::fmt;

/// What is wrong with a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestError {
    /// Longer than a manifest may be: so many bytes.
    TooLong(usize),
    /// At this offset there is something else than printable ASCII and line feeds.
    Character(usize),
    /// The first line isn't a manifest's of this version.
    FirstLine,
    /// The last line doesn't end with a line feed.
    NoLineFeed,
    /// A line is refused.
    Line {
        /// Its number, from 1.
        number: usize,
        /// Why.
        problem: LineProblem,
    },
    /// Neither a kernel nor an initrd is in it.
    ListsNothing,
}

/// What is wrong with a line of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineProblem {
    /// It doesn't begin with a word that this program knows, and a space.
    Unknown,
    /// There may be one of its kind only, and one is before it.
    Twice,
    /// There are more of its kind than there may be.
    TooMany,
    /// Its text is empty, or begins or ends with a space.
    Text,
    /// Its digest isn't said to be SHA-256.
    Algorithm,
    /// Its digest isn't 64 lower-case hexadecimal digits.
    Digest,
    /// Its length isn't a decimal number greater than 0.
    Length,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ManifestError::TooLong(n) => {
                write!(f, "{n} bytes are more than the {MAX_LEN} of a manifest")
            }
            ManifestError::Character(at) => write!(
                f,
                "byte {at} is neither printable ASCII nor a line feed (write it as plain text)"
            ),
            ManifestError::FirstLine => write!(f, "its first line isn't \"{FIRST_LINE}\""),
            ManifestError::NoLineFeed => {
                f.write_str("its last line doesn't end with a line feed (it may be cut off)")
            }
            ManifestError::Line { number, problem } => write!(f, "line {number} {problem}"),
            ManifestError::ListsNothing => f.write_str("it lists neither a kernel nor an initrd"),
        }
    }
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineProblem::Unknown => f.write_str(
                "is of no known kind (name, kernel, initrd, cmdline and cmdline-prefix are)",
            ),
            LineProblem::Twice => f.write_str("is a second one of its kind"),
            LineProblem::TooMany => write!(
                f,
                "is one initrd too many: {MAX_INITRDS} allowed (join some into one)"
            ),
            LineProblem::Text => f.write_str("has no text, or a space too many"),
            LineProblem::Algorithm => f.write_str("has a digest that isn't sha256"),
            LineProblem::Digest => f.write_str("has a digest that isn't 64 lower-case hex digits"),
            LineProblem::Length => f.write_str("has a length that isn't a decimal number above 0"),
        }
    }
}

impl core::error::Error for ManifestError {}
impl core::error::Error for LineProblem {}
