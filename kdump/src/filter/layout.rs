//! How the crashed kernel lays out `struct page`, by its VMCOREINFO.
//!
//! What is used for what is makedumpfile's `__exclude_unnecessary_pages`; the kernels named here are
//! those whose `struct page` (include/linux/mm_types.h, page-flags.h) changed.

use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};

/// Why nothing can be told of any page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// VMCOREINFO lacks something, or it can't be understood.
    #[error(transparent)]
    VmcoreInfo(#[from] VmcoreInfoError),
    /// A value that can't be.
    #[error("the crashed kernel's VMCOREINFO has an implausible {0}")]
    Odd(&'static str),
}

type Result<T> = std::result::Result<T, LayoutError>;

/// What tells a page of hugetlbfs, and how the order of compound pages is found: in the page after the
/// head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compound {
    /// Since 6.9: a page type of the head; the order is the lowest byte of the flags.
    Type(u32),
    /// 6.6 to 6.8: a flag; the order likewise.
    Flag(u32),
    /// Before: a byte each.
    Bytes {
        order: usize,
        /// Where the destructor's number is, and which one is that of hugetlbfs.
        destructor: Option<(usize, u8)>,
    },
    /// 6.6 to 6.8 without hugetlbfs: the order likewise, and nothing is said about it. Newer kernels have the page type
    /// all the same, and every older one that has `compound_head` says where the order is.
    Order,
}

/// Offsets, flags and types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub size: usize,
    pub flags: usize,
    pub mapcount: Option<usize>,
    pub mapping: Option<usize>,
    pub refcount: Option<usize>,
    /// The links of lists that a page is on.
    pub links: Option<usize>,
    pub private: Option<usize>,
    /// `compound_head`, or `compound_info` since 7.1.
    pub head: usize,
    pub compound: Compound,
    pub head_mask: u64,
    pub lru: Option<u64>,
    pub has_private: Option<u64>,
    pub swapcache: Option<u64>,
    pub swapbacked: Option<u64>,
    pub hwpoison: u64,
    /// PG_slab, before 6.10.
    pub slab: Option<u64>,
    pub slab_type: Option<u32>,
    pub buddy: Option<u32>,
    pub offline: Option<u32>,
    pub unaccepted: Option<u32>,
    /// How many orders the buddy allocator has.
    pub orders: u32,
}

impl Layout {
    pub(crate) fn new(info: &VmcoreInfo) -> Result<Layout> {
        let size = usize::try_from(info.size("page")?)
            .ok()
            .filter(|size| (32..=512).contains(size) && size % 8 == 0)
            .ok_or(LayoutError::Odd("SIZE(page)"))?;
        let read = Reader { info, size };
        let head = match read.field("page.compound_head")? {
            Some(offset) => offset,
            None => read
                .field("page.compound_info")?
                .ok_or_else(|| missing("OFFSET(page.compound_head)"))?,
        };
        let orders = optional(info.length("zone.free_area"))?.unwrap_or(0);
        Ok(Layout {
            size,
            flags: read
                .field("page.flags")?
                .ok_or_else(|| missing("OFFSET(page.flags)"))?,
            mapcount: read.field("page._mapcount")?,
            mapping: read.field("page.mapping")?,
            refcount: read.field("page._refcount")?,
            links: read
                .field("page.lru")?
                .filter(|offset| *offset <= size - 16),
            private: read.field("page.private")?,
            head,
            compound: read.compound()?,
            // A mask, unlike the others.
            head_mask: optional(info.number("PG_head_mask"))?.map_or(0, i64::cast_unsigned),
            lru: read.flag("PG_lru")?,
            has_private: read.flag("PG_private")?,
            swapcache: read.flag("PG_swapcache")?,
            swapbacked: read.flag("PG_swapbacked")?,
            // Kernels without CONFIG_MEMORY_FAILURE have none.
            hwpoison: read.flag("PG_hwpoison")?.unwrap_or(0),
            slab: read.flag("PG_slab")?,
            slab_type: read.page_type("PAGE_SLAB_MAPCOUNT_VALUE")?,
            buddy: read.page_type("PAGE_BUDDY_MAPCOUNT_VALUE")?,
            offline: read.page_type("PAGE_OFFLINE_MAPCOUNT_VALUE")?,
            unaccepted: read.page_type("PAGE_UNACCEPTED_MAPCOUNT_VALUE")?,
            orders: u32::try_from(orders)
                .ok()
                .filter(|orders| *orders <= 32)
                .ok_or(LayoutError::Odd("LENGTH(zone.free_area)"))?,
        })
    }

