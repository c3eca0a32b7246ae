//! EFI's memory map, as the old kernel passes it on: where RAM is, and where the firmware's tables are now that it runs
//! with virtual addresses.

extern crate alloc;

use alloc::vec::Vec;

use baton_formats::device_tree::Node;
use baton_formats::reader::{u32_at, u64_at};
use baton_verify::Reason;

use crate::memory::{PAGE, PhysicalMemory};
use crate::plan::{MapEntry, Range, Use};

/// The least length of an EFI_MEMORY_DESCRIPTOR, and the most that the map has in all.
const DESCRIPTOR: u32 = 40;
const MAX_MAP: u32 = 1 << 20;

/// What is memory that a kernel may use (is_usable_memory in drivers/firmware/efi/efi-init.c in Linux): the loader's and
/// the firmware's of boot time, code and data, and conventional memory (UEFI 2.10, 7.2.1). The gate leaves alone what
/// Linux could use besides: ACPI's tables, persistent memory, in which somebody's files may be, and what is set aside for
/// a purpose.
const USABLE: [u32; 5] = [1, 2, 3, 4, 7];

/// EFI_MEMORY_WB, EFI_MEMORY_SP and EFI_MEMORY_RUNTIME (UEFI 2.10, 7.2.3).
const WRITE_BACK: u64 = 8;
const SPECIAL_PURPOSE: u64 = 1 << 18;
const RUNTIME: u64 = 1 << 63;

/// The map.
pub struct EfiMap<'m> {
    bytes: &'m [u8],
    descriptor: usize,
}

/// One EFI_MEMORY_DESCRIPTOR (UEFI 2.10, 7.2.3).
struct Descriptor {
    kind: u32,
    physical: u64,
    /// 0 where the firmware got none.
    mapped_at: u64,
    size: u64,
    attributes: u64,
}

impl<'m> EfiMap<'m> {
    /// Reads what `/chosen` tells of; gives also where it lies.
    ///
    /// # Errors
    /// `BadBootParams`.
    pub fn read<M: PhysicalMemory>(
        memory: &'m M,
        chosen: &Node<'_>,
    ) -> Result<(Self, Range), Reason> {
        let missing = Reason::BadBootParams("the EFI memory map can't be read");
        let number = |name| match chosen.u32(name) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(missing.clone()),
            Err(error) => Err(Reason::BadDeviceTree(error)),
        };
        let start = chosen.u64("linux,uefi-mmap-start");
        let start = start.map_err(Reason::BadDeviceTree)?;
        let size = number("linux,uefi-mmap-size")?;
        let descriptor = number("linux,uefi-mmap-desc-size")?;
        if descriptor < DESCRIPTOR || size > MAX_MAP {
            return Err(missing);
        }
        let place = start.and_then(|start| Range::new(start, size.into()));
        let place = place.ok_or(missing.clone())?;
        let bytes = memory.read(place.start, size.into()).ok_or(missing)?;
        let map = Self {
            bytes,
            descriptor: descriptor as usize,
        };
        Ok((map, place))
    }

    /// What memory is for.
    ///
    /// # Errors
    /// `BadMemoryMap`, if a region wraps.
    pub fn entries(&self) -> Result<Vec<MapEntry>, Reason> {
        let mut map = Vec::new();
        for region in self.descriptors() {
            let region = region?;
            let attributes = region.attributes & (WRITE_BACK | SPECIAL_PURPOSE);
            let usable = USABLE.contains(&region.kind) && attributes == WRITE_BACK;
            map.push(MapEntry {
                address: region.physical,
                size: region.size,
                kind: if usable { Use::Ram } else { Use::Reserved },
            });
        }
        Ok(map)
    }

    /// The physical address of what the firmware has at `address`: virtual, since the kernel told it so, unless it never
    /// did (efi_to_phys in drivers/firmware/efi/efi-init.c).
    #[must_use]
    pub fn physical(&self, address: u64) -> u64 {
        let found = self.mapped().find_map(|it| {
            let within = address.checked_sub(it.mapped_at)?;
            (within < it.size).then(|| it.physical.checked_add(within))?
        });
        found.unwrap_or(address)
    }

    /// The virtual addresses that the firmware has something at: what Linux takes for such a one it translates.
    pub fn virtual_ranges(&self) -> Vec<Range> {
        let ranges = self.mapped();
        ranges
            .filter_map(|it| Range::new(it.mapped_at, it.size))
            .collect()
    }

    fn mapped(&self) -> impl Iterator<Item = Descriptor> + use<'m> {
        let regions = self.descriptors().filter_map(Result::ok);
        let runtime = regions.filter(|it| it.attributes & RUNTIME != 0);
        runtime.take_while(|it| it.mapped_at != 0)
    }

    fn descriptors(&self) -> impl Iterator<Item = Result<Descriptor, Reason>> + use<'m> {
        self.bytes.chunks_exact(self.descriptor).map(|bytes| {
            let field = |at| u64_at(bytes, at).unwrap_or(0);
            let size = field(24).checked_mul(PAGE);
            Ok(Descriptor {
                kind: u32_at(bytes, 0).unwrap_or(0),
                physical: field(8),
                mapped_at: field(16),
                size: size.ok_or(Reason::BadMemoryMap("an EFI memory region wraps"))?,
                attributes: field(32),
            })
        })
    }
}
