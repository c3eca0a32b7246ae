//! x86-64 PCs.

pub mod arguments;
pub mod convert;
pub mod paging;
pub mod screen;
pub mod serial_consoles;

// It can't be linked into a hosted program: it defines memcpy and a heap.
#[cfg(all(feature = "image", target_arch = "x86_64"))]
#[allow(unsafe_code)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "registers and descriptors have the widths their manuals give them"
)]
pub mod machine;

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;

use baton_formats::boot_params::{BootParams, LEN};
use baton_verify::{Machine, Payload, Reason, Refusal, check_entry};

use crate::arch::Arch;
use crate::convert::Convert;
use crate::crash_memory;
use crate::firmware::Firmware;
use crate::memory::PhysicalMemory;
use crate::plan::Range;

pub use arguments::Arguments;

/// The architecture.
pub enum X86_64 {}

/// A plan for it.
pub type BootPlan<'m> = crate::convert::BootPlan<'m, X86_64>;

/// What a processor is like.
#[derive(Clone, Copy, Default)]
pub struct Cpu {
    /// Whether page tables have five levels, and so will have when the next kernel is entered.
    pub five_levels: bool,
}

impl Arch for X86_64 {
    type Own<'m> = arguments::Own<'m>;
    type Cpu = Cpu;
    type Template = [u8; LEN];
    type Entry = convert::Entry;
    type Screen = screen::Screen;

    fn early_command_line<M: PhysicalMemory>(memory: &M, address: u64) -> Result<&[u8], Reason> {
        arguments::early_command_line(memory, address)
    }

    fn arguments<M: PhysicalMemory>(memory: &M, address: u64) -> Result<Arguments<'_>, Reason> {
        Arguments::read(memory, address)
    }

    fn machine(arguments: &Arguments<'_>) -> Machine {
        Machine::told_by(&BootParams(arguments.own.boot_params))
    }

    fn check_entry(payload: &Payload<'_>, arguments: &Arguments<'_>) -> Result<(), Reason> {
        check_entry(payload, arguments.cpu.five_levels)
    }

    fn crash_memory<M: PhysicalMemory>(
        memory: &M,
        arguments: &Arguments<'_>,
        loaded: &[Range],
    ) -> Result<Vec<Range>, Refusal> {
        crash_memory::reserved(arguments.cmdline, &arguments.map, loaded, memory)
    }

    fn screen(
        arguments: &Arguments<'_>,
        firmware: &Firmware<'_>,
        gate: Range,
    ) -> Option<(screen::Screen, Range)> {
        screen::usable(arguments, firmware, gate)
    }

    fn template(arguments: &Arguments<'_>) -> Result<[u8; LEN], Reason> {
        convert::boot_params_for_the_next(arguments)
    }

    fn converter<'p, 'm: 'p>(
        payload: &'p Payload<'m>,
    ) -> Result<Box<dyn Convert<'m, Self> + 'p>, Reason> {
        convert::converter(payload)
    }
}
