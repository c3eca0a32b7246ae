//! The initrds as one piece, as Linux takes them.

use core::ops;

use baton_verify::Reason;

use super::{Given, Room};
use crate::arch::Arch;
use crate::memory::PAGE;

/// cpio archives begin at multiples of 4 bytes
/// (Documentation/driver-api/early-userspace/buffer-format.rst).
const ALIGNMENT: u64 = 4;

/// Where the initrds lie and their size in bytes, both 0 if there are none: in the handover if they
/// lie there in one piece and within `window`, otherwise joined in memory that is free.
pub(crate) fn place<'m, A: Arch>(
    given: &Given<'_, 'm, A>,
    window: ops::Range<u64>,
    room: &mut Room<'m>,
) -> Result<(u64, u64), Reason> {
    in_place(given, &window).map_or_else(|| join(given, window, room), Ok)
}

fn in_place<A: Arch>(given: &Given<'_, '_, A>, window: &ops::Range<u64>) -> Option<(u64, u64)> {
    let range = given.decision.initrd_range.as_ref()?;
    let start = given
        .arguments
        .handover_address
        .checked_add(range.start as u64)?;
    let size = (range.len()) as u64;
    let end = start.checked_add(size)?;
    (end <= window.end).then_some((start, size))
}

fn join<'m, A: Arch>(
    given: &Given<'_, 'm, A>,
    window: ops::Range<u64>,
    room: &mut Room<'m>,
) -> Result<(u64, u64), Reason> {
    let padded = |bytes: &&[u8]| (bytes.len() as u64).next_multiple_of(ALIGNMENT);
    let initrds = &given.decision.initrds;
    let size = initrds.iter().map(padded).sum();
    if size == 0 {
        return Ok((0, 0));
    }
    let start = room.take(size, PAGE, window)?;
    let mut to = start;
    for bytes in initrds {
        let size = padded(bytes);
        room.write(to, *bytes, size);
        to += size;
    }
    Ok((start, size))
}
