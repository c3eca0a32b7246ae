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
pub fn attach(prepared: Prepared, signature: &[u8]) -> Result<Vec<u8>> {
    let Prepared {
        offsets,
        directory,
        image: mut file,
        mut table,
        ..
    } = prepared;
    let too_large = |_| SignError::Over4G("signed file");
    let length = u32::try_from(signature.len() + 8).map_err(too_large)?;
    table.extend_from_slice(&length.to_le_bytes());
    table.extend_from_slice(&WIN_CERT_REVISION_2.to_le_bytes());
    table.extend_from_slice(&WIN_CERT_TYPE_PKCS.to_le_bytes());
    table.extend_from_slice(signature);
    table.resize(table.len().next_multiple_of(8), 0);

    let offset = u32::try_from(file.len()).map_err(too_large)?;
    let size = u32::try_from(table.len()).map_err(too_large)?;
    put_u32(&mut file, directory, offset)?;
    put_u32(&mut file, directory + 4, size)?;
    file.extend_from_slice(&table);
    let checksum = pe::checksum(&file, offsets.checksum);
    put_u32(&mut file, offsets.checksum, checksum)?;
    Ok(file)
}
