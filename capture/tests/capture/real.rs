//! A core of a few pages, through the real filter, writer and reader.

use super::machine::{Fault, Machine};
use super::*;
use baton_capture::crash::Live;
use baton_kdump::survey::Flaw;
use baton_kdump::{Dump, Memory};
use std::sync::LazyLock;

const PAGES: usize = 600;

static MEMORY: LazyLock<Vec<u8>> = LazyLock::new(memory);

/// Every third page is zeros.
fn memory() -> Vec<u8> {
    let page = |number: usize| {
        let word = number.wrapping_mul(2_654_435_761) as u64;
        let mut page: Vec<u8> = (0..512_u64)
            .flat_map(|it| (it ^ word).to_le_bytes())
            .collect();
        if number.is_multiple_of(3) {
            page.fill(0);
        }
        page
    };
    (0..PAGES).flat_map(page).collect()
}

/// Elf64_Phdr (elf.h).
fn segment(kind: u32, offset: u64, size: u64) -> Vec<u8> {
    let mut bytes = [kind, 7].map(u32::to_le_bytes).concat();
    for number in [offset, 0xffff_8880_0000_0000, 0x10_0000, size, size, 4096] {
        bytes.extend(u64::to_le_bytes(number));
    }
    bytes
}

/// An ELF core with this text as VMCOREINFO.
fn core(vmcoreinfo: &str) -> Vec<u8> {
    let mut note = [11_u32, u32::try_from(vmcoreinfo.len()).unwrap(), 0]
        .map(u32::to_le_bytes)
        .concat();
    note.extend(b"VMCOREINFO\0\0");
    note.extend(vmcoreinfo.as_bytes());
    note.resize(note.len().next_multiple_of(4), 0);
    // Elf64_Ehdr: a core (4) of x86-64 (62) whose two program headers follow.
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend([4_u16, 62].map(u16::to_le_bytes).concat());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([0_u64, 64, 0].map(u64::to_le_bytes).concat());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend([64_u16, 56, 2, 0, 0, 0].map(u16::to_le_bytes).concat());
    bytes.extend(segment(4, 4096, note.len() as u64));
    bytes.extend(segment(1, 8192, (PAGES * 4096) as u64));
    bytes.resize(4096, 0);
    bytes.extend(note);
    bytes.resize(8192, 0);
    bytes.extend(&*MEMORY);
    bytes
}

const INFO: &str = "OSRELEASE=6.12.1-test\nPAGESIZE=4096\nCRASHTIME=1795887213\n";

fn dumped(machine: Machine, config: &str, core: Vec<u8>) -> Arc<Machine> {
    let machine = Arc::new(machine);
    let system = Arc::clone(&machine) as Arc<dyn System>;
    let core = Arc::new(core);
    run::capture(&system, &machine.end(), Ok(config.to_owned()), &|plan| {
        Ok(Box::new(Live::open(Arc::clone(&core) as Arc<_>, plan)?))
    });
    assert_ended(&machine);
    machine
}

fn assert_all_memory(dump: &Dump) {
    let mut read = vec![0; PAGES * 4096];
    dump.read(0x10_0000, &mut read).unwrap();
    assert!(read == *MEMORY);
}

#[test]
fn every_format_and_codec_gives_back_the_memory() {
    for (format, compression) in [
        ("kdump", "zstd"),
        ("kdump", "zlib:9"),
        ("kdump", "none"),
        ("elf", "none"),
    ] {
        let config = config(2, &["one"])
            .replace("\"kdump\"", &format!("\"{format}\""))
            .replace("\"zstd\"", &format!("\"{compression}\""));
        let machine = Machine::new().with_disk("one", Fault::None);
        let machine = dumped(machine, &config, core(INFO));
        let directory = machine.disk("one").directory.join(DUMP);
        let summary = summary(&directory);
        assert!(summary.complete, "{}", machine.said());
        assert_eq!(summary.crash.kernel.as_deref(), Some("6.12.1-test"));
        let dump = Dump::open(&[directory.join("vmcore")]).unwrap();
        assert!(dump.survey().complete());
        assert_all_memory(&dump);
    }
}

#[test]
fn a_core_that_says_nothing_of_its_kernel_is_dumped_whole() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = dumped(machine, &config(2, &["one"]), core(""));
    // The machine's clock has the time.
    let directory = machine
        .disk("one")
        .directory
        .join("var/crash/2001-09-09T01-46-40Z");
    let summary = summary(&directory);
    assert_eq!(summary.warnings.len(), 1, "{summary:?}");
    assert!(!summary.dump.unwrap().warnings.is_empty());
    assert_all_memory(&Dump::open(&[directory.join("vmcore")]).unwrap());
}

