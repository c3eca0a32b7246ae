//! The pages that are written first: without them, no other is of much use.

use crate::address_space::KernelMemory;
use crate::dmesg::Log;
use crate::note::CpuState;
use crate::vmcoreinfo::VmcoreInfo;

/// The most pages of each kind: whoever wrote nonsense over the log's size must not delay the rest.
const MAX_PAGES: usize = 1 << 16;

/// Numbers of pages, each list sorted and without repetitions.
#[derive(Debug, Default)]
pub(crate) struct PriorityPages {
    /// The kernel log, the kernel's name, and the page tables for them.
    pub log: Vec<u64>,
    /// The stacks of the tasks that ran, without pages of `log`.
    pub stacks: Vec<u64>,
    /// Both.
    pub all: Vec<u64>,
    /// Those that are the kernel's, whatever the registers say.
    pub certain: Vec<u64>,
}

impl PriorityPages {
    pub(crate) fn find(
        kernel: &KernelMemory<'_>,
        info: &VmcoreInfo,
        cpus: &[CpuState],
        page_size: u64,
    ) -> PriorityPages {
        let mut log = Pages {
            kernel,
            page_size,
            found: Vec::new(),
        };
        // crash and libkdumpfile look for the kernel's name, and for the page tables' top.
        let architecture = kernel.architecture();
        let symbols = ["init_uts_ns", "swapper_pg_dir"];
        for symbol in symbols.iter().chain(architecture.top_tables) {
            if let Ok(address) = info.symbol(symbol) {
                log.mapped(address, page_size);
            }
        }
        if let Ok(found) = Log::open(kernel, info) {
            for range in found.occupied() {
                log.physical(range.start, range.end);
            }
        }
        let log = log.sorted();
        let mut stacks = Pages {
            kernel,
            page_size,
            found: Vec::new(),
        };
        let length = architecture.stack_len;
        for cpu in cpus {
            stacks.mapped(cpu.stack / length * length, length);
        }
        let mut stacks = stacks.sorted();
        stacks.retain(|page| log.binary_search(page).is_err());
        let mut all = [log.as_slice(), stacks.as_slice()].concat();
        all.sort_unstable();
        PriorityPages {
            certain: log.clone(),
            log,
            stacks,
            all,
        }
    }
}

struct Pages<'a> {
    kernel: &'a KernelMemory<'a>,
    page_size: u64,
    found: Vec<u64>,
}

impl Pages<'_> {
    fn physical(&mut self, start: u64, end: u64) {
        let pages = start / self.page_size..end.div_ceil(self.page_size);
        let room = MAX_PAGES.saturating_sub(self.found.len());
        self.found.extend(pages.take(room));
    }

    /// What is mapped at a virtual address, and the page tables for it.
    fn mapped(&mut self, address: u64, length: u64) {
        let mut done = 0;
        while done < length {
            let here = address.wrapping_add(done);
            if let Ok(found) = self.kernel.translate(here) {
                self.physical(found.physical, found.physical + 1);
                for table in self.kernel.tables(here) {
                    self.physical(table, table + 1);
                }
            }
            done += self.page_size;
        }
    }

    fn sorted(mut self) -> Vec<u64> {
        self.found.sort_unstable();
        self.found.dedup();
        self.found
    }
}
