//! What the kernel says of itself: VMCOREINFO as Linux 6.12 writes it (kernel/vmcore_info.c,
//! arch/x86/kernel/vmcore_info_64.c), as far as filters need it, and what its symbols point to.

use std::collections::BTreeMap;

use super::elf::note;
use super::pages::{
    BLOCK, BUDDY, FLAGS, MAPCOUNT, MAPPING, ORDER, PG_LRU, PG_SWAPBACKED, PRIVATE, REFCOUNT,
    STRUCT, Use, blocks, blocks_of,
};
use super::{PAGE, SECTION, log};

/// Where memory is mapped in order (Documentation/arch/x86/x86_64/mm.rst, four levels).
pub(super) const DIRECT_MAP: u64 = 0xffff_8880_0000_0000;
/// Where `struct page`s are mapped in order.
pub(super) const VMEMMAP: u64 = 0xffff_ea00_0000_0000;
/// Where the image is mapped, of which phys_base is 0: __START_KERNEL_map.
pub(super) const IMAGE: u64 = 0xffff_ffff_8000_0000;

/// All of it is in the first section. After its `struct page`s: page tables (of the upper and the middle
/// level, PUD and PMD), and then what symbols point to. In further blocks of the kernel's: what there is more of the more
/// memory there is.
pub(super) const START: u64 = LARGE;
const TOP: u64 = START;
const IMAGE_UPPER: u64 = TOP + PAGE;
const IMAGE_MIDDLE: u64 = IMAGE_UPPER + PAGE;
const VMEMMAP_UPPER: u64 = IMAGE_MIDDLE + PAGE;
const UTS_NAMESPACE: u64 = VMEMMAP_UPPER + PAGE;
const ONLINE: u64 = UTS_NAMESPACE + PAGE;
const NODES: u64 = ONLINE + PAGE;
const LOG: u64 = NODES + PAGE;
const SECTION_ROOTS: u64 = LOG + log::SIZE;
pub(super) const NODE: u64 = SECTION_ROOTS + 8 * ROOTS;
/// The `struct page`s of all sections that are free, the tables that map vmemmap, and the table of sections.
pub(super) const FREE_STRUCTS: u64 = 4 * BLOCK;
const VMEMMAP_MIDDLE: u64 = 8 * BLOCK;
const SECTIONS: u64 = 12 * BLOCK;
/// Where a CPU's stack is, as far as its registers tell.
const STACK: u64 = START + (1 << 20);

/// What a PMD maps.
const LARGE: u64 = 1 << 21;
/// _PAGE_PRESENT, _PAGE_RW, _PAGE_ACCESSED and _PAGE_DIRTY: _KERNPG_TABLE.
const TABLE: u64 = 0x63;
/// _PAGE_PSE with those.
const LARGE_PAGE: u64 = TABLE | 0x80;
/// Entries of a page table.
const ENTRIES: u64 = 512;
/// KERNEL_IMAGE_SIZE with KASLR.
const IMAGE_SIZE: u64 = 1 << 30;

/// MAX_PHYSMEM_BITS of four levels.
const MEMORY_BITS: u32 = 46;
/// sizeof(struct mem_section) without CONFIG_PAGE_EXTENSION.
const MEM_SECTION: u64 = 16;
/// NR_SECTION_ROOTS, each of a page (SPARSEMEM_EXTREME).
const ROOTS: u64 = (1 << MEMORY_BITS) / SECTION * MEM_SECTION / PAGE;
/// As many sections as vmemmap's one table of the upper level has room for.
pub(super) const MAX_SECTIONS: u64 = ENTRIES * ENTRIES;
/// SECTION_MARKED_PRESENT, SECTION_HAS_MEM_MAP, SECTION_IS_ONLINE and SECTION_IS_EARLY.
const PRESENT: u64 = 0b1111;

/// Members of struct pglist_data and struct zone, as in Debian's kernel.
const NODE_ZONES: u64 = 0;
const NR_ZONES: u64 = 171_552;
const ZONE: u64 = 1536;
const FREE_AREAS: u64 = 256;
/// struct free_area: lists of MIGRATE_TYPES kinds, each a struct list_head, and `nr_free`.
const FREE_LISTS: u64 = 5;
const LIST_HEAD: u64 = 16;
const FREE_AREA: u64 = FREE_LISTS * LIST_HEAD + 8;
/// Where the blocks of the largest order are counted.
pub(super) const NR_FREE: u64 =
    NODE + NODE_ZONES + FREE_AREAS + ORDER * FREE_AREA + FREE_LISTS * LIST_HEAD;

