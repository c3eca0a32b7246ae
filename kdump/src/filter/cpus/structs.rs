//! `struct page`s by their addresses.

use crate::filter::Reader;
use crate::filter::memory_map::Section;
use std::collections::BTreeMap;

/// What large pages map, by which `struct page`s are mapped.
const WINDOW: u64 = 1 << 21;
/// How many windows and sections are remembered: 1 TiB of memory.
const MAX_REMEMBERED: usize = 1 << 13;

/// Reads them, and remembers where they are: lists lead back and forth.
pub(super) struct Structs<'a, 'b> {
    pub reader: &'a Reader<'b>,
    /// A section from which the others' numbers follow: the `struct page`s of all are at one distance from their numbers
    /// (SPARSEMEM_VMEMMAP).
    anchor: Section,
    sections: BTreeMap<u64, Option<Section>>,
    windows: BTreeMap<u64, u64>,
    buffer: Vec<u8>,
}

impl<'a, 'b> Structs<'a, 'b> {
    pub(super) fn new(reader: &'a Reader<'b>, anchor: Section) -> Structs<'a, 'b> {
        Structs {
            reader,
            anchor,
            sections: BTreeMap::new(),
            windows: BTreeMap::new(),
            buffer: Vec::new(),
        }
    }

    /// The number of the page whose `struct page` is at this address.
    pub(super) fn page(&mut self, address: u64) -> Option<u64> {
        let size = self.reader.layout.size;
        let far = address.wrapping_sub(self.anchor.page(0, size));
        let page = far
            .checked_div(size as u64)
            .filter(|_| far.is_multiple_of(size as u64))?;
        let number = page / self.reader.map.pages();
        if self.sections.len() >= MAX_REMEMBERED {
            self.sections.clear();
        }
        let (map, kernel) = (&self.reader.map, &self.reader.kernel);
        let look = || map.section(kernel, page).ok().flatten();
        let section = self.sections.entry(number).or_insert_with(look).as_ref()?;
        (section.page(page, size) == address).then_some(page)
    }

    /// So many of them from this address on.
    pub(super) fn read(&mut self, address: u64, count: usize) -> Option<&[u8]> {
        let length = self.reader.layout.size * count;
        self.buffer.resize(length, 0);
        let inside = address % WINDOW;
        let kernel = &self.reader.kernel;
        if inside + length as u64 > WINDOW {
            kernel.read(address, &mut self.buffer).ok()?;
            return Some(&self.buffer);
        }
        let start = address - inside;
        if !self.windows.contains_key(&start) {
            if self.windows.len() >= MAX_REMEMBERED {
                self.windows.clear();
            }
            match kernel.translate(start) {
                Ok(found) if found.left >= WINDOW => {
                    self.windows.insert(start, found.physical);
                }
                _ => {
                    kernel.read(address, &mut self.buffer).ok()?;
                    return Some(&self.buffer);
                }
            }
        }
        let physical = self.windows.get(&start)?.checked_add(inside)?;
        kernel.physical().read(physical, &mut self.buffer).ok()?;
        Some(&self.buffer)
    }
}
