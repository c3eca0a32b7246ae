//! arm64: its boot image, and the EFI program that it may be compressed in.

pub mod image;
pub mod zboot;
