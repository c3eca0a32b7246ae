//! Pages read many at once, and one by one where that fails.

use crate::memory::Memory;

/// Fills `buffer` with pages from `address` on. Returns which of them can't be read, by number.
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
            (!read_page(memory, address, page)).then_some(number)
        })
        .collect()
}

/// Reads one page; what of it is no memory is zeros.
fn read_page(memory: &dyn Memory, address: u64, page: &mut [u8]) -> bool {
    if memory.read(address, page).is_ok() {
        return true;
    }
    page.fill(0);
    let end = address + page.len() as u64;
    let ranges = memory.ranges();
    let first = ranges.partition_point(|range| range.end <= address);
    let inside = ranges
        .iter()
        .skip(first)
        .take_while(|range| range.start < end);
    let mut parts = inside
        .map(|range| range.start.max(address)..range.end.min(end))
        .peekable();
    // All of it is memory, and that was tried.
    if parts.peek() == Some(&(address..end)) {
        return false;
    }
    parts.all(|part| {
        let place = |at: u64| usize::try_from(at - address).unwrap_or(usize::MAX);
        page.get_mut(place(part.start)..place(part.end))
            .is_some_and(|bytes| memory.read(part.start, bytes).is_ok())
    })
}