const RELEASE: &str = "6.12.0-synthetic";

/// The notes of a dump: what the one CPU's registers were, and VMCOREINFO.
pub(super) fn notes() -> Vec<u8> {
    // struct elf_prstatus of x86-64: `sp` is at 112 + 8 × 19.
    let mut registers = vec![0; 336];
    registers.splice(264..272, (IMAGE + STACK).to_le_bytes());
    let mut notes = note(b"CORE", 1, &registers);
    notes.extend(note(b"VMCOREINFO", 0, vmcoreinfo().as_bytes()));
    notes
}

fn vmcoreinfo() -> String {
    let mut lines = vec![format!("OSRELEASE={RELEASE}"), format!("PAGESIZE={PAGE}")];
    let symbols = [
        ("init_uts_ns", UTS_NAMESPACE),
        ("node_online_map", ONLINE),
        ("swapper_pg_dir", TOP),
        ("init_top_pgt", TOP),
        ("_stext", START),
        ("mem_section", SECTION_ROOTS),
        ("node_data", NODES),
        ("prb", LOG),
    ];
    lines.extend(symbols.map(|(name, at)| format!("SYMBOL({name})={:x}", IMAGE + at)));
    lines.extend(
        SIZES
            .into_iter()
            .chain(log::SIZES)
            .map(|(name, size)| format!("SIZE({name})={size}")),
    );
    lines.extend(
        OFFSETS
            .into_iter()
            .chain(log::OFFSETS)
            .map(|(name, offset)| format!("OFFSET({name})={offset}")),
    );
    lines.extend(LENGTHS.map(|(name, length)| format!("LENGTH({name})={length}")));
    lines.extend(NUMBERS.map(|(name, number)| format!("NUMBER({name})={number}")));
    lines.push("KERNELOFFSET=0".to_owned());
    lines.join("\n") + "\n"
}

const SIZES: [(&str, u64); 6] = [
    ("mem_section", MEM_SECTION),
    ("page", STRUCT),
    ("zone", ZONE),
    ("free_area", FREE_AREA),
    ("list_head", LIST_HEAD),
    ("nodemask_t", 8),
];

const OFFSETS: [(&str, u64); 13] = [
    ("uts_namespace.name", 0),
    ("mem_section.section_mem_map", 0),
    ("page.flags", FLAGS),
    ("page._refcount", REFCOUNT),
    ("page.mapping", MAPPING),
    ("page.lru", 8),
    ("page._mapcount", MAPCOUNT),
    ("page.private", PRIVATE),
    ("page.compound_head", 8),
    ("pglist_data.node_zones", NODE_ZONES),
    ("pglist_data.nr_zones", NR_ZONES),
    ("zone.free_area", FREE_AREAS),
    ("free_area.free_list", 0),
];

const LENGTHS: [(&str, u64); 4] = [
    ("mem_section", ROOTS),
    ("zone.free_area", ORDER + 1),
    ("free_area.free_list", FREE_LISTS),
    ("node_data", 64),
];

const NUMBERS: [(&str, i64); 17] = [
    ("SECTION_SIZE_BITS", 27),
    ("MAX_PHYSMEM_BITS", MEMORY_BITS as i64),
    ("NR_FREE_PAGES", 0),
    ("PG_lru", PG_LRU as i64),
    ("PG_private", 14),
    ("PG_swapcache", 10),
    ("PG_swapbacked", PG_SWAPBACKED as i64),
    ("PG_hwpoison", 20),
    ("PG_head_mask", 64),
    ("PAGE_SLAB_MAPCOUNT_VALUE", -0x0b00_0000),
    ("PAGE_BUDDY_MAPCOUNT_VALUE", BUDDY as i64),
    ("PAGE_HUGETLB_MAPCOUNT_VALUE", -0x0c00_0000),
    ("PAGE_OFFLINE_MAPCOUNT_VALUE", -0x0f00_0000),
    ("phys_base", 0),
    ("pgtable_l5_enabled", 0),
    ("KERNEL_IMAGE_SIZE", IMAGE_SIZE as i64),
    ("sme_mask", 0),
];

