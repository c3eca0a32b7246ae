//! How a kernel is entered on x86-64, by each boot protocol.

mod bzimage64;
mod linux;
mod multiboot2;
mod pvh;
mod vmlinux;

extern crate alloc;

use alloc::boxed::Box;

use baton_formats::boot_params::{BootParamsMut, LEN};
use baton_formats::gate_image::{Format, Isa};
use baton_verify::{Payload, Reason};

use crate::arch::x86_64::{Arguments, X86_64};
use crate::convert::Convert;

/// What converters are given.
type Given<'g, 'm> = crate::convert::Given<'g, 'm, X86_64>;

/// How a kernel is entered. All addresses are physical, and mapped one to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// In 64-bit mode, with paging on, by Linux's boot protocol (Documentation/arch/x86/boot.rst).
    Long {
        /// The entry point.
        address: u64,
        /// What RSI holds: the address of boot_params.
        boot_params: u64,
    },
    /// In 32-bit protected mode, with paging off and flat segments, by PVH's and multiboot2's.
    Protected {
        /// The entry point.
        address: u32,
        /// What EAX holds.
        eax: u32,
        /// What EBX holds: the address of the boot information.
        ebx: u32,
        /// A page below 4 GiB, for the code that leaves 64-bit mode.
        trampoline: u32,
    },
}

/// What converts such a kernel.
pub(crate) fn converter<'p, 'm: 'p>(
    payload: &'p Payload<'m>,
) -> Result<Box<dyn Convert<'m, X86_64> + 'p>, Reason> {
    // `decide` has refused what isn't built in; the compiler can't know.
    let converter: Box<dyn Convert<'m, X86_64> + 'p> = match payload {
        Payload::BzImage(image) => Box::new(bzimage64::Packed(image)),
        Payload::Arm64(_) => return Err(Reason::OtherArchitecture(Isa::Arm64)),
        Payload::Vmlinux(_) if !Format::Elf.is_built_in() => {
            return Err(Reason::NotBuiltIn(Format::Elf));
        }
        Payload::Vmlinux(program) => Box::new(vmlinux::Vmlinux(program)),
        Payload::Pvh { .. } if !Format::Pvh.is_built_in() => {
            return Err(Reason::NotBuiltIn(Format::Pvh));
        }
        Payload::Pvh { program, entry } => {
            let entry = *entry;
            Box::new(pvh::Pvh { program, entry })
        }
        Payload::Multiboot2 { .. } if !Format::Multiboot2.is_built_in() => {
            return Err(Reason::NotBuiltIn(Format::Multiboot2));
        }
        Payload::Multiboot2 {
            header,
            file,
            program,
        } => Box::new(multiboot2::Kernel {
            header,
            file,
            program: program.as_ref(),
        }),
    };
    Ok(converter)
}

/// boot_params with the memory map as it is handed on.
pub(crate) fn boot_params_for_the_next(arguments: &Arguments<'_>) -> Result<[u8; LEN], Reason> {
    let mut boot_params = *arguments.own.boot_params;
    BootParamsMut(&mut boot_params)
        .free_setup_data()
        .map_err(|_| Reason::BadMemoryMap("it has more than 128 entries"))?;
    Ok(boot_params)
}
