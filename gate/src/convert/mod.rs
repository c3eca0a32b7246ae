//! Turning what was decided on into a running kernel: what all boot protocols have in common. They themselves are
//! each architecture's (`arch/x86_64/convert`), one module for each.
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
//! | a module with a [`Convert`], named in the architecture's `converter` | `arch/*/convert` |

pub(crate) mod initrds;
pub(crate) mod room;
pub(crate) mod segments;
pub(crate) mod verdict;

extern crate alloc;

use alloc::vec::Vec;

use baton_verify::{Decision, Reason, Verified};

use crate::arch::Arch;
use crate::arguments::Arguments;
use crate::plan::{Free, Range};

pub use room::{Room, Write};

/// Everything that is left to do: the writes, in order, and the jump.
pub struct BootPlan<'m, A: Arch> {
    /// Whose code is jumped to. Only `baton_verify` can make one.
    pub kernel: Verified<'m>,
    /// What is written where.
    pub writes: Vec<Write<'m>>,
    /// How the kernel is entered after that.
    pub entry: A::Entry,
}

/// What every converter is given.
pub struct Given<'g, 'm, A: Arch> {
    /// What was decided.
    pub decision: &'g Decision<'m>,
    /// What the old kernel passed on.
    pub arguments: &'g Arguments<'m, A>,
    /// What every kernel is given.
    pub template: &'g A::Template,
    /// The array of EFI's configuration tables, where it isn't to be the firmware's own.
    pub tables: Option<&'g [u8]>,
    /// A digest that tells this gate apart from others.
    pub identity: [u8; 32],
    /// Where nothing may be written, whatever the memory map says.
    pub taken: &'g [Range],
}

/// The way from a kernel of one format to its running.
pub trait Convert<'m, A: Arch> {
    /// Puts the kernel and what it is given into `room`.
    ///
    /// # Errors
    /// `NoRoom`, `AddressTaken` or `BadMemoryMap`.
    fn convert(&self, given: &Given<'_, 'm, A>, room: &mut Room<'m>) -> Result<A::Entry, Reason>;
}

/// Plans the boot of what was decided on, in `free` memory. What that doesn't cover, the first MiB, is asked of the
/// map and of what is `taken`.
///
/// # Errors
/// As [`Convert::convert`].
#[inline(never)] // Smaller code: the caller's frame stays short.
pub fn plan<'m, A: Arch>(
    decision: Decision<'m>,
    arguments: &Arguments<'m, A>,
    tables: Option<&[u8]>,
    identity: [u8; 32],
    taken: &[Range],
    free: Free,
) -> Result<BootPlan<'m, A>, Reason> {
    let template = A::template(arguments)?;
    let given = Given {
        decision: &decision,
        arguments,
        template: &template,
        tables,
        identity,
        taken,
    };
    let converter = A::converter(&decision.payload)?;
    let mut room = Room::new(free);
    let entry = converter.convert(&given, &mut room)?;
    drop(converter);
    Ok(BootPlan {
        writes: room.into_writes(),
        entry,
        kernel: decision.kernel,
    })
}
