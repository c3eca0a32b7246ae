//! The architectures: what the gate asks of each.
//!
//! | what | where |
//! |---|---|
//! | what the old kernel passed on | `arguments` |
//! | how a kernel is entered, by each boot protocol | `convert` |
//! | the machine itself, with all that is `unsafe` | `machine`, which implements [`Hardware`] |
//!
//! All else of the gate is the same on each.

pub mod x86_64;

use core::fmt;

use baton_formats::policy::OnRefusal;
use baton_verify::Reason;

use crate::convert::BootPlan;
use crate::memory::PhysicalMemory;
use crate::plan::Range;
use crate::run::Stopwatch;

// The one that this is built for.
pub use x86_64::{arguments, convert, screen};

/// The machine that the gate runs on. Tests have one made of bytes.
pub trait Hardware: PhysicalMemory {
    /// What comes after: nothing, on a machine.
    type End;

    /// How the time is taken.
    const STOPWATCH: Stopwatch;

    /// Where the gate lies, its stack and heap included.
    fn gate_extent(&self) -> Range;

    /// Whether page tables have five levels.
    fn has_five_levels(&self) -> bool;

    /// Makes RAM accessible from the bottom of a range on, and gives up to where it could.
    fn reach(&self, from: u64, to: u64) -> u64;

    /// Opens the consoles that the command line names.
    fn open_consoles(&self, command_line: &[u8]);

    /// Opens a console on the screen, whose memory this is and nothing else's.
    fn open_screen(&self, screen: &screen::Screen, extent: Range);

    /// Says a line on every console that is open.
    fn say(&self, line: fmt::Arguments<'_>);

    /// The time between two stamps, in words.
    fn between(&self, from: u64, to: u64) -> impl fmt::Display;

    /// How much of the time went into hashing.
    fn hashing(&self) -> impl fmt::Display;

    /// Writes what the plan says, and enters the kernel that it was made for.
    ///
    /// # Errors
    /// `BadMemoryMap`, if something can't be written.
    fn start(&self, plan: &BootPlan<'_>) -> Result<Self::End, Reason>;

    /// Does what the policy says of refusals.
    fn stop(&self, after: OnRefusal) -> Self::End;
}
