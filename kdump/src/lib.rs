//! Dumps of kernels that crashed: read, filtered, written.
//!
//! Data flows one way: a [`Source`] of bytes is understood as a dump, which is [`Memory`]; a filter
//! chooses pages of it; a writer writes them in another format.

#![forbid(unsafe_code)]

pub mod encode;
pub mod memory;
pub mod source;

pub use memory::{Memory, Unreadable};
pub use source::Source;
