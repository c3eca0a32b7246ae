use super::*;
use crate::KernelMemory;
use crate::memory::Memory;
use crate::samples::btf::LISTS;
use crate::samples::cpus::BTF;
use crate::samples::pages::{HEAD, IMAGE, LRU, POISON, PRIVATE, PageSample, Release};

const FREE: Class = Class::Free;

/// Makes a sample other than it should be.
type Spoil<'a> = &'a dyn Fn(&mut PageSample);

fn find(sample: &PageSample) -> Result<CpuPages, CpusError> {
    let info = sample.info();
    let kernel = KernelMemory::new(sample, sample.machine(), &info).unwrap();
    let regions = Regions::new(sample.ranges(), 4096).unwrap();
    CpuPages::find(&Reader::new(kernel, &info).unwrap(), &info, &regions)
}

fn blocks(found: &CpuPages) -> Vec<(u64, Class, u64)> {
    let all = found.blocks(0..u64::MAX);
    all.map(|(page, block)| (page, block.class, block.pages))
        .collect()
}

fn sample() -> PageSample {
    PageSample::new(Release::V6_12, 1)
}

#[test]
fn the_pages_of_every_cpu_and_order_are_found_in_each_release() {
    for release in Release::ALL {
        let mut sample = PageSample::new(release, 1);
        sample.cpu_frees(0, 0, 0x4001, 0);
        sample.cpu_frees(0, 0, 0x4007, 0);
        sample.cpu_frees(1, 2, 0x4003, 0);
        sample.cpu_frees(1, 10, 0x4010, 3);
        sample.cpu_frees(0, 13, 0x4200, 9);
        sample.cpu_holds(1, 0, 0x4400);
        sample.cpu_holds(0, 1, 0x4401);
        let found = find(&sample).unwrap();
        let expected = [
            (0x4001, FREE, 1),
            (0x4003, FREE, 1),
            (0x4007, FREE, 1),
            (0x4010, FREE, 8),
            (0x4200, FREE, 512),
            (0x4400, Class::Cache, 1),
            (0x4401, Class::Cache, 1),
        ];
        assert_eq!(blocks(&found), expected, "{release:?}");
        assert_eq!((found.free, found.doubtful), (523, 0), "{release:?}");
    }
}

#[test]
fn cpus_without_pages_give_none_and_no_doubt() {
    let found = find(&sample()).unwrap();
    assert_eq!((found.blocks.len(), found.free, found.doubtful), (0, 0, 0));
}

/// What a change of a page that is second of three on a list leaves.
fn spoiled(change: impl Fn(&mut PageSample)) -> CpuPages {
    let mut sample = sample();
    for page in [0x4002, 0x4004, 0x4006] {
        sample.cpu_frees(0, 4, page, 1);
    }
    change(&mut sample);
    find(&sample).unwrap()
}

#[test]
fn a_page_that_does_not_look_free_is_kept_with_all_behind_it_and_counted() {
    let at = PageSample::at(0x4004);
    let tail = PageSample::at(0x4005);
    let spoilers: [(&str, Spoil); 9] = [
        ("a reference", &|it| it.refcount(0x4004, 1)),
        ("a reference to the second", &|it| it.refcount(0x4005, 1)),
        ("on the LRU", &|it| it.flags(0x4004, LRU)),
        ("private", &|it| it.flags(0x4005, PRIVATE)),
        ("a head", &|it| it.flags(0x4004, HEAD)),
        ("broken", &|it| it.flags(0x4004, POISON)),
        ("slab", &|it| it.slab(0x4004)),
        ("a mapping", &|it| it.mapping(0x4005, 1)),
        ("a tail", &|it| it.put(tail + 8, IMAGE + at + 1)),
    ];
    for (what, spoil) in spoilers {
        let found = spoiled(spoil);
        // The last one that was freed is the first on the list.
        assert_eq!(blocks(&found), [(0x4006, FREE, 2)], "{what}");
        assert_eq!(found.doubtful, 4, "{what}");
    }
}

#[test]
fn links_that_lead_elsewhere_end_a_list() {
    let link = PageSample::link(0x4006);
    for wild in [
        0,
        1,
        u64::MAX,
        IMAGE,
        IMAGE + PageSample::link(0x4004) + 1,
        IMAGE + PageSample::at(0x4004),
        IMAGE + PageSample::link(0x9000),
        IMAGE + PageSample::link(0x10_0000),
        IMAGE + (1 << 29),
        0xffff_8880_0000_0008,
        // To itself.
        IMAGE + link,
    ] {
        let found = spoiled(|sample| sample.put(link, wild));
        // An odd one is where a tail says where its head is.
        let is_tail = wild & 1 == 1;
        assert_eq!(blocks(&found).is_empty(), is_tail, "{wild:#x}");
        assert_eq!(found.free, if is_tail { 0 } else { 2 }, "{wild:#x}");
        assert_eq!(found.doubtful, 6 - found.free, "{wild:#x}");
    }
}

