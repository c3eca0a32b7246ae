use super::*;
use crate::Memory;
use crate::samples::pages::{
    HEAD, IMAGE, LRU, POISON, PRIVATE, PageSample, Release, SWAPBACKED, SWAPCACHE,
};

/// All that was chosen and found, at a level.
struct Outcome {
    chosen: Vec<Bits>,
    forbidden: Vec<Bits>,
    found: Found,
    warnings: Vec<Warning>,
    level: u8,
}

impl Outcome {
    fn of(sample: &PageSample, level: u8) -> Outcome {
        Outcome::with(sample, level, &[])
    }

    fn with(sample: &PageSample, level: u8, known_pages: &[u64]) -> Outcome {
        Outcome::treating(sample, level, OnDoubt::Keep, known_pages)
    }

    fn treating(sample: &PageSample, level: u8, on_doubt: OnDoubt, known_pages: &[u64]) -> Outcome {
        let regions = Regions::new(sample.ranges(), 4096).unwrap();
        let info = sample.info();
        let kernel = KernelMemory::new(sample, sample.machine(), &info).unwrap();
        let level = Level::try_from(level).unwrap();
        let mut filter = Filter::new(&kernel, &info, level, on_doubt, &regions, known_pages);
        for _ in 0..=Class::ALL.len() {
            let mut found = Found::default();
            let (mut chosen, mut forbidden) = (Vec::new(), Vec::new());
            for region in 0..regions.count() {
                let scanned = filter.scan(&regions, region);
                found.add(&scanned);
                chosen.push(scanned.chosen);
                forbidden.push(scanned.forbidden);
            }
            if filter.judge(&found) {
                return Outcome {
                    chosen,
                    forbidden,
                    found,
                    level: filter.level(level).into(),
                    warnings: filter.warnings().to_vec(),
                };
            }
        }
        panic!("the filter is never content");
    }

    fn kept(&self, page: u64) -> bool {
        let (region, place) = (page >> 15, page & 0x7fff);
        self.chosen[usize::try_from(region).unwrap()].has(usize::try_from(place).unwrap())
    }

    fn left_out(&self) -> Vec<std::ops::Range<u64>> {
        let mut gone = Vec::new();
        for (region, bits) in self.chosen.iter().enumerate() {
            let mut all = Bits::default();
            all.insert(0..REGION);
            all.remove_all(bits);
            let base = (region * REGION) as u64;
            gone.extend(
                all.runs(0..REGION)
                    .map(|run| base + run.start as u64..base + run.end as u64),
            );
        }
        crate::ranges::joined(gone)
    }
}

/// One of everything, apart from each other.
fn everything(release: Release) -> PageSample {
    let mut sample = PageSample::new(release, 1);
    sample.flags(0x4001, LRU);
    sample.flags(0x4003, LRU | PRIVATE);
    sample.flags(0x4005, LRU);
    sample.mapping(0x4005, 0xffff_8880_0000_0001);
    sample.flags(0x4007, SWAPCACHE | SWAPBACKED);
    sample.flags(0x4009, SWAPCACHE);
    sample.slab(0x400b);
    sample.flags(0x400d, POISON);
    sample.offline(0x400f);
    sample.free(0x4010, 3);
    sample.mapping(0x4024, 0xffff_8880_0000_0001);
    sample.compound(0x4024, 2);
    sample.flags(0x4030, LRU);
    sample.compound(0x4030, 4);
    sample.hugetlb(0x4200, 9);
    sample
}

const ALWAYS: [std::ops::Range<u64>; 2] = [0x400d..0x400e, 0x400f..0x4010];

fn expected(parts: &[&[std::ops::Range<u64>]]) -> Vec<std::ops::Range<u64>> {
    crate::ranges::joined(parts.concat())
}

#[test]
fn each_level_leaves_out_its_pages_in_each_release() {
    let cache: &[_] = &[0x4001..0x4002, 0x4007..0x4008, 0x4030..0x4040];
    let private: &[_] = &[0x4003..0x4004];
    let user: &[_] = &[0x4005..0x4006, 0x4024..0x4028, 0x4200..0x4400];
    let free: &[_] = &[0x4010..0x4018];
    for release in Release::ALL {
        let sample = everything(release);
        for (level, parts) in [
            (0, vec![]),
            (1, vec![]),
            (2, vec![cache]),
            (4, vec![cache, private]),
            (8, vec![user]),
            (16, vec![free]),
            (31, vec![cache, private, user, free]),
        ] {
            let outcome = Outcome::of(&sample, level);
            let all = expected(&[&ALWAYS, &parts.concat()]);
            assert_eq!(outcome.left_out(), all, "{release:?}, level {level}");
            assert_eq!(outcome.warnings, [], "{release:?}, level {level}");
            assert_eq!(outcome.level, level);
        }
        let found = Outcome::of(&sample, 31).found.counts;
        let counts = Counts {
            cache: 18,
            cache_private: 1,
            user: 1 + 4 + 512,
            free: 8,
            unaccepted: 0,
            poisoned: 1,
            offline: 1,
        };
        assert_eq!(found, counts, "{release:?}");
    }
}

