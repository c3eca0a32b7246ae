//! The architectures: what the gate asks of each.
//!
//! | what | where |
//! |---|---|
//! | what the old kernel passed on, and how a kernel is entered | `arguments` and `convert`, of which [`Arch`] is made |
//! | the machine itself, with all that is `unsafe` | `machine`, which implements [`Hardware`] |
//!
//! All else of the gate is the same on each. Whatever can be tested without such a machine is compiled everywhere: an
//! image has what its own `machine` uses.

pub mod aarch64;
pub mod x86_64;

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use baton_formats::policy::OnRefusal;
use baton_verify::{Machine, Payload, Reason, Refusal};

use crate::arguments::Arguments;
use crate::convert::{BootPlan, Convert};
use crate::firmware::Firmware;
use crate::memory::PhysicalMemory;
use crate::plan::Range;
use crate::run::Stopwatch;

/// An architecture: pure functions of what lies in memory.
pub trait Arch: Sized {
    /// What only this architecture's kernels pass on.
    type Own<'m>;

    /// What a processor is like, as far as it decides which kernels can be entered.
    type Cpu: Default;

    /// What every kernel is given, before a converter completes it.
    type Template;

    /// How a kernel is entered.
    type Entry: Copy;

    /// A screen that can be drawn on.
    type Screen;

    /// The command line that the old kernel passed on with what lies at `address`, before all else is read.
    ///
    /// # Errors
    /// As [`Arch::arguments`], for these.
    fn early_command_line<M: PhysicalMemory>(memory: &M, address: u64) -> Result<&[u8], Reason>;

    /// Reads what the old kernel passed on, which begins at the physical address `address`.
    ///
    /// # Errors
    /// `BadBootParams` or `BadMemoryMap`, naming what can't be right.
    fn arguments<M: PhysicalMemory>(
        memory: &M,
        address: u64,
    ) -> Result<Arguments<'_, Self>, Reason>;

    /// What the old kernel told the next one of the machine.
    fn machine(arguments: &Arguments<'_, Self>) -> Machine;

    /// Whether a kernel can be entered on this processor.
    ///
    /// # Errors
    /// Why not.
    fn check_entry(payload: &Payload<'_>, arguments: &Arguments<'_, Self>) -> Result<(), Reason>;

    /// The RAM that was reserved for the crash that the arguments tell of, in which all lies that was `loaded`.
    ///
    /// # Errors
    /// `OnlyForCrash`.
    fn crash_memory<M: PhysicalMemory>(
        memory: &M,
        arguments: &Arguments<'_, Self>,
        loaded: &[Range],
    ) -> Result<Vec<Range>, Refusal>;

    /// The screen and the bytes that it takes, if they can be nothing but a display's. `gate` is where the gate itself
    /// lies.
    fn screen(
        arguments: &Arguments<'_, Self>,
        firmware: &Firmware<'_>,
        gate: Range,
    ) -> Option<(Self::Screen, Range)>;

    /// What every kernel is given.
    ///
    /// # Errors
    /// `BadMemoryMap`.
    fn template(arguments: &Arguments<'_, Self>) -> Result<Self::Template, Reason>;

    /// What converts such a kernel.
    ///
    /// # Errors
    /// `NotBuiltIn`.
    fn converter<'p, 'm: 'p>(
        payload: &'p Payload<'m>,
    ) -> Result<Box<dyn Convert<'m, Self> + 'p>, Reason>;
}

/// The machine that the gate runs on. Tests have one made of bytes.
pub trait Hardware: PhysicalMemory {
    /// Its architecture.
    type Arch: Arch;

    /// What comes after: nothing, on a machine.
    type End;

    /// How the time is taken.
    const STOPWATCH: Stopwatch;

    /// Where the gate lies, its stack and heap included.
    fn gate_extent(&self) -> Range;

    /// What its processor is like.
    fn cpu(&self) -> <Self::Arch as Arch>::Cpu;

    /// Makes RAM accessible from the bottom of a range on, and gives up to where it could.
    fn reach(&self, from: u64, to: u64) -> u64;

    /// Opens the consoles that the command line names.
    fn open_consoles(&self, command_line: &[u8]);

    /// Opens a console on the screen, whose memory this is and nothing else's.
    fn open_screen(&self, screen: &<Self::Arch as Arch>::Screen, extent: Range);

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
    fn start(&self, plan: &BootPlan<'_, Self::Arch>) -> Result<Self::End, Reason>;

    /// Does what the policy says of refusals.
    fn stop(&self, after: OnRefusal) -> Self::End;
}
