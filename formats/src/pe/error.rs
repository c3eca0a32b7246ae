//! Why a file is not a PE image that [`Pe`](super::Pe) accepts.

use core::fmt;

/// What is wrong with a PE file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeError {
    /// The file ends inside the named structure.
    Truncated(&'static str),
    /// No `MZ` at the start.
    NoDosHeader,
    /// `e_lfanew` points into the DOS header.
    HeaderOffset(u32),
    /// No `PE\0\0` where `e_lfanew` points.
    NoPeSignature,
    /// A 32-bit image (PE32).
    Pe32,
    /// The optional header's magic is none of PE's.
    OptionalMagic(u16),
    /// `NumberOfRvaAndSizes` is over 16.
    DirectoryCount(u32),
    /// `SizeOfOptionalHeader` doesn't go with the number of data directories.
    OptionalHeaderSize {
        /// What the COFF header says, in bytes.
        stated: u16,
        /// What it must be, in bytes.
        expected: u32,
    },
    /// No section, or more than [`MAX_SECTIONS`](super::MAX_SECTIONS).
    SectionCount(u16),
    /// `SizeOfHeaders` doesn't include the section table, or is longer than the signed bytes.
    SizeOfHeaders(u32),
    /// A section's data begins before the end of what precedes it: the headers or a section.
    SectionOverlaps(u16),
    /// Bytes between the section's data and what precedes it would be in no digest.
    SectionLeavesGap(u16),
    /// A section's data reaches beyond the end of the file or into the certificate table.
    SectionBeyondEnd(u16),
    /// The certificate directory entry has an offset or a size, but not both.
    CertificateDirectory,
    /// The certificate table's file offset is not a multiple of 8, or lies in the headers.
    CertificateTableOffset(u32),
    /// The certificate table doesn't end where the file ends.
    CertificateTableEnd {
        /// The file offset where it ends.
        end: u64,
        /// The file's length.
        file: u64,
    },
    /// An entry of the certificate table is malformed.
    Certificate {
        /// Its number, from 0.
        index: usize,
        /// What is wrong.
        problem: CertificateError,
    },
}

/// What is wrong with an entry of the certificate table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateError {
    /// Its header or its data reaches beyond the table.
    Truncated,
    /// The stated length leaves no room for data.
    Length(u32),
    /// The padding to 8 bytes is missing, or not zero.
    Padding,
}

impl fmt::Display for PeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeError::Truncated(what) => write!(f, "the file ends inside its {what}"),
            PeError::NoDosHeader => f.write_str("not a PE file: no MZ at its start"),
            PeError::HeaderOffset(at) => {
                write!(f, "the PE header's offset {at:#x} is in the DOS header")
            }
            PeError::NoPeSignature => f.write_str("not a PE file: no PE signature"),
            PeError::Pe32 => f.write_str("a 32-bit PE file; only PE32+ is accepted"),
            PeError::OptionalMagic(magic) => {
                write!(f, "unknown magic {magic:#x} of the PE optional header")
            }
            PeError::DirectoryCount(n) => write!(f, "{n} PE data directories; 16 at most"),
            PeError::OptionalHeaderSize { stated, expected } => write!(
                f,
                "PE optional header of {stated} bytes; its data directories make it {expected}"
            ),
            PeError::SectionCount(n) => {
                write!(f, "{n} PE sections; 1 to {} allowed", super::MAX_SECTIONS)
            }
            PeError::SizeOfHeaders(n) => write!(f, "the PE headers can't be {n} bytes long"),
            PeError::SectionOverlaps(i) => {
                write!(f, "PE section {i} overlaps what precedes it in the file")
            }
            PeError::SectionLeavesGap(i) => {
                write!(f, "bytes before PE section {i} that no digest covers")
            }
            PeError::SectionBeyondEnd(i) => {
                write!(
                    f,
                    "PE section {i} reaches beyond the end of the signed bytes"
                )
            }
            PeError::CertificateDirectory => {
                f.write_str("the PE certificate directory has an offset or a size, not both")
            }
            PeError::CertificateTableOffset(at) => {
                write!(f, "the PE certificate table can't be at offset {at:#x}")
            }
            PeError::CertificateTableEnd { end, file } => write!(
                f,
                "the PE certificate table ends at {end:#x}, the file at {file:#x}"
            ),
            PeError::Certificate { index, problem } => {
                write!(f, "signature {index}: {problem}")
            }
        }
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateError::Truncated => f.write_str("it reaches beyond the certificate table"),
            CertificateError::Length(n) => write!(f, "its length {n} leaves no room for data"),
            CertificateError::Padding => f.write_str("its padding is missing or not zero"),
        }
    }
}

impl core::error::Error for PeError {}
impl core::error::Error for CertificateError {}
