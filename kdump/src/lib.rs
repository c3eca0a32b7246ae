//! Dumps of kernels that crashed: read, filtered, written.
//!
//! Data flows one way: a [`Source`] of bytes is understood as a dump, which is [`Memory`]; a filter
//! chooses pages of it; a writer writes them in another format.
//!
//! ```no_run
//! use baton_kdump::dump::Dump;
//!
//! let dump = Dump::open(&["/var/crash/vmcore".into()])?;
//! println!("{} of {:?}, {} processors", dump.format(), dump.release(), dump.cpus());
//! # Ok::<(), baton_kdump::dump::DumpError>(())
//! ```

#![forbid(unsafe_code)]
// A list of one range is what the tests mean by it.
#![cfg_attr(test, allow(clippy::single_range_in_vec_init))]

mod arch;
mod bytes;
mod cache;
mod parallel;
mod pieces;

pub mod address_space;
pub mod bits;
pub mod btf;
pub mod compare;
pub mod convert;
pub mod decode;
pub mod dmesg;
pub mod dump;
pub mod encode;
pub mod filter;
pub mod foreign;
pub mod format;
pub mod kallsyms;
pub mod memory;
pub mod note;
pub mod ranges;
pub mod regions;
pub mod source;
pub mod survey;
pub mod uses;
pub mod utsname;
pub mod vmcoreinfo;
pub mod write;

#[cfg(test)]
mod samples;

pub use address_space::KernelMemory;
pub use arch::Machine;
pub use dump::Dump;
pub use format::DumpFormat;
pub use format::elf::Vmcore;
pub use format::kdump::KdumpFile;
pub use memory::{Memory, Unreadable};
pub use source::Source;
pub use survey::Survey;
pub use vmcoreinfo::VmcoreInfo;
