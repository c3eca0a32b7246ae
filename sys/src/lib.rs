//! What Baton asks of the running Linux system, and the only user-space crate with `unsafe`.
//!
//! One module for each thing asked. Reading and understanding are apart: each `parse_*` function
//! takes the text or bytes and does no input or output, so that it is tested on strings; the
//! functions beside them read below a [`Root`], which is `/` but in tests.

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
