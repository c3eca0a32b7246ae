//! Who watches a dump being written.

use serde::{Deserialize, Serialize};
use std::io;

/// What is being done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Headers and notes are written.
    Headers,
    /// Pages are chosen, and bitmaps written.
    Choosing,
    /// Pages of the kernel log are written.
    Log,
    /// Pages of the running tasks' stacks are written.
    Stacks,
    /// All other pages are written.
    Pages,
    /// The dump is marked as whole.
    End,
}

/// Learns how far a dump is, and may end it.
pub trait Observer: Sync {
    /// `done` pages of `total` are chosen or written.
    fn progress(&self, phase: Phase, done: u64, total: u64) {
        let _ = (phase, done, total);
    }

    /// A phase is over, or some more is written: the time to have it on the disk.
    ///
    /// # Errors
    /// When the disk fails, which ends the dump.
    fn checkpoint(&self, phase: Phase) -> io::Result<()> {
        let _ = phase;
        Ok(())
    }

    /// Whether the dump should end here.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing.
pub struct Unobserved;

impl Observer for Unobserved {}