#[test]
fn a_kernel_without_hugetlbfs_has_large_pages_all_the_same() {
    let mut sample = PageSample::new(Release::V6_6, 1);
    sample.mapping(0x4024, 0xffff_8880_0000_0001);
    sample.compound(0x4024, 2);
    let is_told = |line: &&str| !line.contains("PG_hugetlb");
    let lines: Vec<&str> = sample.text.lines().filter(is_told).collect();
    sample.text = lines.join("\n");
    let outcome = Outcome::of(&sample, 8);
    assert_eq!(outcome.left_out(), [0x4024..0x4028]);
    assert_eq!(outcome.warnings, []);
}

#[test]
fn broken_and_offline_pages_are_forbidden_at_every_level() {
    for level in 0..32 {
        let outcome = Outcome::of(&everything(Release::V6_12), level);
        let runs: Vec<_> = outcome.forbidden[0].runs(0..REGION).collect();
        assert_eq!(runs, [0x400d..0x400e, 0x400f..0x4010], "level {level}");
    }
}

#[test]
fn unaccepted_memory_is_as_good_as_free() {
    for release in [Release::V6_12, Release::V7_1] {
        let mut sample = PageSample::new(release, 1);
        sample.unaccepted(0x4000);
        let outcome = Outcome::of(&sample, 16);
        assert_eq!(outcome.left_out(), [0x4000..0x4400]);
        assert_eq!(Outcome::of(&sample, 15).left_out(), []);
    }
}

#[test]
fn a_compound_page_goes_on_in_the_next_sections() {
    for release in Release::ALL {
        // 1 GiB, all of it but for what the sample itself needs, at a multiple of its size.
        let mut sample = PageSample::new(release, 4);
        sample.hugetlb(0x1_0000, 16);
        let outcome = Outcome::of(&sample, 8);
        assert_eq!(outcome.left_out(), [0x1_0000..0x2_0000], "{release:?}");
        assert_eq!(outcome.found.counts.user, 0x1_0000);
        assert_eq!(Outcome::of(&sample, 23).left_out(), [], "{release:?}");
    }
}

#[test]
fn a_section_that_begins_with_a_false_head_belongs_to_the_true_one() {
    // As mm/hugetlb_vmemmap.c has it: the first page of structs, with the head, stands for the rest.
    let mut sample = PageSample::new(Release::V6_6, 4);
    sample.hugetlb(0x1_0000, 16);
    let mut first = vec![0; 4096];
    let head = PageSample::at(0x1_0000);
    sample.read(head, &mut first).unwrap();
    for page in 1..(0x1_0000 * 64 / 4096) {
        sample.bytes(head + page * 4096, &first);
    }
    let outcome = Outcome::of(&sample, 8);
    assert_eq!(outcome.left_out(), [0x1_0000..0x2_0000]);
}

#[test]
fn one_broken_page_of_hugetlbfs_keeps_all_of_it_from_being_read() {
    for release in Release::ALL {
        let mut sample = PageSample::new(release, 1);
        sample.flags(0x4200, POISON);
        sample.hugetlb(0x4200, 9);
        sample.flags(0x5005, POISON);
        let outcome = Outcome::of(&sample, 0);
        let all = [0x4200..0x4400, 0x5005..0x5006];
        assert_eq!(outcome.left_out(), all, "{release:?}");
    }
}

#[test]
fn a_broken_page_within_a_compound_page_is_left_out_alone() {
    let mut sample = PageSample::new(Release::V6_12, 1);
    sample.compound(0x4040, 4);
    sample.flags(0x4045, POISON);
    assert_eq!(Outcome::of(&sample, 31).left_out(), [0x4045..0x4046]);
}

