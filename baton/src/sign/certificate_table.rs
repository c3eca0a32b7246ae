//! Putting a signature into a PE file: the certificate table, its directory entry, the checksum.

use super::args::Existing;
use crate::encode::field::put_u32;
use crate::encode::pe;
use crate::failure::Result;
use crate::failure::sign::SignError;
use baton_formats::pe::{Offsets, Pe, WIN_CERT_REVISION_2, WIN_CERT_TYPE_PKCS};
use baton_verify::{Digest, HashAlgorithm};

/// An image ready to be signed: padded to 8 bytes, and its Authenticode digest.
#[derive(Debug)]
pub struct Prepared {
    /// The Authenticode digest.
    pub digest: Digest,
    offsets: Offsets,
    directory: usize,
    image: Vec<u8>,
    table: Vec<u8>,
}

/// Takes an image apart for signing.
///
/// # Errors
/// When it isn't a PE image, has no room for a signature, or is signed and that isn't wanted.
pub fn prepare(mut image: Vec<u8>, hash: HashAlgorithm, existing: Existing) -> Result<Prepared> {
    let pe = Pe::parse(&image).map_err(SignError::Image)?;
    let offsets = pe.offsets();
    let directory = offsets
        .certificate_directory
        .ok_or(SignError::NoDirectory)?;
    if pe.is_signed() && existing == Existing::Refuse {
        return Err(SignError::Signed.into());
    }
    let digest = hash.hash(pe.digest_parts());
    let signed_len = pe.signed_len();
    let table = image.split_off(signed_len);
    image.resize(image.len().next_multiple_of(8), 0);
    Ok(Prepared {
        digest,
        offsets,
        directory,
        image,
        table: match existing {
            Existing::Append => table,
            _ => Vec::new(),
        },
    })
}

/// The whole file with one more signature (a PKCS#7 SignedData).
///
/// # Errors
/// When the file would be over 4 GiB.
pub fn attach(mut prepared: Prepared, signature: &[u8]) -> Result<Vec<u8>> {
    entry(
        &mut prepared.table,
        WIN_CERT_REVISION_2,
        WIN_CERT_TYPE_PKCS,
        signature,
    )?;
    finish(prepared)
}

/// The whole file without these entries of its certificate table, by their index.
///
/// # Errors
/// When it isn't a PE image, or an entry that stays is malformed.
pub fn without(mut image: Vec<u8>, removed: &[usize]) -> Result<Vec<u8>> {
    let pe = Pe::parse(&image).map_err(SignError::Image)?;
    let offsets = pe.offsets();
    let directory = offsets
        .certificate_directory
        .ok_or(SignError::NoDirectory)?;
    let mut table = Vec::new();
    let staying = pe.certificates().enumerate();
    for (_, certificate) in staying.filter(|(index, _)| !removed.contains(index)) {
        let certificate = certificate.map_err(SignError::Image)?;
        let (revision, kind) = (certificate.revision, certificate.kind);
        entry(&mut table, revision, kind, certificate.data)?;
    }
    image.truncate(pe.signed_len());
    finish(Prepared {
        digest: HashAlgorithm::Sha256.hash([]),
        offsets,
        directory,
        image,
        table,
    })
}

/// Adds a WIN_CERTIFICATE.
fn entry(table: &mut Vec<u8>, revision: u16, kind: u16, data: &[u8]) -> Result<()> {
    let length = u32::try_from(data.len() + 8).map_err(too_large)?;
    table.extend_from_slice(&length.to_le_bytes());
    table.extend_from_slice(&revision.to_le_bytes());
    table.extend_from_slice(&kind.to_le_bytes());
    table.extend_from_slice(data);
    table.resize(table.len().next_multiple_of(8), 0);
    Ok(())
}

fn too_large(_: std::num::TryFromIntError) -> SignError {
    SignError::Over4G("signed file")
}

/// The file with its table, which an image without signatures has none of.
fn finish(prepared: Prepared) -> Result<Vec<u8>> {
    let Prepared {
        offsets,
        directory,
        image: mut file,
        table,
        ..
    } = prepared;
    let offset = if table.is_empty() { 0 } else { file.len() };
    let offset = u32::try_from(offset).map_err(too_large)?;
    let size = u32::try_from(table.len()).map_err(too_large)?;
    put_u32(&mut file, directory, offset)?;
    put_u32(&mut file, directory + 4, size)?;
    file.extend_from_slice(&table);
    let checksum = pe::checksum(&file, offsets.checksum);
    put_u32(&mut file, offsets.checksum, checksum)?;
    Ok(file)
}
