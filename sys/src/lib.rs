//! Everything that Baton needs from the running Linux system. The only user-space crate with `unsafe`.
//!
//! Each module covers one interface. Reading and parsing are separate: a `parse_*` function takes text or bytes
//! and does no I/O, so that it can be tested on strings; the functions beside it read files below a [`Root`],
//! which is `/` except in tests.
//!
//! ```
//! use baton_sys::Root;
//! use baton_sys::kexec_state::KexecState;
//!
//! // `None` if the kernel has no kexec, or /sys isn't mounted.
//! let state = KexecState::read(&Root::system())?;
//! println!("a kernel is loaded: {:?}", state.map(|it| it.loaded));
//! # Ok::<(), baton_sys::ReadError>(())
//! ```

pub mod appraisal;
pub mod arch;
pub mod block;
pub mod cache;
pub mod caps;
pub mod cmdline;
pub mod config;
pub mod crash_keys;
pub mod device_mapper;
pub mod efivars;
pub mod file;
pub mod hex;
pub mod init;
pub mod kexec;
pub mod kexec_error;
mod kexec_lock;
pub mod kexec_state;
pub mod keyring;
pub mod kmsg;
pub mod limits;
pub mod lockdown;
pub mod mapping;
pub mod md;
pub mod memfd;
pub mod memory;
pub mod module;
pub mod modules;
pub mod mok;
pub mod mount;
pub mod mounts;
pub mod network;
pub mod output;
pub mod own;
pub mod pci;
pub mod power;
pub mod root;
pub mod signals;
pub mod space;
pub mod terminal;
#[cfg(test)]
mod testroot;
pub mod trial;
pub mod vmcore;
pub mod watchdog;

pub use kexec_error::KexecError;
pub use root::{ReadError, Root, Shown};
