//! All that the program writes: text and JSON on standard output, notes on standard error, and files.
//!
//! Nothing else in this crate writes any of it (clippy's `print_stdout` and `print_stderr` hold that), so
//! that a closed pipe, a full disk, a device or a link in place of a file is met in one place.

#[macro_use]
pub mod text;
pub mod failure;
pub mod file;
pub mod json;
pub mod page;
pub mod size;
pub mod terminal;
