//! What the old kernel passed on, as far as it is the same on every architecture: plain values, read once.

extern crate alloc;

use alloc::vec::Vec;

use baton_verify::Reason;

use crate::arch::Arch;
use crate::plan::{MapEntry, Range, Use};

/// What the old kernel passed on.
pub struct Arguments<'m, A: Arch> {
    /// What only this architecture has.
    pub own: A::Own<'m>,
    /// What the processor is like, as far as it decides which kernels can be entered.
    pub cpu: A::Cpu,
    /// The command line, without its NUL.
    pub cmdline: &'m [u8],
    /// The handover.
    pub handover: &'m [u8],
    /// Where the handover lies.
    pub handover_address: u64,
    /// The memory map, as it was passed.
    pub map: Vec<MapEntry>,
    /// RAM of it that can't be written to, and so isn't chosen.
    pub out_of_reach: Vec<Range>,
    /// What must survive until the next kernel has read it.
    pub keep: Vec<Range>,
    /// What the old kernel put into memory for the gate: nothing else can lie there any more.
    pub loaded: Vec<Range>,
    /// The scratch areas, where Kexec HandOver is active: all that is free then.
    pub scratch: Option<Vec<Range>>,
    /// The EFI system table and its configuration tables, as physical addresses.
    pub efi: Option<EfiAddresses>,
}

/// Where the EFI tables lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EfiAddresses {
    /// The system table.
    pub system_table: u64,
    /// The configuration tables. The system table's own pointer is a virtual address by now.
    pub config_tables: u64,
    /// Where the next kernel is told of the configuration tables.
    pub told_at: u64,
    /// What lies there.
    pub told_in: ToldIn,
    /// Where the map lies that `config_tables` was translated by, if one was.
    pub map: Option<Range>,
}

/// What tells a kernel where the configuration tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldIn {
    /// Something that the old kernel put into memory for the next one.
    Loaded,
    /// The system table, in the firmware's own memory.
    SystemTable,
}

impl<A: Arch> Arguments<'_, A> {
    /// Makes all RAM of the map accessible, as far as `map` can: it says up to where of a range it could. The map
    /// stays as it was, since what is no RAM there is believed.
    pub fn reach_ram(&mut self, mut map: impl FnMut(u64, u64) -> u64) {
        for entry in self.map.iter().filter(|entry| entry.kind == Use::Ram) {
            let end = entry.address.saturating_add(entry.size);
            let reached = map(entry.address, end).max(entry.address);
            let missing = end.saturating_sub(reached);
            self.out_of_reach.extend(Range::new(reached, missing));
        }
    }

    pub(crate) fn keep(&mut self, address: u64, size: u64) -> Result<(), Reason> {
        if size > 0 {
            let range = Range::new(address, size).ok_or(Reason::BadBootParams("a range wraps"))?;
            self.keep.push(range);
        }
        Ok(())
    }

    /// For what setup_data points to as well: user space chooses some of those bytes (IMA's measurements name
    /// files), so that they are no table of the firmware's.
    pub(crate) fn keep_loaded(&mut self, address: u64, size: u64) -> Result<(), Reason> {
        self.keep(address, size)?;
        self.loaded.extend(Range::new(address, size));
        Ok(())
    }
}
