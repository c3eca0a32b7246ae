//! PE/COFF images, as UEFI and `kexec_file_load` know them: PE32+ with an Authenticode signature.
//!
//! This is the one PE walker of the project: whoever hashes, reads sections or signatures does it
//! through [`Pe`]. It is strict where readers of PE files are known to differ, so that "what was
//! signed" has one meaning. Every byte of an accepted file is either covered by the Authenticode
//! digest or one of the three things that a signature can't cover: the `CheckSum` field, the
//! certificate table's directory entry, and the certificate table. To that end:
//!
//! - sections with file data lie one after another, from the end of the headers on, in any order
//!   in the table; none overlaps another, the headers or the certificate table, and there is no
//!   gap between them (the specification hashes no gaps, and hashes overlaps twice);
//! - bytes after the last section and before the certificate table are hashed;
//! - the certificate table is 8-aligned and ends where the file ends;
//! - the section table lies inside the headers (`SizeOfHeaders`), directly after an optional header
//!   of exactly `112 + 8 * NumberOfRvaAndSizes` bytes (Linux looks there for it, other readers go
//!   by `SizeOfOptionalHeader`).
//!
//! Not judged: alignments of sections, their addresses, the entry point, `CheckSum` (a signature
//! makes it pointless), and whether the machine type is one that can run here ([`Pe::machine`]).
//!
//! Sources: Microsoft, "PE Format" and "Windows Authenticode Portable Executable Signature Format"
//! (2008); `crypto/asymmetric_keys/verify_pefile.c` in Linux.

mod certificate;
mod coverage;
mod error;
mod headers;
mod section;

#[cfg(test)]
mod tests;

pub use certificate::{CertificateIter, WIN_CERT_REVISION_2, WIN_CERT_TYPE_PKCS, WinCertificate};
pub use error::{CertificateError, PeError};
pub use section::{SECTION_HEADER_LEN, Section, Sections};

use crate::magic::Magic;
use crate::reader::is_zero;
use core::ops::Range;
use headers::Headers;

/// `IMAGE_FILE_MACHINE_AMD64`, the machine type of x86-64 images.
pub const MACHINE_AMD64: u16 = 0x8664;

/// The most sections an image may have: the limit of the Windows loader ("PE Format", "COFF File
/// Header"); Linux images have about ten.
pub const MAX_SECTIONS: u16 = 96;

/// Where things that a tool may want to change lie in the file, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offsets {
    /// The COFF file header (20 bytes), directly after the `PE\0\0` signature.
    pub coff_header: usize,
    /// The optional header.
    pub optional_header: usize,
    /// `CheckSum`, 4 bytes, in no digest.
    pub checksum: usize,
    /// Data directory entry 4 (the certificate table's `u32` file offset and `u32` size), in no
    /// digest; `None` where there are fewer than five directory entries.
    pub certificate_directory: Option<usize>,
    /// The section table.
    pub section_table: usize,
}

/// A PE32+ image whose layout has been checked as the module says.
#[derive(Clone, Copy, Debug)]
pub struct Pe<'a> {
    headers: Headers,
    file: &'a [u8],
    section_table: &'a [u8],
    certificates: Option<&'a [u8]>,
    signed_len: usize,
    sections_end: usize,
    digest_parts: [&'a [u8]; 4],
}

impl<'a> Pe<'a> {
    /// Whether `file` begins as a PE image does.
    pub fn recognises(file: &[u8]) -> bool {
        Magic::Pe.begins(file)
    }

    /// Checks the whole layout of `file`, which must be a complete PE file.
    pub fn parse(file: &'a [u8]) -> Result<Self, PeError> {
        let headers = Headers::parse(file)?;
        let section_table = headers.section_table(file)?;
        let certificates = coverage::certificate_table(file, &headers)?;
        let signed_len = file
            .len()
            .saturating_sub(certificates.map_or(0, <[u8]>::len));
        let sections_end =
            coverage::check_sections(section_table, headers.size_of_headers, signed_len)?;
        Ok(Pe {
            digest_parts: coverage::digest_parts(file, &headers, signed_len)?,
            headers,
            file,
            section_table,
            certificates,
            signed_len,
            sections_end,
        })
    }

