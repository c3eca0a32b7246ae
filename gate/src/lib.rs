//! The gate: receives a handover from the kernel before it, verifies it, and boots what it holds.
//!
//! Everything but `machine` is free of `unsafe`, works on plain values and is tested on the host.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

pub mod arguments;
pub mod cmdline;
pub mod convert;
pub mod firmware;
pub mod image;
pub mod memory;
pub mod occasion;
pub mod paging;
pub mod plan;
pub mod run;
pub mod screen;

// The image's own machinery can't be linked into a hosted program: it defines memcpy and a heap.
#[cfg(feature = "image")]
#[allow(unsafe_code)]
pub mod machine;
