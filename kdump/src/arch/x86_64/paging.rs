//! Page tables of x86-64, of four or five levels (Intel SDM volume 3, chapter 4;
//! arch/x86/include/asm/pgtable_types.h).

use crate::arch::{AddressError, Translated};
use crate::memory::Memory;
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};
use std::ops::Range;

/// __START_KERNEL_map (arch/x86/include/asm/page_64_types.h): where the kernel's image is mapped.
const IMAGE: u64 = 0xffff_ffff_8000_0000;
/// KERNEL_IMAGE_SIZE where VMCOREINFO doesn't say it: the smaller of its two values.
const IMAGE_SIZE: u64 = 512 << 20;
/// _PAGE_PRESENT.
const PRESENT: u64 = 1;
/// _PAGE_PSE: the entry maps a large page.
const LARGE: u64 = 1 << 7;
/// The bits of an entry that can be an address: 12 to 51.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Where the kernel's image and its page tables are.
#[derive(Debug, Clone)]
pub(super) struct Paging {
    image: Range<u64>,
    phys_base: u64,
    top: u64,
    levels: u32,
    /// The bits of an entry that are an address: without that which says that memory is encrypted.
    address: u64,
}

impl Paging {
    pub(super) fn new(info: &VmcoreInfo) -> Result<Paging, VmcoreInfoError> {
        let phys_base = info.number("phys_base")?.cast_unsigned();
        let top = info.symbol("init_top_pgt").or_else(|missing| {
            // Before 4.13 it had another name.
            info.symbol("init_level4_pgt").map_err(|_| missing)
        })?;
        // Kernels that can't have what these speak of don't mention them.
        let number = |name, otherwise| match info.number(name) {
            Err(VmcoreInfoError::Missing(_)) => Ok(otherwise),
            stated => stated.map(i64::cast_unsigned),
        };
        let size = number("KERNEL_IMAGE_SIZE", IMAGE_SIZE)?;
        let encrypted = number("sme_mask", 0)?;
        Ok(Paging {
            image: IMAGE..IMAGE.saturating_add(size),
            phys_base,
            top: top.wrapping_sub(IMAGE).wrapping_add(phys_base),
            levels: if number("pgtable_l5_enabled", 0)? == 0 {
                4
            } else {
                5
            },
            address: ADDRESS & !encrypted,
        })
    }

    fn walk(
        &self,
        memory: &dyn Memory,
        address: u64,
        visited: &mut dyn FnMut(u64),
    ) -> Result<Translated, AddressError> {
        if !self.canonical(address) {
            return Err(AddressError::Unmapped(address));
        }
        let mut table = self.top & ADDRESS;
        for level in (0..self.levels).rev() {
            let shift = 12 + 9 * level;
            let index = address >> shift & 0x1ff;
            visited(table);
            let mut entry = [0; 8];
            memory
                .read(table + 8 * index, &mut entry)
                .map_err(|error| AddressError::Tables(address, error))?;
            let entry = u64::from_le_bytes(entry);
            if entry & PRESENT == 0 {
                return Err(AddressError::Unmapped(address));
            }
            // Only entries for 4 KiB, 2 MiB and 1 GiB map pages.
            if level == 0 || level <= 2 && entry & LARGE != 0 {
                let inside = (1 << shift) - 1;
                return Ok(Translated {
                    physical: (entry & self.address & !inside) + (address & inside),
                    left: (1 << shift) - (address & inside),
                });
            }
            table = entry & self.address;
        }
        Err(AddressError::Unmapped(address))
    }

    /// Whether the bits above those that are translated repeat the highest of them.
    fn canonical(&self, address: u64) -> bool {
        let unused = 64 - (12 + 9 * self.levels);
        let extended = address.cast_signed() << unused >> unused;
        extended.cast_unsigned() == address
    }
}

