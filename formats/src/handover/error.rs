//! Why bytes are not a handover, and why records can't be made into one.

use super::MAX_RECORDS;
use core::fmt;

/// What is wrong with a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoverError {
    /// Shorter than the header page: so many bytes.
    TooShort(usize),
    /// It doesn't begin as a handover does.
    Magic,
    /// A version of the layout that this program doesn't know.
    Version(u32),
    /// No record, or too many.
    RecordCount(u32),
    /// The stated total length isn't the blob's, or no multiple of 4096.
    Length {
        /// What the header says, in bytes.
        stated: u64,
        /// How long the blob is, in bytes.
        actual: usize,
    },
    /// Flags that this program doesn't know.
    Flags(u32),
    /// Bytes of the header page that must be zero aren't.
    HeaderNotZero,
    /// A record is refused.
    Record {
        /// Its number in the table, from 0.
        index: usize,
        /// Why.
        problem: RecordProblem,
    },
    /// Bytes are left after the last record's padding.
    TrailingBytes {
        /// Where the last record's padding ends.
        end: u64,
    },
    /// No record is a kernel image.
    NoKernel,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordProblem {
    /// Its kind is unknown to this program.
    Kind(u32),
    /// Its flags are unknown to this program.
    Flags(u32),
    /// Its reserved field isn't zero.
    Reserved,
    /// It has no bytes.
    Empty,
    /// Its bytes don't begin directly after the record before: an overlap or a gap.
    Offset {
        /// What the table says.
        stated: u64,
        /// Where they must begin.
        expected: u64,
    },
    /// Its bytes or their padding reach beyond the end of the blob.
    BeyondEnd,
    /// The padding after its bytes isn't zero.
    Padding,
    /// It is a kernel image, and there is one before it.
    SecondKernel,
    /// It is a manifest, and there is one before it.
    SecondManifest,
    /// Its kind doesn't come after that of the record before it.
    OutOfOrder,
    /// It is a signature of a record of this number, which isn't there, is a signature or
    /// an addon itself, or isn't higher than the signature's before it.
    Subject(u32),
}

/// Why records can't be laid out as a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// No record, or too many.
    RecordCount(usize),
    /// Flags that the layout doesn't have.
    Flags(u32),
    /// A record would be refused.
    Record {
        /// Its number, from 0.
        index: usize,
        /// Why.
        problem: RecordProblem,
    },
    /// The lengths don't fit 64 bits.
    TooLong,
    /// None of the records is a kernel image.
    NoKernel,
}

impl fmt::Display for HandoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandoverError::TooShort(n) => {
                write!(f, "{n} bytes are less than its header")
            }
            HandoverError::Magic => f.write_str("it doesn't begin as a handover does"),
            HandoverError::Version(n) => write!(
                f,
                "its version is {n}, this gate knows {} (use baton and a gate of the same release)",
                super::VERSION
            ),
            HandoverError::RecordCount(n) => {
                write!(f, "{n} records; 1 to {MAX_RECORDS} allowed")
            }
            HandoverError::Length { stated, actual } => write!(
                f,
                "it says it is {stated} bytes long, and {actual} are there (both must be the same multiple of 4096)"
            ),
            HandoverError::Flags(flags) => write!(f, "it has unknown flags {flags:#x}"),
            HandoverError::HeaderNotZero => {
                f.write_str("unused bytes of its header page are not zero")
            }
            HandoverError::Record { index, problem } => write!(f, "record {index} {problem}"),
            HandoverError::TrailingBytes { end } => {
                write!(f, "bytes after its last record's end at {end:#x}")
            }
            HandoverError::NoKernel => f.write_str("no record is a kernel image"),
        }
    }
}

impl fmt::Display for RecordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordProblem::Kind(kind) => write!(f, "has unknown kind {kind}"),
            RecordProblem::Flags(flags) => write!(f, "has unknown flags {flags:#x}"),
            RecordProblem::Reserved => f.write_str("has a reserved field that is not zero"),
            RecordProblem::Empty => f.write_str("is empty"),
            RecordProblem::Offset { stated, expected } => {
                write!(f, "begins at {stated:#x} instead of {expected:#x}")
            }
            RecordProblem::BeyondEnd => f.write_str("reaches beyond the handover's end"),
            RecordProblem::Padding => f.write_str("is followed by padding that is not zero"),
            RecordProblem::SecondKernel => f.write_str("is a second kernel image"),
            RecordProblem::SecondManifest => f.write_str("is a second manifest"),
            RecordProblem::OutOfOrder => f.write_str(
                "is out of order (kernel image, initrds, addons, manifest, signatures is the order)",
            ),
            RecordProblem::Subject(n) => {
                write!(f, "is a signature of record {n}, which isn't allowed")
            }
        }
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutError::RecordCount(n) => write!(
                f,
                "{n} records don't make a handover: 1 to {MAX_RECORDS} do (join initrds into one)"
            ),
            LayoutError::Flags(flags) => write!(f, "unknown flags {flags:#x}"),
            LayoutError::Record { index, problem } => write!(f, "record {index} {problem}"),
            LayoutError::TooLong => f.write_str("the records are too long together"),
            LayoutError::NoKernel => f.write_str("no kernel image; a handover has exactly one"),
        }
    }
}

impl core::error::Error for HandoverError {}
impl core::error::Error for RecordProblem {}
impl core::error::Error for LayoutError {}
