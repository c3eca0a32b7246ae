//! arm64 machines.

pub mod arguments;
pub mod convert;
mod efi_map;
pub mod paging;
mod tree;

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;

use baton_formats::arch::arm64::image::PageSize;
use baton_verify::{Component, Machine, Payload, Reason, Refusal, check_page_size};

use crate::arch::Arch;
use crate::convert::Convert;
use crate::firmware::Firmware;
use crate::memory::PhysicalMemory;
use crate::plan::Range;

pub use arguments::Arguments;

/// The architecture.
pub enum Aarch64 {}

/// A plan for it.
pub type BootPlan<'m> = crate::convert::BootPlan<'m, Aarch64>;

/// What a processor is like: which sizes of pages it has.
#[derive(Clone, Copy)]
pub struct Cpu {
    /// 4 KiB.
    pub kib_4: bool,
    /// 16 KiB.
    pub kib_16: bool,
    /// 64 KiB.
    pub kib_64: bool,
}

impl Default for Cpu {
    /// With all of them.
    fn default() -> Self {
        Self {
            kib_4: true,
            kib_16: true,
            kib_64: true,
        }
    }
}

impl Cpu {
    fn has(self, size: PageSize) -> bool {
        match size {
            PageSize::Kib4 => self.kib_4,
            PageSize::Kib16 => self.kib_16,
            PageSize::Kib64 => self.kib_64,
        }
    }
}

/// A screen: none is drawn on here so far.
pub enum Screen {}

impl Arch for Aarch64 {
    type Own<'m> = arguments::Own<'m>;
    type Cpu = Cpu;
    type Template = ();
    type Entry = convert::Entry;
    type Screen = Screen;

    fn early_command_line<M: PhysicalMemory>(memory: &M, address: u64) -> Result<&[u8], Reason> {
        arguments::early_command_line(memory, address)
    }

    fn arguments<M: PhysicalMemory>(memory: &M, address: u64) -> Result<Arguments<'_>, Reason> {
        Arguments::read(memory, address)
    }

    fn machine(arguments: &Arguments<'_>) -> Machine {
        Machine {
            secure_boot: arguments.own.secure_boot,
            efi: arguments.efi.is_some(),
            crash: Some(arguments.own.crash.is_some()),
        }
    }

    fn check_entry(payload: &Payload<'_>, arguments: &Arguments<'_>) -> Result<(), Reason> {
        check_page_size(payload, |size| arguments.cpu.has(size))
    }

    /// What the kernel reserved for crashes, it says in the device tree, which user space has no part in.
    fn crash_memory<M: PhysicalMemory>(
        _: &M,
        arguments: &Arguments<'_>,
        loaded: &[Range],
    ) -> Result<Vec<Range>, Refusal> {
        let parts = arguments.own.crash.clone().unwrap_or_default();
        let lies_there = |it: &Range| {
            parts
                .iter()
                .any(|all| all.start <= it.start && it.end <= all.end)
        };
        if loaded.iter().all(lies_there) {
            Ok(parts)
        } else {
            Err(Refusal::new(Component::Handover, Reason::OnlyForCrash))
        }
    }

    fn screen(_: &Arguments<'_>, _: &Firmware<'_>, _: Range) -> Option<(Screen, Range)> {
        None
    }

    fn template(_: &Arguments<'_>) -> Result<(), Reason> {
        Ok(())
    }

    fn converter<'p, 'm: 'p>(
        payload: &'p Payload<'m>,
    ) -> Result<Box<dyn Convert<'m, Self> + 'p>, Reason> {
        Ok(Box::new(convert::kernel(payload)?))
    }
}
