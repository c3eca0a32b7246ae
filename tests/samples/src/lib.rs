//! What the tests of several crates are tried on: signatures and certificates that are forged field by
//! field, small kernels of every format, policies and archives byte by byte, and a machine made of bytes.
//!
//! What is read or judged in a test is made here by hand, as far as can be, and not with the code under test.
// For tests alone: names of a constructor's arguments and of its fields say what they are.
#![allow(missing_docs, clippy::cast_possible_truncation)]

pub mod arm64;
pub mod build;
pub mod cpio;
pub mod der;
pub mod device_tree;
pub mod flips;
pub mod forge;
pub mod forge_detached;
pub mod machine;
pub mod openssl;
pub mod other_formats;
pub mod policy;
pub mod small_elf;
pub mod small_image;

use std::path::Path;

/// The GUIDs of signature lists: of certificates, and of SHA-256 digests.
pub const X509: [u8; 16] = baton_formats::siglist::X509_GUID;
pub const SHA256: [u8; 16] = baton_formats::siglist::SHA256_GUID;

/// A file made by `verify/tests/fixtures/regenerate`.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../verify/tests/fixtures")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An EFI signature list for each entry (they may differ in size).
pub fn signature_list(kind: &[u8; 16], entries: &[&[u8]]) -> Vec<u8> {
    let mut lists = Vec::new();
    for entry in entries {
        let size = 16 + entry.len() as u32;
        lists.extend(kind);
        lists.extend((28 + size).to_le_bytes());
        lists.extend(0_u32.to_le_bytes());
        lists.extend(size.to_le_bytes());
        lists.extend([0x5a; 16]);
        lists.extend(*entry);
    }
    lists
}

/// The small image (or one like it) with this certificate table.
pub fn attach_table(image: &[u8], table: &[u8]) -> Vec<u8> {
    assert!(image.len().is_multiple_of(8));
    let mut signed = image.to_vec();
    let entry = small_image::CERTIFICATE_DIRECTORY;
    signed[entry..entry + 4].copy_from_slice(&(image.len() as u32).to_le_bytes());
    signed[entry + 4..entry + 8].copy_from_slice(&(table.len() as u32).to_le_bytes());
    signed.extend(table);
    signed
}

/// A WIN_CERTIFICATE with this PKCS#7 signature.
pub fn win_certificate(pkcs7: &[u8]) -> Vec<u8> {
    let mut entry = (8 + pkcs7.len() as u32).to_le_bytes().to_vec();
    entry.extend(0x0200_u16.to_le_bytes());
    entry.extend(2_u16.to_le_bytes());
    entry.extend(pkcs7);
    entry.resize(entry.len().next_multiple_of(8), 0);
    entry
}
