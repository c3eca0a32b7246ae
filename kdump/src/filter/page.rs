//! One `struct page`: what its page is used for.

use super::class::Class;
use super::layout::{Compound, Layout};
use crate::bytes::{u32_at, u64_at};

/// Bit 0 of `mapping`: PAGE_MAPPING_ANON, since 6.15 FOLIO_MAPPING_ANON (include/linux/page-flags.h).
const ANONYMOUS: u64 = 1;
/// PAGE_MAPPING_FLAGS: the lowest bits say what `mapping` points to, if not to an address space.
const MAPPING_FLAGS: u64 = 3;
/// Bit 0 of `compound_head`: the page is no head.
const TAIL: u64 = 1;
/// The largest order of a compound page: 16 GiB of 4 KiB, the largest pages of hugetlbfs anywhere.
const MAX_ORDER: u8 = 22;
/// The least a mask in `compound_info` can be: pages of hugetlbfs have less than 2^32 bytes of
/// `struct page`, and these have no such addresses.
const MIN_MASK: u64 = 0xffff_ffff_0000_0000;

/// A `struct page`, with the one after it where there is one.
#[derive(Clone, Copy)]
pub(crate) struct Page<'a> {
    layout: &'a Layout,
    bytes: &'a [u8],
}

/// Pages of one use, from a page on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub class: Class,
    pub pages: u64,
}

