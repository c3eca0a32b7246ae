//! What the CPUs of a machine with `struct page`s keep for themselves, with the symbols and the BTF by which it is found.

use super::btf::{BATCH_SIZE, BtfSample, COUNT, LISTS, LISTS_AT, PAGESET};
use super::pages::{IMAGE, PageSample, Release, ZONE};

/// Where these things are, by physical address.
pub(crate) const NAMES: u64 = 0x12_0000;
pub(crate) const TOKENS: u64 = 0x12_1000;
pub(crate) const INDEX: u64 = 0x12_2000;
pub(crate) const OFFSETS: u64 = 0x12_3000;
const BASE: u64 = 0x12_3800;
pub(crate) const COUNT_OF_SYMBOLS: u64 = 0x12_3808;
/// The table of symbols, with all its parts.
pub(crate) const SYMBOLS: std::ops::Range<u64> = NAMES..COUNT_OF_SYMBOLS + 4;
pub(crate) const BTF: u64 = 0x12_4000;
const PER_CPU_OFFSET: u64 = 0x12_5000;
const NR_CPU_IDS: u64 = 0x12_5800;
const CPUS: u64 = 0x12_6000;
const CPU_SIZE: u64 = 0x2000;
const PAGES: u64 = 0;
const BATCHES: u64 = 0x1000;
/// All of it, by physical address, for dumps that have no more.
pub(crate) const ALL: std::ops::Range<u64> = NAMES..CPUS + NUMBER * CPU_SIZE;

/// How many CPUs there are.
const NUMBER: u64 = 2;
/// `lru` of a `struct page`.
const LINKS: u64 = 8;

/// What VMCOREINFO says of the symbols.
pub(crate) fn text(release: Release) -> String {
    let at = |name: &str, at: u64| format!("SYMBOL({name})={:x}\n", IMAGE + at);
    let mut text = format!("SYMBOL(_stext)={IMAGE:x}\n");
    for (name, place) in [
        ("kallsyms_names", NAMES),
        ("kallsyms_token_table", TOKENS),
        ("kallsyms_token_index", INDEX),
        ("kallsyms_offsets", OFFSETS),
        ("kallsyms_num_syms", COUNT_OF_SYMBOLS),
    ] {
        text += &at(name, place);
    }
    if release != Release::V7_1 {
        text += &at("kallsyms_relative_base", BASE);
    }
    text
}

/// How far a CPU's data are from where its pointers lead: up to 6.14 these are numbers from 0 on.
fn from(release: Release) -> u64 {
    if release == Release::V6_12 {
        0
    } else {
        IMAGE + CPUS
    }
}

impl PageSample {
    /// Puts all of it there; the CPUs have no pages yet.
    pub(crate) fn add_cpus(&mut self) {
        self.add_symbols();
        self.bytes(BTF, &BtfSample::of_pages().build());
        self.put(NR_CPU_IDS, NUMBER);
        let from = from(self.release);
        self.put(ZONE + u64::from(PAGESET), from + PAGES);
        for cpu in 0..NUMBER {
            let data = IMAGE + CPUS + cpu * CPU_SIZE;
            self.put(PER_CPU_OFFSET + 8 * cpu, data.wrapping_sub(from));
            for list in 0..LISTS {
                let head = PageSample::cpu_list(cpu, list);
                self.put(head, IMAGE + head);
                self.put(head + 8, IMAGE + head);
            }
        }
    }

    fn add_symbols(&mut self) {
        // Each byte stands for itself.
        let mut at = 0u16;
        for token in 0..=255u8 {
            self.bytes(INDEX + 2 * u64::from(token), &at.to_le_bytes());
            if token != 0 {
                self.bytes(TOKENS + u64::from(at), &[token]);
                at += 1;
            }
            at += 1;
        }
        self.put(BASE, IMAGE);
        let btf = BtfSample::of_pages().build().len() as u64;
        let symbols = [
            ("_stext", IMAGE),
            ("__start_BTF", IMAGE + BTF),
            ("__stop_BTF", IMAGE + BTF + btf),
            ("__per_cpu_offset", IMAGE + PER_CPU_OFFSET),
            ("nr_cpu_ids", IMAGE + NR_CPU_IDS),
            ("cpu_fbatches", from(self.release) + BATCHES),
        ];
        self.put(COUNT_OF_SYMBOLS, symbols.len() as u64);
        let mut names = Vec::new();
        for (number, (name, address)) in (0..).zip(symbols) {
            names.push(u8::try_from(name.len() + 1).unwrap());
            names.push(b'T');
            names.extend(name.bytes());
            let entry = OFFSETS + 4 * number;
            let offset = match self.release {
                Release::V7_1 => address.wrapping_sub(IMAGE + entry),
                Release::V6_12 if address >= IMAGE => (IMAGE - 1).wrapping_sub(address),
                Release::V6_12 => address,
                _ => address - IMAGE,
            };
            self.bytes(entry, &offset.to_le_bytes()[..4]);
        }
        self.bytes(NAMES, &names);
    }

    /// The head of a CPU's list.
    pub(crate) fn cpu_list(cpu: u64, list: u32) -> u64 {
        CPUS + cpu * CPU_SIZE + PAGES + u64::from(LISTS_AT) + 16 * u64::from(list)
    }

    /// The link of a page.
    pub(crate) fn link(page: u64) -> u64 {
        PageSample::at(page) + LINKS
    }

    /// A CPU puts a page, of this order, on a list of its own.
    pub(crate) fn cpu_frees(&mut self, cpu: u64, list: u32, page: u64, order: u32) {
        let (head, link) = (PageSample::cpu_list(cpu, list), PageSample::link(page));
        let first = self.long(head);
        self.put(link, first);
        self.put(link + 8, IMAGE + head);
        self.put(head, IMAGE + link);
        self.put(first - IMAGE + 8, IMAGE + link);
        let count = PageSample::cpu_count(cpu);
        let pages = self.long(count) & 0xffff_ffff;
        self.bytes(count, &(pages + (1 << order)).to_le_bytes()[..4]);
    }

    /// How many pages a CPU's lists have.
    pub(crate) fn cpu_count(cpu: u64) -> u64 {
        CPUS + cpu * CPU_SIZE + PAGES + u64::from(COUNT)
    }

    /// A CPU has page cache in a batch, off the LRU lists.
    pub(crate) fn cpu_holds(&mut self, cpu: u64, batch: u64, page: u64) {
        let at = CPUS + cpu * CPU_SIZE + BATCHES + 8 + batch * u64::from(BATCH_SIZE);
        let count = self.long(at) & 0xff;
        self.bytes(at, &[u8::try_from(count + 1).unwrap()]);
        self.put(at + 8 + 8 * count, IMAGE + PageSample::at(page));
        self.mapping(page, 0xffff_8880_0000_1000);
        self.refcount(page, 1);
    }
}