#[test]
fn what_is_left_of_memory_is_dumped_and_says_that_more_was_there() {
    // The last pages are missing, and a program header leads nowhere.
    let mut broken = core(INFO);
    broken.truncate(broken.len() - 3 * 4096 - 5);
    broken[56] = 3;
    let nowhere = segment(1, 0, 4096);
    broken[64 + 2 * 56..][..56].copy_from_slice(&nowhere);
    broken[64 + 2 * 56 + 24..][..8].fill(0xff);
    for format in ["kdump", "elf"] {
        let config = config(2, &["one"])
            .replace("\"kdump\"", &format!("\"{format}\""))
            .replace("\"zstd\"", "\"none\"");
        let machine = Machine::new().with_disk("one", Fault::None);
        let machine = dumped(machine, &config, broken.clone());
        let directory = machine.disk("one").directory.join(DUMP);
        let summary = summary(&directory);
        // There will be no better one.
        assert!(summary.complete, "{}", machine.said());
        let reported = summary.warnings.join("; ");
        assert!(reported.contains("program header 2"), "{reported}");
        assert!(reported.contains("its memory would end"), "{reported}");
        let written = summary.dump.unwrap();
        assert_eq!((written.complete, written.pages.lost), (false, 4));
        let dump = Dump::open(&[directory.join("vmcore")]).unwrap();
        let survey = dump.survey();
        assert_eq!(
            (survey.present, survey.held),
            (PAGES as u64, PAGES as u64 - 4)
        );
        assert_eq!(survey.flaws, [Flaw::Marked]);
        let mut read = vec![0; (PAGES - 4) * 4096];
        dump.read(0x10_0000, &mut read).unwrap();
        assert!(read == MEMORY[..read.len()]);
    }
}

#[test]
fn a_raw_partition_is_opened_as_a_dump() {
    let machine = Machine::new().with_partition(8 << 20, &[], Fault::None);
    let machine = dumped(machine, &config(2, &["raw"]), core(INFO));
    let dump = Dump::open(&[machine.partition_file()]).unwrap();
    assert!(dump.survey().complete());
    assert_all_memory(&dump);
}

#[test]
fn a_disk_full_anywhere_leaves_what_says_that_it_is_incomplete() {
    let mut opened = 0;
    for limit in (0..1_600_000).step_by(99_991) {
        let machine = Machine::new().with_disk("one", Fault::Full(limit));
        let config = config(2, &["one"]).replace("\"zstd\"", "\"none\"");
        let machine = dumped(machine, &config, core(INFO));
        let directory = machine.disk("one").directory.join(DUMP);
        assert!(!directory.join("vmcore").exists(), "{limit}");
        if let Ok(dump) = Dump::open(&[directory.join("vmcore.incomplete")]) {
            assert!(!dump.survey().complete(), "{limit}");
            opened += 1;
        }
    }
    assert!(opened > 10, "{opened}");
}

#[test]
fn a_dump_with_a_byte_changed_on_the_disk_is_not_trusted() {
    let machine = Machine::new()
        .with_disk("one", Fault::Rotten)
        .with_disk("two", Fault::None);
    let machine = dumped(machine, &config(2, &["one", "two"]), core(INFO));
    let summary = summary(&machine.disk("two").directory.join(DUMP));
    assert!(summary.complete);
    let error = &summary.failed_targets[0].error;
    assert!(
        error.starts_with("the dump doesn't read back as it was written"),
        "{error}"
    );
}

/// The configuration of a dump in a format.
fn of_format(format: &str, targets: &[&str]) -> String {
    config(2, targets)
        .replace("\"kdump\"", &format!("\"{format}\""))
        .replace("\"zstd\"", "\"none\"")
}

#[test]
fn a_write_that_a_disk_loses_is_found_whichever_it_is() {
    for format in ["kdump", "elf"] {
        let mut found = 0;
        for number in 0..60 {
            let machine = Machine::new().with_disk("one", Fault::Loses(number));
            let machine = dumped(machine, &of_format(format, &["one"]), core(INFO));
            let dump = machine.disk("one").directory.join(DUMP).join("vmcore");
            if dump.exists() {
                // No write of the dump, or of what the disk has anyway: zeros.
                let dump = Dump::open(&[dump]).unwrap();
                assert!(dump.survey().complete(), "{format}: write {number}");
                assert_all_memory(&dump);
            } else {
                found += 1;
            }
        }
        assert!(found >= 10, "{format}: {found}");
    }
}

#[test]
fn a_dump_on_a_partition_that_held_something_reads_back_as_it_was_written() {
    for format in ["kdump", "elf"] {
        let first = Machine::new().with_partition(8 << 20, &[], Fault::None);
        let first = dumped(first, &of_format(format, &["raw"]), core(INFO));
        // Where the first dump has anything, something else is now.
        let mut old = first.partition_bytes();
        let length = 4 << 20;
        old[4096..length].iter_mut().for_each(|byte| *byte = !*byte);
        let machine = Machine::new().with_partition(8 << 20, &old, Fault::None);
        let machine = dumped(machine, &of_format(format, &["raw"]), core(INFO));
        assert!(
            machine.said().contains("the dump is complete"),
            "{format}: {}",
            machine.said()
        );
        let dump = Dump::open(&[machine.partition_file()]).unwrap();
        assert!(dump.survey().complete(), "{format}");
        assert_all_memory(&dump);
    }
}

#[test]
fn a_file_that_is_no_core_ends_in_the_final_action() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = dumped(machine, &config(2, &["one"]), b"no core".to_vec());
    assert!(
        machine.said().contains("not an ELF core"),
        "{}",
        machine.said()
    );
}

#[test]
fn a_core_cut_off_anywhere_in_its_headers_ends_in_the_final_action() {
    for length in (0..8300).step_by(166) {
        let machine = Machine::new().with_disk("one", Fault::None);
        let mut core = core(INFO);
        core.truncate(length);
        dumped(machine, &config(2, &["one"]), core);
    }
}