#[test]
fn orders_that_cannot_be_are_no_orders() {
    for release in Release::ALL {
        let mut sample = PageSample::new(release, 1);
        // Too large, and not at a multiple of its size.
        sample.free(0x4010, 11);
        sample.free(0x4011, 1);
        sample.free(0x4020, u64::MAX / 64);
        sample.free(0x4024, 64);
        sample.flags(0x4031, LRU);
        sample.compound(0x4031, 4);
        let outcome = Outcome::of(&sample, 31);
        assert_eq!(outcome.left_out(), [0x4031..0x4032], "{release:?}");
    }
}

#[test]
fn what_cpus_keep_for_themselves_is_left_out_by_the_level_that_says_so() {
    for release in Release::ALL {
        let mut sample = PageSample::new(release, 2);
        sample.cpu_frees(0, 0, 0x4001, 0);
        sample.cpu_frees(1, 9, 0x8008, 3);
        sample.cpu_holds(1, 0, 0x4400);
        sample.flags(0x4401, PRIVATE);
        sample.cpu_holds(1, 0, 0x4401);
        let (free, cache) = ([0x4001..0x4002, 0x8008..0x8010], 0x4400..0x4401);
        let private = 0x4401..0x4402;
        for (level, expected) in [
            (0, vec![]),
            (9, vec![]),
            (2, vec![cache.clone()]),
            (4, vec![cache.start..private.end]),
            (16, free.to_vec()),
            (
                31,
                vec![free[0].clone(), cache.start..private.end, free[1].clone()],
            ),
        ] {
            let outcome = Outcome::of(&sample, level);
            assert_eq!(outcome.left_out(), expected, "{release:?}, level {level}");
            assert_eq!(outcome.warnings, []);
        }
        let counts = Outcome::of(&sample, 31).found.counts;
        assert_eq!((counts.free, counts.cache, counts.cache_private), (9, 1, 1));
    }
}

#[test]
fn pages_that_cpus_should_have_and_have_not_are_told() {
    let mut sample = PageSample::new(Release::V6_12, 1);
    sample.cpu_frees(0, 0, 0x4001, 0);
    sample.refcount(0x4001, 1);
    let outcome = Outcome::of(&sample, 31);
    assert_eq!(outcome.left_out(), []);
    assert_eq!(outcome.warnings, [Warning::CpusDoubtful { pages: 1 }]);
    // What isn't to be left out isn't looked for.
    assert_eq!(Outcome::of(&sample, 8).warnings, []);
}

#[test]
fn a_kernel_that_does_not_tell_of_its_cpus_is_filtered_as_far_as_it_tells() {
    let mut sample = everything(Release::V6_12);
    let before = Outcome::of(&sample, 31).left_out();
    let lines = sample.text.lines().filter(|it| !it.contains("kallsyms"));
    sample.text = lines.collect::<Vec<_>>().join("\n");
    let outcome = Outcome::of(&sample, 31);
    assert_eq!(outcome.left_out(), before);
    assert!(matches!(outcome.warnings[..], [Warning::CpusUntold { .. }]));
    assert_eq!(outcome.level, 31);
}

fn dropping(sample: &PageSample, level: u8) -> Outcome {
    Outcome::treating(sample, level, OnDoubt::Drop, &[])
}

#[test]
fn what_is_in_doubt_is_left_out_where_that_is_asked_for() {
    let mut contradicted = everything(Release::V6_12);
    let own = PageSample::struct_page();
    contradicted.mapping(own, 1);
    let outcome = dropping(&contradicted, 8);
    let class = Class::User;
    assert_eq!(outcome.warnings, [Warning::Contradicted { class }]);
    assert_eq!(outcome.level, 8);
    assert!(outcome.kept(own) && !outcome.kept(0x4005));

    let mut free = PageSample::new(Release::V6_12, 1);
    free.free(0x4000, 10);
    free.counted(10, 0);
    free.free(0x4400, 10);
    free.counted(10, 0);
    let outcome = dropping(&free, 16);
    assert_eq!(outcome.left_out(), [0x4000..0x4800]);
    assert!(matches!(
        outcome.warnings[..],
        [Warning::TooManyFree { .. }]
    ));
    assert_eq!(outcome.level, 16);

    let mut unread = everything(Release::V6_12);
    unread.counted(3, 0);
    unread.set_section(0, u64::MAX);
    let outcome = dropping(&unread, 31);
    assert_eq!(outcome.left_out(), [0..0x8000]);
    assert_eq!(outcome.level, 31);
}

