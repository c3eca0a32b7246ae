//! EFI_SIGNATURE_LIST, of one entry each.

use anyhow::Result;
use baton_formats::pe::Pe;
use baton_formats::siglist::SHA256_GUID;
use fs_err as fs;
use sha2::{Digest, Sha256};
use std::path::Path;

/// The list of this one alone (UEFI specification 2.10, 32.4.1). Nobody owns it.
pub fn of(kind: &[u8; 16], data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(16 + data.len()).unwrap_or(u32::MAX);
    let mut list = kind.to_vec();
    for field in [28 + size, 0, size] {
        list.extend(field.to_le_bytes());
    }
    list.extend([0; 16]);
    list.extend(data);
    list
}

/// The list of an image, by its Authenticode digest.
pub fn of_image(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    let mut hash = Sha256::new();
    for part in Pe::parse(&bytes)?.digest_parts() {
        hash.update(part);
    }
    Ok(of(&SHA256_GUID, &hash.finalize()))
}
