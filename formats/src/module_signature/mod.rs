//! The signature that the kernel's modules carry at their end, on any file.
//!
//! | offset | size | |
//! |---|---|---|
//! | 0 | | the data, which the signature is over |
//! | | length of the signature | the signature: detached CMS, in DER |
//! | end − 40 | 12 | `struct module_signature` |
//! | end − 28 | 28 | `~Module signature appended~\n` |
//!
//! `struct module_signature`:
//!
//! | offset | size | field | must be |
//! |---|---|---|---|
//! | 0 | 1 | algorithm | 0 |
//! | 1 | 1 | digest | 0 |
//! | 2 | 1 | kind of identifier | 2: PKCS#7 |
//! | 3 | 1 | length of the signer's name | 0 |
//! | 4 | 1 | length of the key's identifier | 0 |
//! | 5 | 3 | padding | 0 |
//! | 8 | 4 | length of the signature, **big-endian** | not 0, less than what is there |
//!
//! A file that doesn't end with the last line has no such signature; one that does and has
//! anything else wrong is refused, never taken for unsigned.
//!
//! Sources: include/linux/module_signature.h, kernel/module_signature.c and scripts/sign-file.c in
//! Linux.

use crate::reader::{OutOfBounds, Reader, is_zero};
use core::fmt;

/// The last bytes of a file with an appended signature.
pub const MARKER: &[u8; 28] = b"~Module signature appended~\n";
/// The length of everything that follows the signature, in bytes.
pub const TRAILER_LEN: usize = 40;

/// The length of `struct module_signature`.
const STRUCT_LEN: usize = 12;
/// `PKEY_ID_PKCS7`.
const PKEY_ID_PKCS7: u8 = 2;

/// A file in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended<'a> {
    /// What the signature is over. Never empty.
    pub data: &'a [u8],
    /// The signature: detached CMS, in DER, of the length that the trailer states. Never empty.
    pub signature: &'a [u8],
}

/// What is wrong with an appended signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendedError {
    /// There is nothing but the marker, or too little before it.
    TooShort,
    /// The identifier isn't PKCS#7, but this.
    IdentifierKind(u8),
    /// Fields that must be zero aren't.
    Reserved,
    /// The signature has no bytes, or so many that no data is left before it.
    Length(u32),
}

/// Takes a file with an appended signature apart; `None` if it has none.
pub fn split(file: &[u8]) -> Result<Option<Appended<'_>>, AppendedError> {
    let Some(before_marker) = file.strip_suffix(MARKER) else {
        return Ok(None);
    };
    let (before, fields) = before_marker
        .split_last_chunk::<STRUCT_LEN>()
        .ok_or(AppendedError::TooShort)?;
    let stated = signature_len(fields)?;
    let wrong = AppendedError::Length(stated);
    let len = usize::try_from(stated).map_err(|_| wrong)?;
    let data_len = before.len().checked_sub(len).ok_or(wrong)?;
    let (data, signature) = before.split_at_checked(data_len).ok_or(wrong)?;
    if data.is_empty() || signature.is_empty() {
        return Err(wrong);
    }
    Ok(Some(Appended { data, signature }))
}

/// What to write after a signature of so many bytes.
pub fn trailer(signature_len: u32) -> [u8; TRAILER_LEN] {
    let fields = [0, 0, PKEY_ID_PKCS7, 0, 0, 0, 0, 0].into_iter();
    let bytes = fields.chain(signature_len.to_be_bytes()).chain(*MARKER);
    let mut trailer = [0; TRAILER_LEN];
    trailer
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = from);
    trailer
}

/// The length that a `struct module_signature` states.
fn signature_len(fields: &[u8; STRUCT_LEN]) -> Result<u32, AppendedError> {
    let short = |_: OutOfBounds| AppendedError::TooShort;
    let mut reader = Reader::new(fields);
    let algorithms = reader.take(2).map_err(short)?;
    let kind = reader.u8().map_err(short)?;
    let reserved = reader.take(5).map_err(short)?;
    if kind != PKEY_ID_PKCS7 {
        return Err(AppendedError::IdentifierKind(kind));
    }
    if !is_zero(algorithms) || !is_zero(reserved) {
        return Err(AppendedError::Reserved);
    }
    reader.array().map(u32::from_be_bytes).map_err(short)
}

impl fmt::Display for AppendedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendedError::TooShort => {
                f.write_str("its appended signature has a last line and nothing before it")
            }
            AppendedError::IdentifierKind(n) => write!(
                f,
                "its appended signature has identifier kind {n}; {PKEY_ID_PKCS7} (PKCS#7) is accepted"
            ),
            AppendedError::Reserved => {
                f.write_str("its appended signature has fields that must be zero and aren't")
            }
            AppendedError::Length(n) => write!(
                f,
                "its appended signature can't be {n} bytes long, as it says"
            ),
        }
    }
}

impl core::error::Error for AppendedError {}

#[cfg(test)]
mod tests;
