//! The fields of the DOS, COFF and optional headers, found by the offsets of "PE Format".

use super::section::SECTION_HEADER_LEN;
use super::{MAX_SECTIONS, Offsets, Pe, PeError};
use crate::reader::{Reader, u32_at};

/// `e_lfanew`, the PE header's file offset.
const E_LFANEW: usize = 0x3c;
/// The DOS header's length: nothing of the PE header may lie inside it.
const DOS_HEADER_LEN: u32 = 0x40;
const MAGIC_PE32: u16 = 0x10b;
const MAGIC_PE32_PLUS: u16 = 0x20b;
/// Length of the optional header of PE32+ before the data directories.
const OPTIONAL_FIXED_LEN: u32 = 112;
/// Offset of `CheckSum` in the optional header.
const CHECKSUM: usize = 64;
/// Length of a data directory entry: `u32` address, `u32` size.
const DIRECTORY_LEN: u32 = 8;
/// Offset of data directory entry 4, the certificate table, in the optional header.
const CERTIFICATE_DIRECTORY: usize = 112 + 4 * 8;
/// How many data directories there must be for a certificate table.
const DIRECTORIES_IF_SIGNED: u32 = 5;
/// How many data directories the specification knows.
const MAX_DIRECTORIES: u32 = 16;

/// What is needed of the headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Headers {
    pub machine: u16,
    pub sections: u16,
    pub section_alignment: u32,
    pub file_alignment: u32,
    pub size_of_image: u32,
    pub size_of_headers: u32,
    /// File offset and size of the certificate table, as they stand there.
    pub certificate_table: (u32, u32),
    pub offsets: Offsets,
}

impl Headers {
    pub fn parse(file: &[u8]) -> Result<Self, PeError> {
        let (mut reader, coff_header) = at_coff_header(file)?;
        let coff = Coff::read(&mut reader).ok_or(PeError::Truncated("COFF header"))?;
        if coff.sections == 0 || coff.sections > MAX_SECTIONS {
            return Err(PeError::SectionCount(coff.sections));
        }
        let optional_header = reader.position();
        let optional = Optional::read(&mut reader)?;
        let expected = optional_header_size(&optional)?;
        if u32::from(coff.optional_header_size) != expected {
            return Err(PeError::OptionalHeaderSize {
                stated: coff.optional_header_size,
                expected,
            });
        }
        let truncated = PeError::Truncated("optional header");
        let mut offsets = Offsets {
            coff_header,
            optional_header,
            checksum: optional_header.checked_add(CHECKSUM).ok_or(truncated)?,
            certificate_directory: None,
            section_table: optional_header
                .checked_add(coff.optional_header_size.into())
                .ok_or(truncated)?,
        };
        let mut certificate_table = (0, 0);
        if optional.directories >= DIRECTORIES_IF_SIGNED {
            let at = optional_header
                .checked_add(CERTIFICATE_DIRECTORY)
                .ok_or(truncated)?;
            certificate_table = directory(file, at).ok_or(truncated)?;
            offsets.certificate_directory = Some(at);
        }
        Ok(Headers {
            machine: coff.machine,
            sections: coff.sections,
            section_alignment: optional.section_alignment,
            file_alignment: optional.file_alignment,
            size_of_image: optional.size_of_image,
            size_of_headers: optional.size_of_headers,
            certificate_table,
            offsets,
        })
    }

    /// The section table, which must lie inside the headers, and these inside the file.
    pub fn section_table<'a>(&self, file: &'a [u8]) -> Result<&'a [u8], PeError> {
        let error = PeError::SizeOfHeaders(self.size_of_headers);
        let headers = usize::try_from(self.size_of_headers)
            .ok()
            .and_then(|len| file.get(..len))
            .ok_or(error)?;
        usize::from(self.sections)
            .checked_mul(SECTION_HEADER_LEN)
            .and_then(|len| self.offsets.section_table.checked_add(len))
            .and_then(|end| headers.get(self.offsets.section_table..end))
            .ok_or(error)
    }
}

/// A reader at the COFF header, and its file offset.
fn at_coff_header(file: &[u8]) -> Result<(Reader<'_>, usize), PeError> {
    if !Pe::recognises(file) {
        return Err(PeError::NoDosHeader);
    }
    let at = u32_at(file, E_LFANEW).ok_or(PeError::Truncated("DOS header"))?;
    if at < DOS_HEADER_LEN {
        return Err(PeError::HeaderOffset(at));
    }
    let mut reader = Reader::new(file);
    let signature: [u8; 4] = usize::try_from(at)
        .ok()
        .and_then(|at| reader.skip(at).ok())
        .and_then(|()| reader.array().ok())
        .ok_or(PeError::Truncated("PE signature"))?;
    if signature != *b"PE\0\0" {
        return Err(PeError::NoPeSignature);
    }
    Ok((reader, reader.position()))
}

fn directory(file: &[u8], at: usize) -> Option<(u32, u32)> {
    Some((u32_at(file, at)?, u32_at(file, at.checked_add(4)?)?))
}

fn optional_header_size(optional: &Optional) -> Result<u32, PeError> {
    let error = PeError::DirectoryCount(optional.directories);
    if optional.directories > MAX_DIRECTORIES {
        return Err(error);
    }
    optional
        .directories
        .checked_mul(DIRECTORY_LEN)
        .and_then(|len| len.checked_add(OPTIONAL_FIXED_LEN))
        .ok_or(error)
}

struct Coff {
    machine: u16,
    sections: u16,
    optional_header_size: u16,
}

impl Coff {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let machine = reader.u16().ok()?;
        let sections = reader.u16().ok()?;
        reader.skip(12).ok()?; // TimeDateStamp, PointerToSymbolTable, NumberOfSymbols
        let optional_header_size = reader.u16().ok()?;
        reader.skip(2).ok()?; // Characteristics
        Some(Coff {
            machine,
            sections,
            optional_header_size,
        })
    }
}

struct Optional {
    section_alignment: u32,
    file_alignment: u32,
    size_of_image: u32,
    size_of_headers: u32,
    directories: u32,
}

impl Optional {
    fn read(reader: &mut Reader<'_>) -> Result<Self, PeError> {
        let truncated = PeError::Truncated("optional header");
        match reader.u16().map_err(|_| truncated)? {
            MAGIC_PE32_PLUS => Self::read_fields(reader).ok_or(truncated),
            MAGIC_PE32 => Err(PeError::Pe32),
            magic => Err(PeError::OptionalMagic(magic)),
        }
    }

    fn read_fields(reader: &mut Reader<'_>) -> Option<Self> {
        reader.skip(30).ok()?; // linker version to ImageBase
        let section_alignment = reader.u32().ok()?;
        let file_alignment = reader.u32().ok()?;
        reader.skip(16).ok()?; // versions
        let size_of_image = reader.u32().ok()?;
        let size_of_headers = reader.u32().ok()?;
        reader.skip(44).ok()?; // CheckSum to LoaderFlags
        let directories = reader.u32().ok()?;
        Some(Optional {
            section_alignment,
            file_alignment,
            size_of_image,
            size_of_headers,
            directories,
        })
    }
}
