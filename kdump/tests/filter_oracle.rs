//! Which pages are dumped, against makedumpfile, with the cores of real kernels (`cores`).
//!
//!     cargo test --release -p baton-kdump --test filter_oracle -- --ignored --nocapture

mod cores;

use baton_kdump::{Dump, KernelMemory, Memory, VmcoreInfo};
use std::path::Path;
use std::process::Command;

fn ours(source: &Dump, level: u8, path: &Path) -> Dump {
    let summary = cores::write(source, level, path);
    assert_eq!(summary.warnings, [], "level {level}");
    assert_eq!(u8::from(summary.level), level);
    cores::open(path)
}

fn theirs(vmcore: &Path, level: u8, path: &Path) -> Dump {
    let run = Command::new(cores::makedumpfile())
        .args(["-d", &level.to_string()])
        .args([vmcore, path])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    cores::open(path)
}

/// Where a `struct page` is.
fn struct_page(kernel: &KernelMemory<'_>, info: &VmcoreInfo, page: u64) -> u64 {
    let sections = info.symbol("mem_section").unwrap();
    let size = info.size("mem_section").unwrap();
    let (section, each) = (page >> 15, 4096 / size);
    let root = kernel.u64(sections + 8 * (section / each)).unwrap();
    let map = kernel.u64(root + size * (section % each)).unwrap() & !0x3f;
    map + 64 * page
}

/// Whether a CPU may keep a page for itself, which makedumpfile doesn't know: nobody uses it, or it is page cache that
/// isn't on the LRU lists.
fn is_of_a_cpu(source: &Dump, level: u8, page: u64) -> bool {
    let info = source.vmcoreinfo().unwrap();
    let kernel = KernelMemory::new(source, source.machine(), info).unwrap();
    let here = struct_page(&kernel, info, page);
    let at = |member| here + info.offset(member).unwrap();
    let flags = kernel.u64(at("page.flags")).unwrap();
    let is_on_lru = flags >> info.number("PG_lru").unwrap() & 1 == 1;
    let references = kernel.u32(at("page._refcount")).unwrap();
    let mapping = kernel.u64(at("page.mapping")).unwrap();
    let has_type = kernel.u32(at("page._mapcount")).unwrap() != u32::MAX;
    let is_free = references == 0 && mapping == 0 && !has_type;
    let is_cache = references > 0 && mapping != 0 && mapping & 3 == 0;
    !is_on_lru && (level & 16 != 0 && is_free || level & 6 != 0 && is_cache)
}

/// Whether a page is a tail of a compound page that is the kernel's: of slab, or of a large kmalloc.
/// makedumpfile before 1.7.9 doesn't know `compound_info` (Linux 7.1), takes such tails for pages of their
/// own, and what is in them for anonymous memory.
fn is_tail_of_the_kernels(source: &Dump, page: u64) -> bool {
    let info = source.vmcoreinfo().unwrap();
    let kernel = KernelMemory::new(source, source.machine(), info).unwrap();
    if info.offset("page.compound_head").is_ok() {
        return false;
    }
    let tail = struct_page(&kernel, info, page);
    let link = kernel
        .u64(tail + info.offset("page.compound_info").unwrap())
        .unwrap();
    let head = tail & (link & !1);
    let kind = kernel
        .u32(head + info.offset("page._mapcount").unwrap())
        .unwrap();
    let mapping = kernel
        .u64(head + info.offset("page.mapping").unwrap())
        .unwrap();
    let is = |name| info.number(name) == Ok(kind.cast_signed().into());
    let anonymous = mapping & 1 == 1 && !is("PAGE_SLAB_MAPCOUNT_VALUE");
    link & 1 == 1 && !anonymous && !is("PAGE_HUGETLB_MAPCOUNT_VALUE")
}

#[test]
#[ignore = "needs the cores of real kernels and makedumpfile"]
fn the_same_pages_are_dumped_as_by_makedumpfile() {
    let scratch = tempfile::tempdir().unwrap();
    let scratch = scratch.path();
    for vmcore in cores::all() {
        let source = cores::open(&vmcore);
        let kernel = vmcore.display();
        for level in [0, 1, 2, 4, 6, 8, 16, 17, 31] {
            let (one, two) = (scratch.join("ours"), scratch.join("theirs"));
            let our_dump = ours(&source, level, &one);
            let their_dump = theirs(&vmcore, level, &two);
            assert_eq!(our_dump.ranges(), their_dump.ranges());
            let (mut same, mut tails, mut of_cpus) = (0, 0, 0);
            for address in source
                .ranges()
                .iter()
                .flat_map(|range| (range.start / 4096 * 4096..range.end).step_by(4096))
            {
                let (our, their) = (our_dump.excluded(address), their_dump.excluded(address));
                if our == their {
                    same += 1;
                    continue;
                }
                if our {
                    assert!(
                        is_of_a_cpu(&source, level, address / 4096),
                        "{kernel}, level {level}: {address:#x} is left out"
                    );
                    of_cpus += 1;
                    continue;
                }
                assert!(
                    is_tail_of_the_kernels(&source, address / 4096),
                    "{kernel}, level {level}: {address:#x} is kept"
                );
                tails += 1;
            }
            println!(
                "{kernel}, level {level}: {same} as makedumpfile, {tails} tails of the kernel's pages kept, \
                 {of_cpus} that CPUs keep for themselves left out"
            );
            std::fs::remove_file(&one).unwrap();
            std::fs::remove_file(&two).unwrap();
        }
    }
}