#[test]
fn a_list_that_was_being_changed_is_followed_as_far_as_it_leads_back() {
    // A page was taken off, but the one behind it doesn't know yet.
    let found = spoiled(|sample| {
        let head = PageSample::cpu_list(0, 4);
        sample.put(head, IMAGE + PageSample::link(0x4004));
    });
    assert_eq!((blocks(&found), found.doubtful), (vec![], 6));
}

#[test]
fn a_list_that_goes_round_ends_where_it_began() {
    let mut sample = sample();
    let pages: Vec<u64> = (0..600).map(|it| 0x4000 + it).collect();
    for (place, page) in pages.iter().enumerate() {
        let link = |place: usize| IMAGE + PageSample::link(pages[place % 600]);
        sample.put(PageSample::link(*page), link(place + 1));
        sample.put(PageSample::link(*page) + 8, link(place + 599));
    }
    let head = PageSample::cpu_list(0, 0);
    sample.put(head, IMAGE + PageSample::link(0x4000));
    sample.put(PageSample::link(0x4000) + 8, IMAGE + head);
    let found = find(&sample).unwrap();
    // The first doesn't lead back to the last, and no page is there twice.
    assert_eq!(found.free, 600);
    assert_eq!(blocks(&found).len(), 600);
}

#[test]
fn a_count_that_cannot_be_is_a_doubt_and_no_more() {
    for (count, doubt) in [(-1i32, 0), (i32::MIN, 0), (i32::MAX, i32::MAX as u64 - 1)] {
        let mut sample = sample();
        sample.cpu_frees(0, 0, 0x4001, 0);
        sample.bytes(PageSample::cpu_count(0), &count.to_le_bytes());
        let found = find(&sample).unwrap();
        assert_eq!((found.free, found.doubtful), (1, doubt), "{count}");
    }
}

#[test]
fn a_list_that_leads_nowhere_is_a_doubt_whatever_the_count_says() {
    let mut sample = sample();
    for list in [0, 3] {
        sample.put(PageSample::cpu_list(0, list), 0x1234);
    }
    let found = find(&sample).unwrap();
    assert_eq!((found.free, found.doubtful), (0, 2));
}

#[test]
fn a_page_of_a_batch_stays_unless_it_says_that_it_is_page_cache() {
    let spoilers: [Spoil; 6] = [
        &|it| it.refcount(0x4400, 0),
        &|it| it.mapping(0x4400, 0),
        &|it| it.mapping(0x4400, 0xffff_8880_0000_1001),
        &|it| it.flags(0x4400, LRU),
        &|it| it.slab(0x4400),
        &|it| it.offline(0x4400),
    ];
    for (number, spoil) in spoilers.into_iter().enumerate() {
        let mut sample = sample();
        sample.cpu_holds(0, 0, 0x4400);
        spoil(&mut sample);
        assert_eq!(blocks(&find(&sample).unwrap()), [], "spoiler {number}");
    }
    let mut private = sample();
    private.cpu_holds(0, 0, 0x4400);
    private.flags(0x4400, PRIVATE);
    let found = find(&private).unwrap();
    assert_eq!(blocks(&found), [(0x4400, Class::CachePrivate, 1)]);
}

#[test]
fn a_batch_of_more_pages_than_it_has_room_for_is_read_as_far_as_it_goes() {
    let mut sample = sample();
    sample.cpu_holds(0, 0, 0x4400);
    for page in 1..31 {
        sample.cpu_holds(0, 0, 0x4400 + page);
    }
    assert_eq!(find(&sample).unwrap().blocks.len(), 31);
    sample.cpu_holds(0, 0, 0x4500);
    assert_eq!(find(&sample).unwrap().blocks.len(), 31);
}

#[test]
fn what_is_missing_is_named() {
    let without = |key: &str| {
        let mut sample = sample();
        let lines = sample.text.lines().filter(|line| !line.contains(key));
        sample.text = lines.collect::<Vec<_>>().join("\n");
        find(&sample).unwrap_err().to_string()
    };
    assert!(without("kallsyms_names").ends_with("VMCOREINFO has no SYMBOL(kallsyms_names)"));
    assert!(without("_stext").contains("SYMBOL(_stext)"));
    assert!(without("pglist_data.nr_zones").contains("pglist_data.nr_zones"));
    let mut sample = sample();
    sample.put(BTF, 0);
    let error = find(&sample).unwrap_err().to_string();
    assert!(
        error.contains("BTF has an implausible beginning"),
        "{error}"
    );
}

#[test]
fn every_list_of_a_cpu_has_the_order_that_the_kernel_gives_it() {
    for list in 0..LISTS {
        let order = match list {
            0..12 => list / 3,
            _ => 9,
        };
        let mut sample = sample();
        sample.cpu_frees(0, list, 0x4200, order);
        let found = find(&sample).unwrap();
        assert_eq!(blocks(&found), [(0x4200, FREE, 1 << order)], "list {list}");
        // At no multiple of its size it can't be what it is said to be.
        if order > 0 {
            let mut sample = self::sample();
            sample.cpu_frees(0, list, 0x4201, order);
            assert_eq!(find(&sample).unwrap().free, 0, "list {list}");
        }
    }
}
