//! The gate: receives a handover from the kernel before it, verifies it, and boots what it holds.
//!
//! Everything but `arch::x86_64::machine` is free of `unsafe`, works on plain values and is tested on the host.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

pub mod arch;
pub mod arguments;
pub mod convert;
pub mod crash_memory;
pub mod firmware;
pub mod image;
pub mod memory;
pub mod plan;
pub mod run;
mod scratch;
pub mod sequence;
