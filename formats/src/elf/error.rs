//! Why a file is not an ELF executable that can be booted.

use super::{MAX_PROGRAM_HEADERS, MAX_SIGNATURE_LEN, PROGRAM_HEADER_LEN};
use core::fmt;

/// What is wrong with an ELF file. Segments are named by their number in the program headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfError {
    /// Too short for its header: so many bytes.
    TooShort(usize),
    /// It doesn't begin as an ELF file does.
    Magic,
    /// Not 64-bit, not little-endian, or not version 1.
    Class,
    /// Not `ET_EXEC` or `ET_DYN`, but this `e_type`.
    Kind(u16),
    /// Not for x86-64, but this `e_machine`.
    Machine(u16),
    /// Program headers of this length.
    ProgramHeaderLength(u16),
    /// No program header, or too many.
    ProgramHeaderCount(u16),
    /// Program headers that aren't in the file, or lie in the ELF header.
    ProgramHeadersBeyondEnd,
    /// A segment's data isn't in the file.
    SegmentBeyondEnd(usize),
    /// A segment's alignment is no power of two.
    Alignment(usize, u64),
    /// A segment has more bytes in the file than in memory.
    MoreInFileThanInMemory(usize),
    /// A segment's address and length add up to more than 64 bits.
    AddressWraps(usize),
    /// Two segments overlap in physical memory.
    Overlap(usize, usize),
    /// No segment is loaded.
    NothingToLoad,
    /// It asks for an interpreter.
    Interpreter,
    /// The entry point, at this address, lies in no loaded segment.
    Entry(u64),
    /// A segment of notes has something else in it.
    Note(usize),
    /// The PVH entry point's note isn't one, is there twice, or points outside the segments.
    PvhEntry,
    /// There is more than one signature note.
    SecondSignature,
    /// The signature note holds nothing, or too many bytes: so many.
    SignatureLength(usize),
    /// The signature note's bytes are headers or other segments' bytes, too.
    SignatureOverlaps,
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ElfError::TooShort(n) => write!(f, "{n} bytes are too few for an ELF file"),
            ElfError::Magic => f.write_str("not an ELF file"),
            ElfError::Class => f.write_str("not a little-endian ELF file of version 1"),
            ElfError::Kind(n) => write!(
                f,
                "an ELF file of type {n}; executables (2 and 3) can be booted"
            ),
            ElfError::Machine(n) => {
                write!(f, "an ELF file for machine {n}; x86-64 (62) can be booted")
            }
            ElfError::ProgramHeaderLength(n) => write!(
                f,
                "its ELF program headers are {n} bytes long; {PROGRAM_HEADER_LEN} expected"
            ),
            ElfError::ProgramHeaderCount(n) => write!(
                f,
                "it has {n} ELF program headers; 1 to {MAX_PROGRAM_HEADERS} allowed"
            ),
            ElfError::ProgramHeadersBeyondEnd => {
                f.write_str("its ELF program headers are not where they can be")
            }
            ElfError::SegmentBeyondEnd(n) => {
                write!(f, "segment {n} reaches beyond the file's end")
            }
            ElfError::Alignment(n, align) => {
                write!(f, "segment {n} has alignment {align:#x}, no power of two")
            }
            ElfError::MoreInFileThanInMemory(n) => {
                write!(f, "segment {n} is longer in the file than in memory")
            }
            ElfError::AddressWraps(n) => write!(f, "segment {n} wraps around the end of memory"),
            ElfError::Overlap(a, b) => write!(f, "segments {a} and {b} overlap in memory"),
            ElfError::NothingToLoad => f.write_str("none of its segments is loaded"),
            ElfError::Interpreter => {
                f.write_str("it asks for an interpreter: a program, not a kernel")
            }
            ElfError::Entry(at) => {
                write!(f, "its entry point {at:#x} is in no loaded segment")
            }
            ElfError::Note(n) => write!(f, "segment {n} has something else than notes in it"),
            ElfError::PvhEntry => f.write_str("its note of the PVH entry point is invalid"),
            ElfError::SecondSignature => f.write_str("it has more than one signature note"),
            ElfError::SignatureLength(n) => write!(
                f,
                "its signature note has {n} bytes; 1 to {MAX_SIGNATURE_LEN} allowed"
            ),
            ElfError::SignatureOverlaps => {
                f.write_str("its signature note's bytes are used for something else, too")
            }
        }
    }
}

impl core::error::Error for ElfError {}