/// What is where in memory, later entries over earlier ones, of a machine of which so many sections aren't free.
pub(super) fn contents(sections: u64, used: u64) -> Vec<(u64, Vec<u8>)> {
    let mut contents = page_tables(sections, used);
    contents.push((UTS_NAMESPACE, utsname()));
    // Of 64 nodes there is the first one.
    contents.push((ONLINE, words([1])));
    contents.push((NODES, table([(0, IMAGE + NODE)])));
    contents.push((SECTIONS, section_table(sections)));
    let mut roots = words((0..ROOTS).map(|_| 0));
    let parts = (0..sections.div_ceil(PAGE / MEM_SECTION)).map(|it| IMAGE + SECTIONS + it * PAGE);
    let parts = words(parts);
    roots.splice(..parts.len(), parts);
    contents.push((SECTION_ROOTS, roots));
    // Its one zone has free blocks of the largest order alone.
    let areas = (ORDER + 1) * FREE_AREA;
    let node = NODE + NODE_ZONES + FREE_AREAS;
    let all = blocks().end - blocks().start;
    let free = used * blocks_of(Use::Free) + (sections - used) * all;
    contents.push((node, words((0..areas / 8).map(|_| 0))));
    contents.push((NR_FREE, words([free])));
    contents.push((NODE + NR_ZONES, words([1])));
    contents.extend(log::contents(LOG));
    contents
}

/// The image's and vmemmap's, of large pages.
fn page_tables(sections: u64, used: u64) -> Vec<(u64, Vec<u8>)> {
    let index = |address: u64, level: u32| address >> (12 + 9 * level) & (ENTRIES - 1);
    let image = (0..IMAGE_SIZE / LARGE).map(|page| (page, (page * LARGE) | LARGE_PAGE));
    // With `struct page`s of 64 bytes, those of a section fill a large page.
    let middles = (0..sections).step_by(512).map(|first| {
        let entries = first..sections.min(first + ENTRIES);
        let entry = |section| match section {
            _ if section < used => section * SECTION,
            _ => FREE_STRUCTS,
        };
        table(entries.map(|section| (section - first, entry(section) | LARGE_PAGE)))
    });
    let middles: Vec<(u64, Vec<u8>)> = (VMEMMAP_MIDDLE..).step_by(4096).zip(middles).collect();
    let first = index(VMEMMAP, 2);
    let upper = (first..)
        .zip(&middles)
        .map(|(entry, (at, _))| (entry, at | TABLE));
    let upper = table(upper);
    let mut tables = vec![
        (
            TOP,
            table([
                (index(IMAGE, 3), IMAGE_UPPER | TABLE),
                (index(VMEMMAP, 3), VMEMMAP_UPPER | TABLE),
            ]),
        ),
        (
            IMAGE_UPPER,
            table([(index(IMAGE, 2), IMAGE_MIDDLE | TABLE)]),
        ),
        (IMAGE_MIDDLE, table(image)),
        (VMEMMAP_UPPER, upper),
    ];
    tables.extend(middles);
    tables
}

/// The sections of all roots, which follow one another: all of them have their `struct page`s in vmemmap (sparse_encode_mem_map).
fn section_table(sections: u64) -> Vec<u8> {
    // Each has two words, the second of which nobody reads.
    let mut bytes = words((0..sections).flat_map(|_| [VMEMMAP | PRESENT, 0]));
    bytes.resize(bytes.len().next_multiple_of(4096), 0);
    bytes
}

/// struct new_utsname.
fn utsname() -> Vec<u8> {
    let fields = ["Linux", "synthetic", RELEASE, "#1 SMP", "x86_64", "(none)"];
    let mut bytes = Vec::new();
    for field in fields {
        let end = bytes.len() + 65;
        bytes.extend(field.as_bytes());
        bytes.resize(end, 0);
    }
    bytes
}

/// A page of words, all zero but these.
fn table(entries: impl IntoIterator<Item = (u64, u64)>) -> Vec<u8> {
    let entries: BTreeMap<u64, u64> = entries.into_iter().collect();
    words((0..ENTRIES).map(|index| entries.get(&index).copied().unwrap_or(0)))
}

pub(super) fn words(values: impl IntoIterator<Item = u64>) -> Vec<u8> {
    values.into_iter().flat_map(u64::to_le_bytes).collect()
}
