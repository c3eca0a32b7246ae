//! The formats of dumps, each in a folder of its own: what reads it and what writes it.

pub mod elf;
pub mod flattened;
pub mod kdump;
