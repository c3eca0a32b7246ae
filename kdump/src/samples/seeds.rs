//! The samples as files in `fuzz/corpus`, for the fuzzers to begin with and for the tests of the command
//! line. After an intended change: `BATON_BLESS=1 cargo test -p baton-kdump seeds`.

use super::btf::BtfSample;
use super::kdump::KdumpSample;
use super::log::{INFO, LogSample};
use super::pages::{LRU, POISON, PageSample, Release};
use super::{core, cpus, flattened, note, prstatus};
use crate::memory::Memory;
use std::path::Path;

/// A log that went round, with a record of each kind.
fn log() -> LogSample {
    let mut log = LogSample::new();
    for i in 0..60usize {
        log.push(&format!("message {i} {}", "x".repeat(i % 23)));
    }
    log.push("");
    log.push_in(0, "never finished");
    log.push("BUG: kernel NULL pointer dereference, address: 0000000000000000");
    log.push_in(1, "two\nlines, \x1b[31mred");
    log.push("Kernel panic - not syncing: Fatal exception");
    log.push("CPU: 1 PID: 7 Comm: worker Not tainted 6.12.1 #1");
    log
}

fn notes() -> Vec<u8> {
    let mut notes = note(b"CORE", 1, &prstatus(0, 0xffff_ffff_8100_0010));
    notes.extend(note(b"CORE", 1, &prstatus(7, 0xffff_ffff_8100_0020)));
    notes.extend(note(b"VMCOREINFO", 0, INFO.as_bytes()));
    notes
}

/// What the fuzzer of the log takes: the length of VMCOREINFO, VMCOREINFO, memory.
fn printk(log: &LogSample) -> Vec<u8> {
    let length = u16::try_from(INFO.len()).unwrap();
    [&length.to_le_bytes(), INFO.as_bytes(), &log.ram].concat()
}

/// What the fuzzer of conversions takes: how, and a dump, in which a filter finds something.
fn convert(how: u8) -> Vec<u8> {
    let mut sample = PageSample::new(Release::V6_12, 1);
    sample.flags(0x4001, LRU);
    sample.flags(0x4003, POISON);
    sample.free(0x4004, 2);
    sample.cpu_frees(0, 0, 0x4000, 0);
    sample.cpu_holds(1, 0, 0x4002);
    for page in 0x4000..0x4004u64 {
        sample.bytes(page * 4096, &page.to_le_bytes().repeat(300));
    }
    let load = |start: u64, length: u64| {
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        sample.read(start, &mut bytes).unwrap();
        (start, length, bytes)
    };
    let loads = [
        load(0x10_0000, 0x2000),
        load(0x11_0000, 0x1000),
        load(cpus::ALL.start, cpus::ALL.end - cpus::ALL.start),
        load(PageSample::at(0x4000), 0x1000),
        load(0x4000 << 12, 0x8000),
    ];
    [&[how], &core(&sample.notes(), &loads)[..]].concat()
}

/// What the fuzzer of the table of symbols takes: the length of VMCOREINFO, VMCOREINFO, memory.
fn kallsyms(release: Release) -> Vec<u8> {
    let sample = PageSample::new(release, 1);
    let length = u16::try_from(sample.text.len()).unwrap();
    let tables = cpus::SYMBOLS;
    let mut bytes = vec![0; usize::try_from(tables.end - tables.start).unwrap()];
    sample.read(tables.start, &mut bytes).unwrap();
    [&length.to_le_bytes(), sample.text.as_bytes(), &bytes].concat()
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let kdump = |version, part| KdumpSample {
        version,
        part,
        notes: notes(),
        ..KdumpSample::new()
    };
    let whole = kdump(6, None).build();
    let (head, tail) = whole.split_at(9000);
    let cut = whole[..whole.len() - 5000].to_vec();
    let unnamed = KdumpSample {
        machine: "Unknown",
        ..kdump(6, None)
    };
    let status = note(b"CORE", 1, &prstatus(7, 0x40_1000));
    let process = [status, note(b"CORE", 6, &[0; 32])].concat();
    let page = |fill: u8| vec![fill; 4096];
    // A page that is there twice, one that was left out, one that claims more than there can be.
    let odd = [
        (0x1000, 0x1000, page(1)),
        (0x1000, 0x1000, page(2)),
        (0x4000, 0x2000, page(3)),
        (0x8000, 1 << 46, page(4)),
    ];
    let odd = core(&notes(), &odd);
    let ram: Vec<u8> = (0..64).collect();
    let shared = [(0x1010, 16, ram[16..32].to_vec()), (0x1000, 96, ram)];
    vec![
        ("vmcoreinfo/sample", INFO.as_bytes().to_vec()),
        ("vmcore/log", log().core_with(&notes())),
        ("vmcore/shared", core(&notes(), &shared)),
        ("convert/kdump", convert(0x40 | 31)),
        ("convert/elf", convert(0x80 | 17)),
        ("vmcore/process", core(&process, &[(0, 16, vec![1; 16])])),
        ("vmcore/odd", odd.clone()),
        ("convert/odd", [&[0x80], &odd[..]].concat()),
        ("convert/cut", [&[0x00], &cut[..]].concat()),
        ("kdump/cut", cut),
        ("kdump/unnamed", unnamed.build()),
        ("kdump/codecs", whole.clone()),
        ("kdump/version-1", kdump(1, None).build()),
        ("kdump/part", kdump(6, Some(5..11)).build()),
        (
            "flattened/kdump",
            flattened(&[(9000, tail), (0, head), (424, &[0; 4])]),
        ),
        (
            "flattened/core",
            flattened(&[(0, &core(&notes(), &shared))]),
        ),
        ("printk/log", printk(&log())),
        ("kallsyms/6.6", kallsyms(Release::V6_6)),
        ("kallsyms/6.12", kallsyms(Release::V6_12)),
        ("kallsyms/7.1", kallsyms(Release::V7_1)),
        ("btf/pages", BtfSample::of_pages().build()),
    ]
}

#[test]
fn the_seeds_are_what_the_samples_are() {
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus"));
    for (name, bytes) in seeds() {
        let path = corpus.join(name);
        if std::env::var_os("BATON_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(
            kept == bytes,
            "{name} isn't the sample: BATON_BLESS=1 cargo test -p baton-kdump seeds writes it"
        );
    }
}
