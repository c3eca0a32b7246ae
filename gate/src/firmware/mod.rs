//! The firmware's tables, found through what the kernel passed on: what is trusted, what must survive, and
//! what must not be handed on.

extern crate alloc;

mod kept;
mod mok;

use alloc::vec::Vec;

use baton_formats::efi::{
    CONFIG_TABLE_LEN, ConfigTables, MOK_TABLE_GUID, SYSTEM_TABLE_LEN, SystemTable,
};
use baton_verify::{Component, Reason, Refusal};

use crate::arch::Arch;
use crate::arguments::{Arguments, EfiAddresses, ToldIn};
use crate::memory::PhysicalMemory;
use crate::plan::{MapEntry, Range, Use};

pub use mok::MokTable;

/// What firmware left in memory. Without EFI there is nothing of it.
#[derive(Default)]
pub struct Firmware<'m> {
    /// shim's table; without shim it is empty.
    pub mok: MokTable<'m>,
    /// Where what the next kernel reads lies: nothing is put there.
    pub extents: Vec<Range>,
    /// The array of configuration tables as the next kernel gets it, where that isn't the firmware's own.
    pub tables: Option<Vec<u8>>,
}

impl<'m> Firmware<'m> {
    /// Reads them. `gate` is where the gate itself lies.
    ///
    /// # Errors
    /// `BadFirmwareTable` for anything malformed on the way to shim's table, and in it.
    pub fn read<M: PhysicalMemory, A: Arch>(
        memory: &'m M,
        arguments: &Arguments<'m, A>,
        gate: Range,
    ) -> Result<Self, Refusal> {
        Self::find(memory, arguments, gate)
            .map_err(|reason| Refusal::new(Component::FirmwareTables, reason))
    }

    #[inline(never)] // Smaller code: the caller's frame stays short.
    fn find<M: PhysicalMemory, A: Arch>(
        memory: &'m M,
        arguments: &Arguments<'m, A>,
        gate: Range,
    ) -> Result<Self, Reason> {
        let Some(efi) = arguments.efi else {
            return Ok(Self::default());
        };
        let system = memory
            .read(efi.system_table, SYSTEM_TABLE_LEN as u64)
            .and_then(|bytes| SystemTable::parse(bytes).ok())
            .ok_or(Reason::BadFirmwareTable(
                "the EFI system table is malformed",
            ))?;
        let mut firmware = Self::default();
        let extents = &mut firmware.extents;
        extents.extend(Range::new(efi.system_table, SYSTEM_TABLE_LEN as u64));
        extents.extend(efi.map);
        let loaded = Loaded {
            map: &arguments.map,
            ranges: &arguments.loaded,
            gate,
        };
        if system.nr_tables == 0 {
            return loaded.spares(extents).map(|()| firmware);
        }
        // `SystemTable` bounds the count.
        let size = system.nr_tables.saturating_mul(CONFIG_TABLE_LEN as u64);
        extents.extend(Range::new(efi.config_tables, size));
        let (bytes, tables) = memory
            .read(efi.config_tables, size)
            .and_then(|bytes| Some((bytes, ConfigTables::parse(bytes).ok()?)))
            .ok_or(Reason::BadFirmwareTable(
                "the EFI configuration tables can't be read",
            ))?;
        // Linux takes the last of two (match_config_table in drivers/firmware/efi/efi.c).
        let of_shim = tables.iter().filter(|table| table.guid == MOK_TABLE_GUID);
        if of_shim.count() > 1 {
            return Err(Reason::BadFirmwareTable(
                "EFI's configuration tables name the MOK table twice",
            ));
        }
        if let Some(address) = tables.find(&MOK_TABLE_GUID) {
            firmware.mok = MokTable::read(memory, address)?;
            firmware.extents.extend(firmware.mok.extent);
        }
        loaded.spares(&firmware.extents)?;
        let kept = kept::judge(memory, &loaded, bytes, &tables);
        if kept.tables.is_some() && !loaded.can_tell(efi) {
            return Err(Reason::BadFirmwareTable(
                "what tells of the EFI tables can't be changed",
            ));
        }
        firmware.extents.extend(kept.extents);
        firmware.tables = kept.tables;
        Ok(firmware)
    }
}

/// What the old kernel put into memory for the gate, the gate included.
struct Loaded<'a> {
    map: &'a [MapEntry],
    ranges: &'a [Range],
    gate: Range,
}

impl Loaded<'_> {
    fn spares(&self, extents: &[Range]) -> Result<(), Reason> {
        if extents.iter().any(|extent| self.over(extent)) {
            return Err(Reason::BadFirmwareTable(
                "the EFI tables lie where the old kernel loaded something",
            ));
        }
        Ok(())
    }

    /// Whether any of it lies in a range: then nothing else does any more.
    fn over(&self, range: &Range) -> bool {
        range.overlaps(self.gate) || self.others(range).next().is_some()
    }

    /// Whether what tells of the configuration tables can be changed.
    fn can_tell(&self, efi: EfiAddresses) -> bool {
        match efi.told_in {
            ToldIn::Loaded => self.is_one_node(efi.told_at),
            // It was read as one, and nothing was loaded over it.
            ToldIn::SystemTable => true,
        }
    }

    /// Whether the 8 bytes at an address are RAM that one thing lies in, the node of setup_data that they were
    /// read from.
    fn is_one_node(&self, address: u64) -> bool {
        Range::new(address, 8).is_some_and(|word| {
            let ram = holder(self.map, word).is_some_and(|it| it.kind != Use::Reserved);
            ram && !word.overlaps(self.gate) && self.others(&word).count() == 1
        })
    }

    fn others(&self, range: &Range) -> impl Iterator<Item = &Range> {
        let range = *range;
        let loaded = self.ranges.iter();
        loaded.filter(move |other| other.overlaps(range))
    }
}

/// The entry of the map that all of a range lies in.
fn holder(map: &[MapEntry], range: Range) -> Option<&MapEntry> {
    map.iter().find(|entry| {
        entry.address <= range.start && range.end <= entry.address.saturating_add(entry.size)
    })
}
