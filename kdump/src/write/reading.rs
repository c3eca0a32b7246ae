//! Pages read many at once, and one by one where that fails.

use crate::memory::{Memory, read_page};

/// Fills `buffer` with pages from `address` on; what is no memory, or was left out, is zeros. Returns which of
/// them can't be read, by number: they are zeros, too.
pub(crate) fn read_pages(
    memory: &dyn Memory,
    address: u64,
    buffer: &mut [u8],
    page_size: usize,
) -> Vec<usize> {
    if memory.read(address, buffer).is_ok() {
        return Vec::new();
    }
    let pages = buffer.chunks_mut(page_size).enumerate();
    pages
        .filter_map(|(number, page)| {
            let address = address + (number * page_size) as u64;
            read_page(memory, address, page).err().map(|_| {
                page.fill(0);
                number
            })
        })
        .collect()
}