#[test]
fn pages_that_nobody_uses_are_left_out_where_the_lists_of_cpus_cannot_be_followed() {
    let mut sample = PageSample::new(Release::V6_12, 1);
    for page in 0..0x8000 {
        sample.refcount(page, 1);
    }
    sample.refcount(0x4001, 0);
    sample.cpu_frees(0, 0, 0x4002, 0);
    sample.refcount(0x4003, 0);
    sample.slab(0x4003);
    let outcome = dropping(&sample, 16);
    assert_eq!(outcome.left_out(), [0x4001..0x4002]);
    assert_eq!(outcome.warnings, [Warning::CpusDoubtful { pages: 1 }]);
    assert_eq!(dropping(&sample, 15).left_out(), []);
    assert_eq!(Outcome::of(&sample, 16).left_out(), []);
}

#[test]
fn where_a_class_is_not_told_whatever_may_be_of_it_is_left_out() {
    let mut sample = everything(Release::V6_12);
    let lines = sample.text.lines().filter(|it| !it.contains("PAGE_SLAB"));
    sample.text = lines.collect::<Vec<_>>().join("\n");
    for on_doubt in [OnDoubt::Drop, OnDoubt::LogOnly] {
        let outcome = Outcome::treating(&sample, 8, on_doubt, &[]);
        assert_eq!(outcome.left_out(), [0..0x8000]);
        assert_eq!(outcome.level, 8);
        // Of the others, all is told.
        let outcome = Outcome::treating(&sample, 16, on_doubt, &[]);
        assert_eq!(outcome.left_out(), Outcome::of(&sample, 16).left_out());
    }
}

#[test]
fn one_doubt_is_enough_for_the_log_alone_and_none_changes_nothing() {
    let log_only = |sample: &PageSample| Outcome::treating(sample, 31, OnDoubt::LogOnly, &[]);
    let mut sample = everything(Release::V6_12);
    let usual = Outcome::of(&sample, 31).left_out();
    assert_eq!(log_only(&sample).left_out(), usual);
    assert_eq!(dropping(&sample, 31).left_out(), usual);
    sample.cpu_frees(0, 0, 0x5001, 0);
    sample.refcount(0x5001, 1);
    let outcome = log_only(&sample);
    assert_eq!(outcome.left_out(), [0..0x8000]);
    assert_eq!(outcome.warnings, [Warning::CpusDoubtful { pages: 1 }]);
    assert_eq!(outcome.level, 31);
}

#[test]
fn more_free_pages_than_the_kernel_counted_are_kept() {
    let mut sample = PageSample::new(Release::V6_12, 1);
    for block in 0..4 {
        sample.free(0x4000 + 0x400 * block, 10);
    }
    assert_eq!(Outcome::of(&sample, 31).left_out(), [0x4000..0x5000]);
    sample.counted(10, 1);
    let outcome = Outcome::of(&sample, 31);
    assert_eq!(outcome.left_out(), []);
    assert_eq!(outcome.level, 15);
    let warning = Warning::TooManyFree {
        found: 4096,
        counted: 1024,
    };
    assert_eq!(outcome.warnings, [warning]);
}

#[test]
fn fewer_free_pages_than_the_kernel_counted_are_told() {
    let mut sample = PageSample::new(Release::V6_12, 1);
    sample.free(0x4000, 10);
    sample.counted(10, 9);
    let outcome = Outcome::of(&sample, 31);
    assert_eq!(outcome.left_out(), [0x4000..0x4400]);
    let warning = Warning::TooFewFree {
        found: 1024,
        counted: 9216,
    };
    assert_eq!(outcome.warnings, [warning]);
}

#[test]
fn a_class_that_the_kernels_own_pages_seem_to_be_of_is_kept() {
    for (level, kept, class) in [
        (8, 0, Class::User),
        (2, 0, Class::Cache),
        (31, 23, Class::User),
    ] {
        let mut sample = everything(Release::V6_12);
        let own = PageSample::struct_page();
        match class {
            Class::User => sample.mapping(own, 1),
            _ => sample.flags(own, LRU),
        }
        let outcome = Outcome::of(&sample, level);
        assert_eq!(outcome.level, kept);
        assert_eq!(outcome.warnings, [Warning::Contradicted { class }]);
        assert!(outcome.kept(own));
        assert_eq!(outcome.kept(0x4005), class == Class::User || level == 2);
    }
}

#[test]
fn a_page_that_is_known_to_be_the_kernels_counts_as_one() {
    let sample = everything(Release::V6_12);
    let outcome = Outcome::with(&sample, 31, &[0x4012]);
    assert!(outcome.kept(0x4010));
    assert_eq!(
        outcome.warnings,
        [Warning::Contradicted { class: Class::Free }]
    );
}

