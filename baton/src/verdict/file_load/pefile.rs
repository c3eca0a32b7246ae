//! The kernel's PE reader, crypto/asymmetric_keys/verify_pefile.c: less strict than [`baton_formats::pe`], and with error
//! numbers.

use crate::pkcs7::crypto::Stop;
use crate::pkcs7::{Refusal, refused};
use baton_formats::reader::{u16_at, u32_at};
use baton_sys::kexec_error::errno::{EKEYREJECTED, ELIBBAD, EMSGSIZE, ENODATA, ENOTSUPP};

/// Sizes of struct mz_hdr, pe_hdr, pe32_opt_hdr, pe32plus_opt_hdr, data_dirent and section_header (include/linux/pe.h).
const MZ_LEN: usize = 64;
const PE_LEN: usize = 24;
const PE32_LEN: usize = 96;
const PE32_PLUS_LEN: usize = 112;
const DIRECTORY_LEN: usize = 8;
const SECTION_LEN: usize = 40;
/// Of the optional header: where it says how long all headers are, and its checksum.
const HEADER_SIZE: usize = 60;
const CHECKSUM: usize = 64;
/// The number of the certificate table's directory entry.
const CERTIFICATES: usize = 4;
/// struct win_certificate, its revision and its type.
const WIN_CERTIFICATE_LEN: usize = 8;
const REVISION_2_0: u16 = 0x0200;
const TYPE_PKCS: u16 = 2;

/// Where things lie.
pub struct PeFile<'a> {
    image: &'a [u8],
    checksum: usize,
    directory: usize,
    header_size: usize,
    certificates_size: usize,
    sections: &'a [u8],
    /// The first signature.
    pub pkcs7: &'a [u8],
}

impl<'a> PeFile<'a> {
    /// pefile_parse_binary, then pefile_strip_sig_wrapper.
    ///
    /// # Errors
    /// The kernel's.
    pub fn parse(image: &'a [u8]) -> Result<Self, Refusal> {
        let bad = || refused(ELIBBAD);
        let number = |at| u32_at(image, at).and_then(|n| usize::try_from(n).ok());
        let number = |at| number(at).ok_or_else(bad);
        check(image, 0, 0, MZ_LEN)?;
        if !image.starts_with(b"MZ") {
            return Err(bad());
        }
        let pe = number(0x3c)?;
        check(image, MZ_LEN, pe, PE_LEN)?;
        if image.get(pe..pe + 4) != Some(b"PE\0\0") {
            return Err(bad());
        }
        let sections = usize::from(u16_at(image, pe + 6).ok_or_else(bad)?);
        let optional = pe + PE_LEN;
        let len = match u16_at(image, optional) {
            Some(0x10b) => PE32_LEN,
            Some(0x20b) => PE32_PLUS_LEN,
            _ => return Err(bad()),
        };
        check(image, 0, optional, len)?;
        let directories = number(optional + len - 4)?;
        let header_size = number(optional + HEADER_SIZE)?;
        let cursor = optional + len;
        if cursor >= header_size || header_size >= image.len() {
            return Err(bad());
        }
        if directories > (header_size - cursor) / DIRECTORY_LEN {
            return Err(bad());
        }
        let directory = cursor + CERTIFICATES * DIRECTORY_LEN;
        let (offset, size) = (number(directory)?, number(directory + 4)?);
        if offset == 0 || size == 0 {
            return Err(refused(ENODATA));
        }
        check(image, header_size, offset, size)?;
        let cursor = cursor + directories * DIRECTORY_LEN;
        if sections > (header_size - cursor) / SECTION_LEN {
            return Err(bad());
        }
        let table = image.get(offset..offset + size).ok_or_else(bad)?;
        Ok(PeFile {
            image,
            checksum: optional + CHECKSUM,
            directory,
            header_size,
            certificates_size: size,
            sections: image
                .get(cursor..cursor + sections * SECTION_LEN)
                .ok_or_else(bad)?,
            pkcs7: strip(table)?,
        })
    }

    /// What is hashed (pefile_digest_pe_contents).
    ///
    /// # Errors
    /// That the kernel would read what isn't there: it checks nothing here.
    pub fn digest_parts(&self) -> Result<Vec<&'a [u8]>, Stop> {
        let outside =
            Stop::Unknown("its headers point outside of the file, which the kernel doesn't check");
        let part = |from: usize, to: usize| self.image.get(from..to).ok_or(outside);
        let mut parts = vec![
            part(0, self.checksum)?,
            part(self.checksum + 4, self.directory)?,
            part(self.directory + DIRECTORY_LEN, self.header_size)?,
        ];
        let mut hashed = self.header_size;
        for (offset, size) in self.sections_by_offset() {
            if size > 0 {
                parts.push(part(offset, offset.saturating_add(size))?);
                hashed = hashed.saturating_add(size);
            }
        }
        if self.image.len() > hashed {
            let end = self.image.len().checked_sub(self.certificates_size);
            parts.push(part(hashed, end.ok_or(outside)?)?);
        }
        Ok(parts)
    }

    /// PointerToRawData and SizeOfRawData (pefile_compare_shdrs: then by address).
    fn sections_by_offset(&self) -> Vec<(usize, usize)> {
        let field = |section: &[u8], at| u32_at(section, at).unwrap_or(0);
        let mut sections: Vec<(u32, u32, u32)> = self
            .sections
            .chunks_exact(SECTION_LEN)
            .map(|section| (field(section, 20), field(section, 12), field(section, 16)))
            .collect();
        sections.sort_unstable();
        let size = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        sections
            .into_iter()
            .map(|(offset, _, raw)| (size(offset), size(raw)))
            .collect()
    }
}

/// The macro chkaddr.
fn check(image: &[u8], base: usize, at: usize, size: usize) -> Result<(), Refusal> {
    let len = image.len();
    if at < base || size >= len || at > len - size {
        Err(refused(ELIBBAD))
    } else {
        Ok(())
    }
}

/// pefile_strip_sig_wrapper; before 6.4, unless the change was taken back to it, what isn't as long as the table was
/// ELIBBAD.
fn strip(table: &[u8]) -> Result<&[u8], Refusal> {
    let bad = || refused(ELIBBAD);
    if table.len() < WIN_CERTIFICATE_LEN {
        return Err(bad());
    }
    let len = u32_at(table, 0).and_then(|len| usize::try_from(len).ok());
    let entry = len.and_then(|len| table.get(..len)).ok_or_else(bad)?;
    if u16_at(table, 4) != Some(REVISION_2_0) || u16_at(table, 6) != Some(TYPE_PKCS) {
        return Err(refused(ENOTSUPP));
    }
    let data = entry.get(WIN_CERTIFICATE_LEN..).ok_or_else(bad)?;
    let [tag, first, second, third, ..] = *data else {
        return Err(refused(EKEYREJECTED));
    };
    let (second, third) = (usize::from(second), usize::from(third));
    let len = match first {
        _ if tag != 0x30 => return Err(bad()),
        0..=0x7f => usize::from(first) + 2,
        0x80 => return Ok(data),
        0x81 => second + 3,
        0x82 => (second << 8 | third) + 4,
        0x83..=0xff => return Err(refused(EMSGSIZE)),
    };
    data.get(..len).ok_or_else(bad)
}
