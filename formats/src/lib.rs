//! Borrowed views of the file and memory formats that a kexec meets.
//!
//! Everything here reads bytes that an attacker may have chosen. So: no allocation, no `unsafe`,
//! checked arithmetic only, every parser returns a typed error, and none panics on any input.
//! Integers are little-endian unless a module says otherwise.
//!
//! A parser that succeeds has checked everything its documentation lists; its accessors need no
//! further checks. Nothing here decides about trust: that is `baton-verify`.
//!
//! ```
//! use baton_formats::manifest::Manifest;
//!
//! let text = concat!(
//!     "baton-manifest 1\n",
//!     "name Rescue system\n",
//!     "kernel sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 11534336\n",
//! );
//! let manifest = Manifest::parse(text.as_bytes())?;
//! assert_eq!(manifest.name(), Some("Rescue system"));
//! assert_eq!(manifest.kernel().map(|kernel| kernel.length), Some(11_534_336));
//!
//! let error = Manifest::parse(b"baton-manifest 2\n").unwrap_err();
//! println!("{error}");
//! # Ok::<(), baton_formats::manifest::ManifestError>(())
//! ```
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::cast_possible_truncation))]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

pub mod arch;
pub mod cmdline;
pub mod cpio;
pub mod device_tree;
pub mod efi;
pub mod elf;
pub mod gate_image;
pub mod handover;
pub mod initrd;
pub mod magic;
pub mod manifest;
pub mod module_signature;
pub mod mok;
pub mod multiboot2;
pub mod pe;
pub mod policy;
pub mod reader;
pub mod sbat;
pub mod siglist;
pub mod sort;
pub mod uki;
pub mod verdict;

pub use arch::x86::{boot_params, bzimage, setup_data};

/// The page size of every layout in this crate, in bytes.
pub const PAGE_SIZE: usize = 4096;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod seeds;