impl crate::arch::Paging for Paging {
    fn translate(
        &self,
        memory: &dyn Memory,
        address: u64,
        table: &mut dyn FnMut(u64),
    ) -> Result<Translated, AddressError> {
        if self.image.contains(&address) {
            // __phys_addr_symbol: no table is needed for it.
            return Ok(Translated {
                physical: (address - IMAGE).wrapping_add(self.phys_base),
                left: self.image.end - address,
            });
        }
        self.walk(memory, address, table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address_space::KernelMemory;
    use crate::arch::Machine;
    use crate::format::elf::Vmcore;
    use crate::memory::Unreadable;
    use crate::samples::core;
    use std::sync::Arc;

    /// The direct mapping, vmemmap and modules, more or less.
    const SMALL: u64 = 0xffff_8880_0000_3000;
    const LARGE_2M: u64 = 0xffff_ea00_0020_0000;
    const LARGE_1G: u64 = 0xffff_8880_4000_0000;

    const RAM: u64 = 0x100_0000;

    fn put(ram: &mut [u8], address: u64, value: u64) {
        let at = usize::try_from(address - RAM).unwrap();
        ram[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }

    fn index(address: u64, level: u32) -> u64 {
        address >> (12 + 9 * level) & 0x1ff
    }

    /// Tables from 16 MiB on, with `flags` in each entry; the first one is the image's first page.
    fn sample(levels: u32, flags: u64, info: &str) -> (Vmcore, VmcoreInfo) {
        let mut ram = vec![0; 16 << 12];
        let mut free = RAM + 0x1000;
        let mut table = RAM;
        if levels == 5 {
            // Two of the five-level entries lead to the same table.
            for address in [SMALL, LARGE_2M] {
                put(&mut ram, table + 8 * index(address, 4), free | flags);
            }
            table = free;
            free += 0x1000;
        }
        let top = table;
        let mut step = |table: u64, address, level| {
            put(&mut ram, table + 8 * index(address, level), free | flags);
            free += 0x1000;
            free - 0x1000
        };
        let third = step(top, SMALL, 3);
        let second = step(third, SMALL, 2);
        let first = step(second, SMALL, 1);
        let page = step(first, SMALL, 0);
        let other = step(top, LARGE_2M, 3);
        let other = step(other, LARGE_2M, 2);
        put(
            &mut ram,
            third + 8 * index(LARGE_1G, 2),
            flags | LARGE | 1 << 30,
        );
        put(
            &mut ram,
            other + 8 * index(LARGE_2M, 1),
            flags | LARGE | 0x20_0000,
        );
        put(&mut ram, page + 0x10, 0x1122_3344_5566_7788);
        let bytes = core(b"", &[(RAM, ram.len() as u64, ram)]);
        let text =
            format!("NUMBER(phys_base)={RAM}\nSYMBOL(init_top_pgt)=ffffffff80000000\n{info}");
        (
            Vmcore::open(Arc::new(bytes)).unwrap(),
            VmcoreInfo::parse(text.as_bytes()),
        )
    }

    fn check(levels: u32, flags: u64, info: &str) {
        let (memory, info) = sample(levels, flags, info);
        let kernel = KernelMemory::new(&memory, Machine::X86_64, &info).unwrap();
        assert_eq!(kernel.u64(SMALL + 0x10), Ok(0x1122_3344_5566_7788));
        let large = |address, physical, left| {
            assert_eq!(kernel.translate(address), Ok(Translated { physical, left }));
        };
        large(LARGE_2M + 0x1234, 0x20_1234, 0x20_0000 - 0x1234);
        large(LARGE_1G + 0x1234, 0x4000_1234, 0x4000_0000 - 0x1234);
        let next = SMALL + 0x1000;
        assert_eq!(kernel.translate(next), Err(AddressError::Unmapped(next)));
        let across = kernel.read(SMALL + 0xffc, &mut [0; 8]);
        assert_eq!(across, Err(AddressError::Unmapped(next)));
    }

    #[test]
    fn pages_of_each_size_are_found_through_four_levels() {
        check(4, PRESENT, "");
    }

    #[test]
    fn pages_of_each_size_are_found_through_five_levels() {
        check(5, PRESENT, "NUMBER(pgtable_l5_enabled)=1");
    }

    #[test]
    fn the_bit_that_says_encrypted_and_no_execute_are_no_address() {
        let bit = 1u64 << 47;
        check(
            4,
            PRESENT | bit | 1 << 63,
            &format!("NUMBER(sme_mask)={bit}"),
        );
    }

    #[test]
    fn the_image_needs_no_tables() {
        let (memory, info) = sample(4, PRESENT, "NUMBER(KERNEL_IMAGE_SIZE)=1073741824");
        let kernel = KernelMemory::new(&memory, Machine::X86_64, &info).unwrap();
        let found = kernel.translate(IMAGE + 0x2010).unwrap();
        assert_eq!(found.physical, RAM + 0x2010);
        assert!(kernel.tables(IMAGE + 0x2010).is_empty());
    }

    #[test]
    fn the_tables_on_the_way_are_told() {
        let (memory, info) = sample(4, PRESENT, "");
        let kernel = KernelMemory::new(&memory, Machine::X86_64, &info).unwrap();
        let tables = kernel.tables(SMALL);
        assert_eq!(tables, [RAM, RAM + 0x1000, RAM + 0x2000, RAM + 0x3000]);
        assert_eq!(kernel.tables(LARGE_1G), tables[..2]);
    }

    #[test]
    fn an_address_that_is_not_canonical_is_unmapped() {
        let (memory, info) = sample(4, PRESENT, "");
        let kernel = KernelMemory::new(&memory, Machine::X86_64, &info).unwrap();
        for address in [SMALL & !(1 << 60), SMALL & !(1 << 47), u64::MAX] {
            assert!(kernel.read(address, &mut [0; 8]).is_err(), "{address:#x}");
        }
    }

    #[test]
    fn tables_that_lead_out_of_memory_or_to_themselves_end() {
        let (_, info) = sample(4, PRESENT, "");
        for entry in [u64::MAX, RAM | PRESENT, 0xdead_0000 | PRESENT] {
            let ram = entry.to_le_bytes().repeat(512);
            let bytes = core(b"", &[(RAM, ram.len() as u64, ram)]);
            let memory = Vmcore::open(Arc::new(bytes)).unwrap();
            let kernel = KernelMemory::new(&memory, Machine::X86_64, &info).unwrap();
            match kernel.read(SMALL, &mut [0; 8]) {
                Ok(()) => assert_eq!(entry, RAM | PRESENT),
                Err(AddressError::Tables(_, Unreadable::Absent(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_translation_needs_is_named() {
        let error = Paging::new(&VmcoreInfo::parse(b"")).unwrap_err();
        assert!(error.to_string().ends_with("no NUMBER(phys_base)"));
        let error = Paging::new(&VmcoreInfo::parse(b"NUMBER(phys_base)=0")).unwrap_err();
        assert!(error.to_string().ends_with("no SYMBOL(init_top_pgt)"));
    }
}