    /// What pages of processes can't be told without; `None` if nothing is missing.
    pub(crate) fn user_lacks(&self) -> Option<&'static str> {
        if self.mapping.is_none() {
            return Some("OFFSET(page.mapping)");
        }
        // What slab has in `mapping`'s place would pass for anonymous memory.
        if self.slab.is_none() && (self.slab_type.is_none() || self.mapcount.is_none()) {
            return Some("NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)");
        }
        None
    }

    /// What page cache can't be told without.
    pub(crate) fn cache_lacks(&self) -> Option<&'static str> {
        [
            (self.mapping.is_none(), "OFFSET(page.mapping)"),
            (self.lru.is_none(), "NUMBER(PG_lru)"),
            (self.has_private.is_none(), "NUMBER(PG_private)"),
            (self.swapcache.is_none(), "NUMBER(PG_swapcache)"),
        ]
        .into_iter()
        .find_map(|(lacks, what)| lacks.then_some(what))
    }

    /// What free pages can't be told without.
    pub(crate) fn free_lacks(&self) -> Option<&'static str> {
        [
            (self.mapcount.is_none(), "OFFSET(page._mapcount)"),
            (self.private.is_none(), "OFFSET(page.private)"),
            (self.buddy.is_none(), "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)"),
            (self.orders == 0, "LENGTH(zone.free_area)"),
        ]
        .into_iter()
        .find_map(|(lacks, what)| lacks.then_some(what))
    }
}

fn missing(key: &str) -> LayoutError {
    VmcoreInfoError::Missing(key.to_owned()).into()
}

/// A value that kernels may leave out.
fn optional<T>(value: std::result::Result<T, VmcoreInfoError>) -> Result<Option<T>> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(VmcoreInfoError::Missing(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

struct Reader<'a> {
    info: &'a VmcoreInfo,
    size: usize,
}

impl Reader<'_> {
    /// The offset of a member of at most eight bytes.
    fn field(&self, member: &'static str) -> Result<Option<usize>> {
        let Some(offset) = optional(self.info.offset(member))? else {
            return Ok(None);
        };
        usize::try_from(offset)
            .ok()
            .filter(|offset| offset % 4 == 0 && *offset <= self.size - 8)
            .map(Some)
            .ok_or(LayoutError::Odd(member))
    }

    /// The mask of a flag, of which the number of its bit is told.
    fn flag(&self, name: &'static str) -> Result<Option<u64>> {
        optional(self.info.number(name))?
            .map(|bit| {
                u32::try_from(bit)
                    .ok()
                    .and_then(|bit| 1u64.checked_shl(bit))
                    .ok_or(LayoutError::Odd(name))
            })
            .transpose()
    }

    /// A page type: what `_mapcount` is, as a signed or an unsigned number.
    fn page_type(&self, name: &'static str) -> Result<Option<u32>> {
        optional(self.info.number(name))?
            .map(|value| {
                i32::try_from(value)
                    .map(i32::cast_unsigned)
                    .or_else(|_| u32::try_from(value))
                    .map_err(|_| LayoutError::Odd(name))
            })
            .transpose()
    }

    fn compound(&self) -> Result<Compound> {
        if let Some(value) = self.page_type("PAGE_HUGETLB_MAPCOUNT_VALUE")? {
            return Ok(Compound::Type(value));
        }
        if let Some(bit) = optional(self.info.number("PG_hugetlb"))? {
            return u32::try_from(bit)
                .ok()
                .filter(|bit| *bit < 64)
                .map(Compound::Flag)
                .ok_or(LayoutError::Odd("NUMBER(PG_hugetlb)"));
        }
        let order = self.second("folio._folio_order", "page.compound_order")?;
        let destructor = self.second("folio._folio_dtor", "page.compound_dtor")?;
        let number = optional(self.info.number("HUGETLB_PAGE_DTOR"))?;
        let number = number.and_then(|number| u8::try_from(number).ok());
        Ok(order.map_or(Compound::Order, |order| Compound::Bytes {
            order,
            destructor: destructor.zip(number),
        }))
    }

    /// The offset of a byte in the page after the head: 6.3 to 6.5 tell it from the head on.
    fn second(&self, folio: &'static str, page: &'static str) -> Result<Option<usize>> {
        let in_second = |offset: u64, before: usize, what| {
            usize::try_from(offset)
                .ok()
                .and_then(|offset| offset.checked_sub(before))
                .filter(|offset| *offset < self.size)
                .ok_or(LayoutError::Odd(what))
        };
        if let Some(offset) = optional(self.info.offset(folio))? {
            return in_second(offset, self.size, folio).map(Some);
        }
        optional(self.info.offset(page))?
            .map(|offset| in_second(offset, 0, page))
            .transpose()
    }
}
