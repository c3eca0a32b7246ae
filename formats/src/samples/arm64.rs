//! Kernels of arm64.

use super::{filler, put, put32, put64};

/// An Image that takes 12 KiB of memory, for pages of 4 KiB, and no PE image.
pub fn image() -> Vec<u8> {
    let mut bytes = filler(0x1800, 5);
    bytes[..64].fill(0);
    put64(&mut bytes, 16, 0x3000);
    put64(&mut bytes, 24, 2 | 8);
    put(&mut bytes, 56, b"ARM\x64");
    bytes
}

/// The header of a zboot image, with this payload right behind it.
pub fn zboot(compression: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    put(&mut bytes, 0, b"MZ\0\0zimg");
    put32(&mut bytes, 8, 64);
    put32(&mut bytes, 12, payload.len() as u32);
    put(&mut bytes, 24, compression);
    bytes.extend(payload);
    bytes
}
