//! What a section's pages are used for: their `struct page`s (include/linux/mm_types.h,
//! page-flags.h of Linux 6.12), and their contents.

use std::ops::Range;

use super::{PAGE, SECTION};

/// The largest block of the buddy allocator.
pub(super) const BLOCK: u64 = PAGE << ORDER;
/// MAX_PAGE_ORDER.
pub(super) const ORDER: u64 = 10;
/// sizeof(struct page).
pub(super) const STRUCT: u64 = 64;

/// Members of `struct page`, as `describe` has them.
pub(super) const FLAGS: u64 = 0;
pub(super) const MAPPING: u64 = 24;
pub(super) const PRIVATE: u64 = 40;
pub(super) const MAPCOUNT: u64 = 48;
pub(super) const REFCOUNT: u64 = 52;
/// Numbers of bits of `flags`.
pub(super) const PG_LRU: u32 = 5;
pub(super) const PG_SWAPBACKED: u32 = 17;
/// What `_mapcount` is of the head of a free block: PGTY_buddy in the top byte.
pub(super) const BUDDY: i32 = -0x1000_0000;
/// A `struct anon_vma` somewhere, with PAGE_MAPPING_ANON.
const ANONYMOUS: u64 = 0xffff_8880_0123_4560 | 1;

/// What a block is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Kernel,
    Programs,
    Free,
}

/// A section's blocks.
pub(super) fn blocks() -> Range<u64> {
    0..SECTION / BLOCK
}

/// What a section's block is used for.
pub(super) fn used_for(block: u64) -> Use {
    match block % 4 {
        0 => Use::Kernel,
        1 => Use::Programs,
        _ => Use::Free,
    }
}

/// How many of a section's blocks are used for this.
pub(super) fn blocks_of(purpose: Use) -> u64 {
    blocks()
        .map(|block| u64::from(used_for(block) == purpose))
        .sum()
}

/// A section's `struct page`s: the same of each section.
pub(super) fn structs() -> Vec<u8> {
    structs_of(used_for)
}

/// The `struct page`s of a section that is free.
pub(super) fn free_structs() -> Vec<u8> {
    structs_of(|_| Use::Free)
}

fn structs_of(used_for: impl Fn(u64) -> Use) -> Vec<u8> {
    let pages = 0..SECTION / PAGE;
    pages
        .flat_map(|page| {
            let first = page % (BLOCK / PAGE) == 0;
            describe(used_for(page * PAGE / BLOCK), first)
        })
        .flat_map(u64::to_le_bytes)
        .collect()
}

/// A `struct page`, as words; the first of a free block speaks for all of the block.
fn describe(purpose: Use, first: bool) -> [u64; 8] {
    let (flags, mapping, private) = match purpose {
        Use::Programs => ((1 << PG_LRU) | (1 << PG_SWAPBACKED), ANONYMOUS, 0),
        Use::Free if first => (0, 0, ORDER),
        Use::Kernel | Use::Free => (0, 0, 0),
    };
    // _mapcount counts from -1 on.
    let (mapcount, refcount) = match purpose {
        Use::Kernel => (-1, 1),
        Use::Programs => (0, 1),
        Use::Free if first => (BUDDY, 0),
        Use::Free => (-1, 0),
    };
    let counts = u64::from(i32::cast_unsigned(mapcount)) | refcount << 32;
    [flags, 0, 0, mapping, 0, private, counts, 0]
}

/// What a block of the kernel's holds: pages that differ, and that shrink to a third or so. Programs that
/// write dumps look at each page by itself, so that it may be the same of each block.
pub(super) fn data() -> Vec<u8> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    (0..BLOCK / 8)
        .flat_map(|word| {
            let random = random.next();
            // A quarter of each page can't be compressed; the rest are small numbers.
            let value = if word % (PAGE / 8) < PAGE / 32 {
                random
            } else {
                random % 4
            };
            value.to_le_bytes()
        })
        .collect()
}

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