impl<'a> Page<'a> {
    /// The first `struct page` in these bytes.
    pub(crate) fn new(layout: &'a Layout, bytes: &'a [u8]) -> Page<'a> {
        Page { layout, bytes }
    }

    fn long(&self, offset: usize) -> u64 {
        u64_at(self.bytes, offset).unwrap_or(0)
    }

    fn flags(&self) -> u64 {
        self.long(self.layout.flags)
    }

    /// The page type, or how often the page is mapped.
    fn page_type(&self) -> Option<u32> {
        u32_at(self.bytes, self.layout.mapcount?)
    }

    fn is_type(&self, value: Option<u32>) -> bool {
        // Compared whole: since 6.12, types are numbers in the top byte, and no bits.
        value.is_some() && self.page_type() == value
    }

    pub(crate) fn is_tail(&self) -> bool {
        self.long(self.layout.head) & TAIL != 0
    }

    fn is_poisoned(&self) -> bool {
        self.flags() & self.layout.hwpoison != 0
    }

    fn is_head(&self) -> bool {
        self.flags() & self.layout.head_mask != 0
    }

    fn is_slab(&self) -> bool {
        self.is_type(self.layout.slab_type) || self.flags() & self.layout.slab.unwrap_or(0) != 0
    }

    fn has(&self, flag: Option<u64>) -> bool {
        self.flags() & flag.unwrap_or(0) != 0
    }

    fn second(&self) -> Option<Page<'a>> {
        let bytes = self.bytes.get(self.layout.size..)?;
        (bytes.len() >= self.layout.size).then_some(Page {
            layout: self.layout,
            bytes,
        })
    }

    /// Where the `struct page` of the head is, seen from one at `address` that may be a tail, or seem a
    /// head: hugetlbfs may have all of a page's `struct page`s but the first few share memory, heads
    /// among them (mm/hugetlb_vmemmap.c, page_fixed_fake_head).
    pub(crate) fn head(&self, address: u64) -> u64 {
        let own = self.long(self.layout.head);
        if own & TAIL != 0 {
            return followed(own, address);
        }
        let second = self.second().filter(|_| self.is_head());
        let other = second.map_or(0, |second| second.long(self.layout.head));
        if other & TAIL == 0 {
            return address;
        }
        let next = address.wrapping_add(self.layout.size as u64);
        followed(other, next)
    }

    /// The order of the compound page that `page` is the head of; 0 of a page that is none.
    fn order(&self, page: u64) -> u8 {
        let Some(second) = self.second().filter(|_| self.is_head()) else {
            return 0;
        };
        let order = match self.layout.compound {
            Compound::Type(_) | Compound::Flag(_) | Compound::Order => {
                // folio._flags_1
                second.bytes.get(self.layout.flags).copied()
            }
            Compound::Bytes { order, .. } => second.bytes.get(order).copied(),
        };
        // A compound page stands at a multiple of its size.
        order
            .filter(|order| *order <= MAX_ORDER && page & ((1 << order) - 1) == 0)
            .unwrap_or(0)
    }

    fn is_hugetlb(&self) -> bool {
        let Some(second) = self.second().filter(|_| self.is_head()) else {
            return false;
        };
        match self.layout.compound {
            Compound::Type(value) => self.is_type(Some(value)),
            Compound::Flag(bit) => second.flags() >> bit & 1 == 1,
            Compound::Bytes {
                destructor: Some((offset, number)),
                ..
            } => second.bytes.get(offset) == Some(&number),
            Compound::Bytes { .. } | Compound::Order => false,
        }
    }

    /// How many pages are not to be read because of this one, of this number; 0 if it's sound.
    pub(crate) fn poisons(&self, page: u64) -> u64 {
        if !self.is_poisoned() {
            0
        } else if self.is_hugetlb() {
            // Of hugetlbfs, the head tells that one of its pages is broken, but not which.
            1 << self.order(page)
        } else {
            1
        }
    }

    /// What the page of this number is used for, with those that are used with it; `None` if it's the
    /// kernel's, or a tail, of which the head tells.
    pub(crate) fn block(&self, page: u64) -> Option<Block> {
        if self.is_tail() {
            return None;
        }
        let slab = self.is_slab();
        if self.is_type(self.layout.buddy) && !slab {
            let order = self.long(self.layout.private?);
            let order = u32::try_from(order).ok()?;
            // An order that can't be: the page is no more free than the kernel is right.
            let can_be = order < self.layout.orders && page & ((1 << order) - 1) == 0;
            return can_be.then(|| Block {
                class: Class::Free,
                pages: 1 << order,
            });
        }
        if self.is_type(self.layout.unaccepted) {
            let order = self.layout.orders.checked_sub(1)?;
            return Some(Block {
                class: Class::Unaccepted,
                pages: 1 << order,
            });
        }
        let class = self.class(slab)?;
        Some(Block {
            class,
            pages: 1 << self.order(page),
        })
    }

    /// Whether nobody uses it, and it isn't in the buddy allocator either: as free pages that a CPU keeps for itself
    /// (free_pages_prepare of mm/page_alloc.c).
    pub(crate) fn is_idle(&self) -> bool {
        let layout = self.layout;
        let unreferenced = layout.refcount.and_then(|at| u32_at(self.bytes, at)) == Some(0);
        let unmapped = layout.mapping.and_then(|at| u64_at(self.bytes, at)) == Some(0);
        let used = [
            layout.lru,
            layout.has_private,
            layout.swapcache,
            layout.slab,
        ];
        unreferenced
            && unmapped
            // No page type, and not mapped.
            && self.page_type() == Some(u32::MAX)
            && !self.is_tail()
            && !self.is_head()
            && !self.is_poisoned()
            && !used.into_iter().any(|flag| self.has(flag))
    }

    /// Page cache that isn't on the LRU lists, with the pages that are used with it.
    pub(crate) fn cached_off_lists(&self, page: u64) -> Option<Block> {
        let mapping = self.long(self.layout.mapping?);
        let count = u32_at(self.bytes, self.layout.refcount?)?;
        let is_cache = mapping != 0 && mapping & MAPPING_FLAGS == 0 && count > 0;
        if !is_cache || self.is_tail() || self.is_slab() || self.block(page).is_some() {
            return None;
        }
        Some(Block {
            class: self.cache(),
            pages: 1 << self.order(page),
        })
    }

    fn cache(&self) -> Class {
        if self.has(self.layout.has_private) {
            Class::CachePrivate
        } else {
            Class::Cache
        }
    }

    fn class(&self, slab: bool) -> Option<Class> {
        let mapping = self.layout.mapping.map(|offset| self.long(offset));
        let anonymous = mapping.is_some_and(|mapping| mapping & ANONYMOUS != 0) && !slab;
        let cached = self.has(self.layout.lru)
            || self.has(self.layout.swapcache)
                && self
                    .layout
                    .swapbacked
                    .is_none_or(|flag| self.flags() & flag != 0);
        if cached && !anonymous {
            return Some(self.cache());
        }
        if anonymous || self.is_hugetlb() {
            return Some(Class::User);
        }
        (self.is_type(self.layout.offline) && !slab).then_some(Class::Offline)
    }
}

/// Where a tail at `address` says that its head is: at an address, or since 7.1 at its own address
/// under a mask.
fn followed(value: u64, address: u64) -> u64 {
    let value = value & !TAIL;
    // Ones, and then zeros.
    let is_mask = value >= MIN_MASK && value.wrapping_neg().is_power_of_two();
    if is_mask { address & value } else { value }
}
