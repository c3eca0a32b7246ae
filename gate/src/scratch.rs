//! The areas that Kexec HandOver leaves free for the next kernel: all that is free then.

extern crate alloc;

use alloc::vec::Vec;

use baton_formats::setup_data::KhoScratch;
use baton_verify::Reason;

use crate::memory::PhysicalMemory;
use crate::plan::Range;

/// Reads the list of them, which lies there.
///
/// # Errors
/// `BadBootParams`.
pub(crate) fn areas<M: PhysicalMemory>(memory: &M, list: Range) -> Result<Vec<Range>, Reason> {
    let length = list.end.saturating_sub(list.start);
    let table = memory
        .read(list.start, length)
        .ok_or(Reason::BadBootParams(
            "the Kexec HandOver scratch list can't be read",
        ))?;
    let (areas, rest) = table.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(Reason::BadBootParams(
            "the Kexec HandOver scratch list does not end with an entry",
        ));
    }
    let mut scratch = Vec::new();
    for area in areas {
        if let Ok(area) = KhoScratch::parse(area) {
            scratch.extend(Range::new(area.addr, area.size));
        }
    }
    Ok(scratch)
}
