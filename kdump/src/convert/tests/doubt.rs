//! Pages of which it can't be told whether they are left out.

use super::*;
use crate::samples::log::{INFO, LogSample};
use crate::samples::note;

fn log() -> LogSample {
    let mut log = LogSample::new();
    log.push("the last words");
    log
}

/// A kernel that says nothing of its pages, with a task whose stack is in the last four.
fn notes() -> Vec<u8> {
    let stack = IMAGE + 0x7000;
    [cpu(stack), note(b"VMCOREINFO", 0, INFO.as_bytes())].concat()
}

fn dump(format: Format, level: u8, on_doubt: OnDoubt) -> (Summary, Dump) {
    let core = log().core_with(&notes());
    let core = Dump::from_source(Path::new("core"), Arc::new(core)).unwrap();
    let kept = Kept::new(0, true);
    let options = Options {
        format,
        on_doubt,
        ..options("zstd", level, 1)
    };
    let summary = written(&core, core.note_bytes(), &options, &kept);
    let dump = Dump::from_source(Path::new("dump"), Arc::new(kept.file())).unwrap();
    (summary, dump)
}

fn said(dump: &Dump) -> bool {
    let kernel = dump.kernel().unwrap();
    let log = crate::dmesg::Log::open(&kernel, dump.vmcoreinfo().unwrap()).unwrap();
    let text = crate::dmesg::Text::new(&log).to_string();
    text.contains("the last words")
}

#[test]
fn a_dump_in_doubt_has_all_or_the_log_and_the_stacks_or_the_log_alone() {
    for format in [Format::Kdump, Format::Elf] {
        let of = |on_doubt| {
            let (summary, dump) = dump(format, 31, on_doubt);
            assert!(said(&dump), "{format:?}, {on_doubt}");
            assert!(matches!(summary.warnings[..], [Warning::NoMap { .. }]));
            assert_eq!(summary.on_doubt, on_doubt);
            assert!(summary.complete);
            (u8::from(summary.level), summary.pages.dumped)
        };
        let (all, dropped, log) = (of(OnDoubt::Keep), of(OnDoubt::Drop), of(OnDoubt::LogOnly));
        assert_eq!(all, (1, 8), "{format:?}");
        assert_eq!((dropped.0, log.0), (31, 31), "{format:?}");
        assert!(
            log.1 < dropped.1 && dropped.1 < all.1,
            "{log:?}, {dropped:?}"
        );
    }
}

#[test]
fn what_a_level_leaves_in_is_in_no_doubt() {
    for on_doubt in OnDoubt::ALL {
        for level in [0, 1] {
            let (summary, dump) = dump(Format::Kdump, level, on_doubt);
            assert_eq!(summary.pages.dumped, 8, "{on_doubt}, level {level}");
            assert!(said(&dump));
        }
    }
}

#[test]
fn a_page_that_is_not_wanted_is_in_no_hole_of_an_elf_dump_either() {
    let mut log = log();
    // In the stack, and none of the log's pages.
    log.put(0x4000, 0x5345_4352_4554_5353);
    let core = log.core_with(&notes());
    let core = Dump::from_source(Path::new("core"), Arc::new(core)).unwrap();
    let kept = Kept::new(0, true);
    let options = Options {
        format: Format::Elf,
        on_doubt: OnDoubt::LogOnly,
        ..options("none", 31, 1)
    };
    written(&core, core.note_bytes(), &options, &kept);
    let secret = 0x5345_4352_4554_5353u64.to_le_bytes();
    assert!(!kept.file().windows(8).any(|it| it == secret));
}
