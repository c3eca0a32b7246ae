//! Turning what was decided on into a running kernel: one module for each boot protocol.
//!
//! A converter is a pure function: it takes what was decided, what the old kernel passed on and free
//! memory, and says what is to be written where, and how the kernel is entered. Carrying that out is
//! the machine's work. What a file is was settled before (`baton_verify::Payload`; a UKI has become
//! a bzImage with more initrds there), and so was whether it may be booted.
//!
//! | to boot another format | |
//! |---|---|
//! | its parser | `formats` |
//! | what recognises it, and checks that it can be booted here | `verify/src/decide/payload.rs` |
//! | a module here with a [`Convert`], named in [`plan`] | |

mod bzimage64;
mod initrds;
mod linux;
mod multiboot2;
mod pvh;
mod room;
mod segments;
mod verdict;
mod vmlinux;

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec::Vec;

use baton_formats::boot_params::{BootParamsMut, LEN};
use baton_formats::gate_image::Format;
use baton_verify::{Decision, Payload, Reason, Verified};

use crate::arguments::Arguments;
use crate::plan::{Free, Range};

pub use room::{Room, Write};

/// Everything that is left to do: the writes, in order, and the jump.
pub struct BootPlan<'m> {
    /// Whose code is jumped to. Only `baton_verify` can make one.
    pub kernel: Verified<'m>,
    /// What is written where.
    pub writes: Vec<Write<'m>>,
    /// How the kernel is entered after that.
    pub entry: Entry,
}

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

/// What every converter is given.
pub struct Given<'g, 'm> {
    /// What was decided.
    pub decision: &'g Decision<'m>,
    /// What the old kernel passed on.
    pub arguments: &'g Arguments<'m>,
    /// boot_params with the memory map as it is handed on.
    pub boot_params: &'g [u8; LEN],
    /// The array of EFI's configuration tables, where it isn't to be the firmware's own.
    pub tables: Option<&'g [u8]>,
    /// A digest that tells this gate apart from others.
    pub identity: [u8; 32],
    /// Where nothing may be written, whatever the memory map says.
    pub taken: &'g [Range],
}

/// The way from a kernel of one format to its running.
pub trait Convert<'m> {
    /// Puts the kernel and what it is given into `room`.
    ///
    /// # Errors
    /// `NoRoom`, `AddressTaken` or `BadMemoryMap`.
    fn convert(&self, given: &Given<'_, 'm>, room: &mut Room<'m>) -> Result<Entry, Reason>;
}

/// Plans the boot of what was decided on, in `free` memory. What that doesn't cover, the first MiB, is asked of the
/// map and of what is `taken`.
///
/// # Errors
/// As [`Convert::convert`].
pub fn plan<'m>(
    decision: Decision<'m>,
    arguments: &Arguments<'m>,
    tables: Option<&[u8]>,
    identity: [u8; 32],
    taken: &[Range],
    free: Free,
) -> Result<BootPlan<'m>, Reason> {
    let mut boot_params = *arguments.boot_params;
    BootParamsMut(&mut boot_params)
        .free_setup_data()
        .map_err(|_| Reason::BadMemoryMap("it has more than 128 entries"))?;
    let given = Given {
        decision: &decision,
        arguments,
        boot_params: &boot_params,
        tables,
        identity,
        taken,
    };
    // `decide` has refused what isn't built in; the compiler can't know.
    let converter: Box<dyn Convert<'m> + '_> = match &decision.payload {
        Payload::BzImage(image) => Box::new(bzimage64::Packed(image)),
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
    let mut room = Room::new(free);
    let entry = converter.convert(&given, &mut room)?;
    drop(converter);
    Ok(BootPlan {
        writes: room.into_writes(),
        entry,
        kernel: decision.kernel,
    })
}
