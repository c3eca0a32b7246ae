//! Crash dumps: a kernel and an initramfs that write one, made and loaded; and whether they would.
//!
//! ```text
//! /etc/baton/crash.toml ─ settings ─▶ target ─ needs ─▶ modules ─┐
//!                            kernel ─────────────────────────────┼▶ prepare ─ cpio ─▶ load, status
//!                           program ─────────────────────────────┘
//! ```

pub mod args;
pub mod assembled;
pub mod cluster;
mod cmdline;
pub mod cpio;
pub mod dropped;
pub mod estimate;
pub mod initramfs;
pub mod kernel;
pub mod layer;
pub mod load;
pub mod module_file;
pub mod names;
pub mod needs;
pub mod owners;
pub mod places;
pub mod prepare;
pub mod probe;
pub mod program;
pub mod record;
pub mod run;
pub mod settings;
pub mod status;
pub mod target;
pub mod watchdogs;

#[cfg(test)]
#[path = "../../tests/common/fake.rs"]
pub(crate) mod fake;