    /// The PE file that `bytes` are or begin with, checked as by [`Pe::parse`]: where nothing but zeros
    /// follows its certificate table, or, in an unsigned file, its last section, they don't belong to it.
    /// What holds a PE file within itself may have put them there.
    pub fn without_padding(bytes: &'a [u8]) -> Result<&'a [u8], PeError> {
        let headers = Headers::parse(bytes)?;
        let end = match headers.certificate_table {
            (0, 0) => Some(Pe::parse(bytes)?.sections_end),
            (offset, size) => offset
                .checked_add(size)
                .and_then(|end| usize::try_from(end).ok()),
        };
        let file = match end.and_then(|end| bytes.split_at_checked(end)) {
            Some((file, rest)) if is_zero(rest) => file,
            _ => bytes,
        };
        Pe::parse(file).map(|_| file)
    }

    /// The machine type, [`MACHINE_AMD64`] for x86-64. Any is accepted.
    pub fn machine(&self) -> u16 {
        self.headers.machine
    }

    /// How many bytes the image takes in memory.
    pub fn size_of_image(&self) -> u32 {
        self.headers.size_of_image
    }

    /// How many bytes the headers take in the file; the first section's data begins there.
    pub fn size_of_headers(&self) -> u32 {
        self.headers.size_of_headers
    }

    /// `SectionAlignment`: of sections in memory, in bytes, unchecked.
    pub fn section_alignment(&self) -> u32 {
        self.headers.section_alignment
    }

    /// `FileAlignment`: of section data in the file, in bytes, unchecked.
    pub fn file_alignment(&self) -> u32 {
        self.headers.file_alignment
    }

    /// Where the headers' parts lie.
    pub fn offsets(&self) -> Offsets {
        self.headers.offsets
    }

    /// The sections, in the order of the section table.
    pub fn sections(&self) -> Sections<'a> {
        Sections::new(self.section_table, self.file)
    }

    /// The first section of this name (without the padding zeros).
    pub fn section(&self, name: &str) -> Option<Section<'a>> {
        self.sections().find(|section| section.is_named(name))
    }

    /// What the Authenticode digest covers: slices to hash, in order.
    ///
    /// An unsigned file whose length isn't a multiple of 8 is digested as if it were padded with
    /// zeros, because signing it pads it; the last slice is that padding then.
    pub fn digest_parts(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.digest_parts
            .into_iter()
            .filter(|part| !part.is_empty())
    }

    /// What the same digest would cover if it were made without the zeros that pad the image: for each
    /// length that the image may have had before, the slices to hash. Firmware digests an unsigned file
    /// as it is, so that lists of what is revoked have both. None where nothing can be padding, as in
    /// most images.
    pub fn unpadded_digest_parts(
        &self,
    ) -> impl Iterator<Item = impl Iterator<Item = &'a [u8]> + use<'a>> + use<'a> {
        let signed = self.file.get(..self.signed_len).unwrap_or(self.file);
        let [head, middle, tail, _] = self.digest_parts;
        let len = self.signed_len;
        coverage::unpadded_lens(signed, self.sections_end).map(move |shorter| {
            // The padding follows all sections, and so the last hole in the headers.
            let cut = len.saturating_sub(shorter);
            let (middle, tail) = if tail.is_empty() {
                (without_end(middle, cut), tail)
            } else {
                (middle, without_end(tail, cut))
            };
            [head, middle, tail]
                .into_iter()
                .filter(|part| !part.is_empty())
        })
    }

    /// How many bytes from the file's start a signature is about: all before the certificate
    /// table, or all there are in an unsigned file.
    pub fn signed_len(&self) -> usize {
        self.signed_len
    }

    /// Whether there is a certificate table. Says nothing about what is in it.
    pub fn is_signed(&self) -> bool {
        self.certificates.is_some()
    }

    /// Where the certificate table lies in the file; `None` in an unsigned file.
    pub fn certificate_table(&self) -> Option<Range<usize>> {
        self.certificates.map(|_| self.signed_len..self.file.len())
    }

    /// The entries of the certificate table; none in an unsigned file.
    pub fn certificates(&self) -> CertificateIter<'a> {
        CertificateIter::new(self.certificates.unwrap_or_default())
    }
}

fn without_end(bytes: &[u8], len: usize) -> &[u8] {
    let end = bytes.len().saturating_sub(len);
    bytes.get(..end).unwrap_or_default()
}
