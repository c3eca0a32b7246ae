//! `baton inspect`: what is in an image, and who says they signed it. Nothing is judged here but
//! form: whom to trust is `baton verify`'s matter.
//!
//! One module for each format makes plain values of what it reads (that of an architecture's boot image is in
//! [`crate::arch`]); [`report::Report`] holds them, [`crate::output::page::Page`] prints them for people, and `serde` for
//! programs. A new format is a module, a field of [`report::Parts`], and a line in `reading.rs`.

pub mod args;
pub mod beside;
pub mod brief;
pub mod certificate;
pub mod elf;
pub mod gate;
pub mod handover;
pub mod hashing;
pub mod manifest;
pub mod multiboot2;
pub mod pe;
pub mod policy;
mod reading;
pub mod report;
pub mod run;
pub mod sbat;
pub mod signature;
pub mod uki;

use crate::digest;
use baton_sys::hex;

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::sha256([bytes]))
}
