//! Changes to an image's bytes.

use anyhow::{Context, Result};

use super::keys::Named;

/// A change.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    /// Other bytes in a place.
    Set(At, &'static [u8]),
    /// One bit is another.
    Flip(At),
    /// Nothing from there on.
    Cut(At),
    /// These bytes after the end.
    Append(&'static [u8]),
}

/// A place.
#[derive(Debug, Clone, Copy)]
pub enum At {
    /// From the beginning.
    Byte(usize),
    /// Back from the end.
    End(usize),
    /// In the middle.
    Middle,
    /// From the PE header.
    Pe(usize),
    /// From the certificate table.
    Table(usize),
    /// After these bytes in the certificate table, where they are for this time (from 0), and so many further.
    After(&'static [u8], usize, usize),
    /// The last byte of the first signature's PKCS#7.
    SignatureEnd,
    /// The last byte of this key's certificate.
    CertificateEnd(&'static str),
}

/// Makes all of them.
pub fn all(mut image: Vec<u8>, edits: &[Edit], named: &Named) -> Result<Vec<u8>> {
    for edit in edits {
        match *edit {
            Edit::Set(at, bytes) => {
                let at = at.offset(&image, named)?;
                image
                    .get_mut(at..at + bytes.len())
                    .context("no such place")?
                    .copy_from_slice(bytes);
            }
            Edit::Flip(at) => {
                let at = at.offset(&image, named)?;
                *image.get_mut(at).context("no such place")? ^= 1;
            }
            Edit::Cut(at) => image.truncate(at.offset(&image, named)?),
            Edit::Append(bytes) => image.extend(bytes),
        }
    }
    Ok(image)
}

impl At {
    fn offset(self, image: &[u8], named: &Named) -> Result<usize> {
        Ok(match self {
            At::Byte(at) => at,
            At::End(back) => image.len().checked_sub(back).context("a short image")?,
            At::Middle => image.len() / 2,
            At::Pe(at) => number(image, 0x3c)? + at,
            At::Table(at) => table(image)? + at,
            At::After(bytes, time, further) => {
                let table = table(image)?;
                let found = find(image, table, bytes, time).context("no such bytes")?;
                found + bytes.len() + further
            }
            At::SignatureEnd => {
                let der = table(image)? + 8;
                // Of a length in two octets.
                let len = image.get(der + 2..der + 4).context("no signature")?;
                der + 4 + usize::from(u16::from_be_bytes([len[0], len[1]])) - 1
            }
            At::CertificateEnd(key) => {
                let certificate = named.der(key)?;
                let found = find(image, table(image)?, &certificate, 0);
                found.context("no such certificate")? + certificate.len() - 1
            }
        })
    }
}

fn find(image: &[u8], from: usize, bytes: &[u8], time: usize) -> Option<usize> {
    let windows = image.get(from..)?.windows(bytes.len()).enumerate();
    let mut found = windows.filter(|(_, window)| *window == bytes);
    found.nth(time).map(|(at, _)| from + at)
}

/// The certificate table's offset: data directory entry 4 of PE32+ ("PE Format").
fn table(image: &[u8]) -> Result<usize> {
    number(image, number(image, 0x3c)? + 24 + 112 + 4 * 8)
}

fn number(image: &[u8], at: usize) -> Result<usize> {
    let bytes = image.get(at..at + 4).context("a short image")?;
    Ok(usize::try_from(u32::from_le_bytes(bytes.try_into()?))?)
}