#[test]
fn what_a_kernel_does_not_tell_is_kept_and_said() {
    let without = |key: &str, level| {
        let mut sample = everything(Release::V6_12);
        let lines = sample.text.lines().filter(|line| !line.contains(key));
        sample.text = lines.collect::<Vec<_>>().join("\n");
        Outcome::of(&sample, level)
    };
    for (key, level, kept) in [
        ("PAGE_SLAB_MAPCOUNT_VALUE", 31, 23),
        ("PAGE_BUDDY_MAPCOUNT_VALUE", 31, 15),
        ("page.private", 31, 15),
        ("PG_lru", 31, 25),
        ("page.mapping", 31, 17),
        ("page._mapcount", 31, 7),
        ("PG_lru", 8, 8),
    ] {
        let outcome = without(key, level);
        assert_eq!(outcome.level, kept, "without {key}");
        assert_eq!(outcome.warnings.is_empty(), kept == level, "without {key}");
    }
    for key in [
        "OFFSET(page.flags)",
        "SIZE(page)",
        "SYMBOL(mem_section)",
        "page.compound_head",
    ] {
        let outcome = without(key, 31);
        assert!(
            matches!(outcome.warnings[..], [Warning::NoMap { .. }]),
            "{key}"
        );
        assert_eq!(outcome.left_out(), []);
        // Zeros take no room, whoever has them.
        assert_eq!(outcome.level, 1);
    }
    let outcome = without("contig_page_data", 31);
    assert!(matches!(
        outcome.warnings[..],
        [Warning::CpusUntold { .. }, Warning::Uncounted { .. }]
    ));
    assert_eq!(outcome.level, 31);
}

#[test]
fn values_that_cannot_be_are_refused_as_a_whole() {
    for (key, value) in [
        ("SIZE(page)", "0"),
        ("SIZE(page)", "18446744073709551615"),
        ("SIZE(page)", "65"),
        ("OFFSET(page.flags)", "57"),
        ("OFFSET(page.mapping)", "18446744073709551608"),
        ("NUMBER(PG_lru)", "64"),
        ("NUMBER(PG_lru)", "-1"),
        ("NUMBER(SECTION_SIZE_BITS)", "3"),
        ("NUMBER(SECTION_SIZE_BITS)", "64"),
        ("NUMBER(MAX_PHYSMEM_BITS)", "x"),
        ("SIZE(mem_section)", "0"),
        ("OFFSET(mem_section.section_mem_map)", "9"),
        ("LENGTH(zone.free_area)", "33"),
        ("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", "99999999999"),
    ] {
        let mut sample = everything(Release::V6_12);
        sample.text = format!("{key}={value}\n{}", sample.text);
        let outcome = Outcome::of(&sample, 31);
        assert!(
            matches!(outcome.warnings[..], [Warning::NoMap { .. }]),
            "{key}={value}: {:?}",
            outcome.warnings
        );
        assert_eq!(outcome.left_out(), []);
    }
}

#[test]
fn pages_without_a_section_or_with_one_that_leads_nowhere_are_kept() {
    let mut sample = everything(Release::V6_12);
    sample.set_section(0, 0);
    let outcome = Outcome::of(&sample, 31);
    assert_eq!(outcome.left_out(), []);
    for nowhere in [0xffff_8880_0000_0003, (IMAGE + (1 << 29)) | 3, u64::MAX] {
        let mut sample = everything(Release::V6_12);
        sample.counted(3, 0);
        sample.set_section(0, nowhere);
        let outcome = Outcome::of(&sample, 31);
        assert_eq!(outcome.left_out(), [], "{nowhere:#x}");
        assert_eq!(outcome.warnings, [Warning::Unread { pages: 0x8000 }]);
    }
}

#[test]
fn a_head_that_leads_in_a_circle_ends() {
    let mut sample = PageSample::new(Release::V6_12, 2);
    // The second section's first page claims heads that are itself, after itself, or no struct at all.
    for head in [
        IMAGE + PageSample::at(0x8000),
        IMAGE + PageSample::at(0x8002),
        IMAGE + PageSample::at(0x7fff) + 8,
        IMAGE,
        0,
        u64::MAX,
    ] {
        sample.put(PageSample::at(0x8000) + 8, head | 1);
        sample.flags(0x7fff, HEAD | LRU);
        let outcome = Outcome::of(&sample, 31);
        assert_eq!(outcome.left_out(), [0x7fff..0x8000], "{head:#x}");
    }
}
