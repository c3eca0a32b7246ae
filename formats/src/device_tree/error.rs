//! Why bytes are not a device tree that can be read.

use core::fmt;

/// What is wrong with a flattened device tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceTreeError {
    /// It doesn't begin with 0xd00dfeed.
    Magic,
    /// Written by a version that 17 can't read, or older than 17.
    Version(u32),
    /// It ends before what its header says is there.
    CutOff(&'static str),
    /// A block doesn't begin where it must: at a multiple of 8 bytes for reservations, of 4 for the structure.
    Alignment(&'static str),
    /// The token at this offset of the structure is none, or stands where it can't.
    Token(usize),
    /// A name at this offset of the structure doesn't end, or is none.
    Name(usize),
    /// Nodes lie in each other more than [`MAX_DEPTH`](super::MAX_DEPTH) deep.
    TooDeep,
    /// A node has two properties, or two nodes, of one name: whoever reads the first takes it for something else
    /// than whoever reads the last.
    Twice(&'static str),
    /// A property hasn't the length that its kind has.
    Length(&'static str),
}

impl fmt::Display for DeviceTreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => write!(f, "it doesn't begin as a device tree does"),
            Self::Version(version) => write!(f, "its version is {version}, not 17"),
            Self::CutOff(what) => write!(f, "its {what} lies outside of it"),
            Self::Alignment(what) => write!(f, "its {what} isn't aligned"),
            Self::Token(at) => write!(
                f,
                "at {at:#x} of its structure there is no token that can be"
            ),
            Self::Name(at) => write!(f, "at {at:#x} of its structure there is no name"),
            Self::TooDeep => write!(f, "its nodes are nested too deep"),
            Self::Twice(name) => write!(f, "it has {name} twice"),
            Self::Length(name) => write!(f, "its {name} hasn't the length that it must have"),
        }
    }
}

impl core::error::Error for DeviceTreeError {}
