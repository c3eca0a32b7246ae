//! The certificate table: `WIN_CERTIFICATE` entries, one after another.
//!
//! | offset | size | |
//! |---|---|---|
//! | 0 | 4 | length of the entry, this header included, padding not |
//! | 4 | 2 | revision, 0x0200 |
//! | 6 | 2 | type, 2 for PKCS#7 SignedData |
//! | 8 | length − 8 | data |
//! | | 0–7 | zeros up to a multiple of 8 |

use super::{CertificateError, PeError};
use crate::reader::{Reader, is_zero};

/// The revision of all signatures today (`WIN_CERT_REVISION_2_0`).
pub const WIN_CERT_REVISION_2: u16 = 0x0200;
/// The type of an Authenticode signature (`WIN_CERT_TYPE_PKCS_SIGNED_DATA`).
pub const WIN_CERT_TYPE_PKCS: u16 = 2;

const HEADER_LEN: u32 = 8;
const ALIGNMENT: usize = 8;

/// An entry of the certificate table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WinCertificate<'a> {
    /// The revision, [`WIN_CERT_REVISION_2`]; not judged here.
    pub revision: u16,
    /// The type, [`WIN_CERT_TYPE_PKCS`]; not judged here.
    pub kind: u16,
    /// The data, without the padding after it. Never empty.
    pub data: &'a [u8],
}

/// The entries of a certificate table, in order. Ends after the first malformed one.
#[derive(Clone, Debug)]
pub struct CertificateIter<'a> {
    rest: Reader<'a>,
    index: usize,
}

impl<'a> CertificateIter<'a> {
    pub(super) fn new(table: &'a [u8]) -> Self {
        CertificateIter {
            rest: Reader::new(table),
            index: 0,
        }
    }
}

impl<'a> Iterator for CertificateIter<'a> {
    type Item = Result<WinCertificate<'a>, PeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let index = self.index;
        self.index = index.saturating_add(1);
        let entry = read(&mut self.rest);
        if entry.is_err() {
            self.rest.rest();
        }
        Some(entry.map_err(|problem| PeError::Certificate { index, problem }))
    }
}

fn read<'a>(reader: &mut Reader<'a>) -> Result<WinCertificate<'a>, CertificateError> {
    let truncated = |_| CertificateError::Truncated;
    let length = reader.u32().map_err(truncated)?;
    let revision = reader.u16().map_err(truncated)?;
    let kind = reader.u16().map_err(truncated)?;
    let data_len = match length.checked_sub(HEADER_LEN) {
        None | Some(0) => return Err(CertificateError::Length(length)),
        Some(len) => usize::try_from(len).map_err(|_| CertificateError::Truncated)?,
    };
    let data = reader.take(data_len).map_err(truncated)?;
    let padding = data_len
        .next_multiple_of(ALIGNMENT)
        .saturating_sub(data_len);
    match reader.take(padding) {
        Ok(zeros) if is_zero(zeros) => Ok(WinCertificate {
            revision,
            kind,
            data,
        }),
        _ => Err(CertificateError::Padding),
    }
}
