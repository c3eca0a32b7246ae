//! Which of the tables that Linux reads are kept for the next kernel, and which aren't handed on.
//!
//! Linux keeps some tables (the memory attributes, the TPM's event logs of older kernels) in memory that its
//! memory map calls usable: its own allocator leaves them alone, kexec doesn't, and puts what it loads over
//! them. A table that lies in RAM and isn't one any more, or over which something was loaded, is left out of
//! the array of configuration tables that the next kernel gets: it would take whatever lies there now for
//! addresses and lengths.
//!
//! The table of the first kernel's initrd is always left out. Linux doesn't keep it, so that user space may
//! have got its memory since; where no initrd is handed on, a kernel would take what it names for one, and a
//! newer kernel writes zeros over it in any case (efi_config_parse_tables in drivers/firmware/efi/efi.c),
//! whatever lies there by then.

extern crate alloc;

use alloc::vec::Vec;

use baton_formats::efi::{CONFIG_TABLE_LEN, ConfigTables, Table};

use super::{Loaded, holder};
use crate::memory::PhysicalMemory;
use crate::plan::{Range, Use};

/// What comes of the tables.
#[derive(Default)]
pub(super) struct Kept {
    /// Where those lie that are handed on.
    pub extents: Vec<Range>,
    /// The array without the others, where there are any.
    pub tables: Option<Vec<u8>>,
}

/// Judges every table of the array, whose bytes these are.
#[inline(never)] // Smaller code: the caller's frame stays short.
pub(super) fn judge<M: PhysicalMemory>(
    memory: &M,
    loaded: &Loaded<'_>,
    bytes: &[u8],
    tables: &ConfigTables<'_>,
) -> Kept {
    let mut kept = Kept::default();
    let map = loaded.map;
    for (index, entry) in tables.iter().enumerate() {
        let Some(table) = Table::of(&entry.guid) else {
            continue;
        };
        let mut ranges = Vec::new();
        let read = |address, length| {
            let range = Range::new(address, length)?;
            // What no map knows may be no memory at all, or lie beyond what the processor can address.
            holder(map, range)?;
            memory.read(address, length)
        };
        let whole = table.ranges(entry.address, &read, &mut |range| {
            ranges.extend(Range::new(range.addr, range.size));
        });
        let in_ram = Range::new(entry.address, 1)
            .and_then(|first| holder(map, first))
            .is_some_and(|holder| holder.kind != Use::Reserved);
        let lost = in_ram && (whole.is_err() || ranges.iter().any(|range| loaded.over(range)));
        if lost || table == Table::Initrd {
            kept.leave_out(index, bytes)
        } else {
            kept.extents.extend(ranges)
        }
    }
    kept
}

impl Kept {
    /// The array keeps its length, which stands in the firmware's system table. A GUID of zeros is no table's:
    /// with it ends Linux's own list of those that it looks for.
    fn leave_out(&mut self, index: usize, bytes: &[u8]) {
        let tables = self.tables.get_or_insert_with(|| bytes.to_vec());
        let entry = tables.chunks_exact_mut(CONFIG_TABLE_LEN).nth(index);
        entry.unwrap_or_default().fill(0);
    }
}
