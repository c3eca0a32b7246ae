//! What Baton asks of the running Linux system, and the only user-space crate with `unsafe`.
//!
//! One module for each thing asked. Reading and understanding are apart: each `parse_*` function
//! takes the text or bytes and does no input or output, so that it is tested on strings; the
//! functions beside them read below a [`Root`], which is `/` but in tests.
//!
//! ```
//! use baton_sys::Root;
//! use baton_sys::kexec_state::KexecState;
//!
//! // `None` where the kernel has no kexec, or /sys isn't mounted.
//! let state = KexecState::read(&Root::system())?;
//! println!("a kernel is loaded: {:?}", state.map(|it| it.loaded));
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod appraisal;
pub mod block;
pub mod boot_params;
pub mod cache;
pub mod caps;
pub mod cmdline;
pub mod config;
pub mod cpu;
pub mod efivars;
pub mod file;
pub mod init;
pub mod kexec;
pub mod kexec_error;
pub mod kexec_state;
pub mod keyring;
pub mod limits;
pub mod lockdown;
pub mod memfd;
pub mod memory;
pub mod module;
pub mod modules;
pub mod mok;
pub mod mount;
pub mod mounts;
pub mod output;
pub mod own;
pub mod power;
pub mod root;
pub mod setup_data;
pub mod signals;
pub mod space;
#[cfg(test)]
mod testroot;
pub mod trial;
pub mod vmcore;

pub use kexec_error::KexecError;
pub use root::{Root, Shown};
