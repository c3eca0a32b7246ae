//! Which kernels were started, and whether they came up: one that was started twice and didn't isn't loaded again by
//! the name of its entry.
//!
//! ```text
//! load ─ record (/run) ─▶ attempt ─▶ state (/var/lib/baton) ─▶ good, in the next boot
//! ```
//!
//! What decides is [`state`], which is pure. Attempts are counted only in a boot that was itself seen to come up: where
//! nobody would ever say that a kernel did, none is given up.

/// The unit that counts.
pub const UNIT: &str = "baton-boot-count.service";

pub mod args;
pub mod record;
pub mod run;
pub mod state;
