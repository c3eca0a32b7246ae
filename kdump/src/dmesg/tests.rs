use super::*;
use crate::Machine;
use crate::format::elf::Vmcore;
use crate::samples::log::{DATA, DESCRIPTORS, INFO, INFOS, LogSample, RAM, RING};
use std::sync::Arc;

fn with<T>(sample: &LogSample, run: impl FnOnce(Result<Log<'_>, LogError>) -> T) -> T {
    let core = Vmcore::open(Arc::new(sample.core())).unwrap();
    let info = VmcoreInfo::parse(INFO.as_bytes());
    let kernel = KernelMemory::new(&core, Machine::X86_64, &info).unwrap();
    run(Log::open(&kernel, &info))
}

fn records(sample: &LogSample) -> Vec<Record> {
    with(sample, |log| log.unwrap().records().collect())
}

fn texts(sample: &LogSample) -> Vec<String> {
    records(sample).iter().map(Record::shown).collect()
}

#[test]
fn a_log_that_was_never_written_is_empty() {
    assert_eq!(texts(&LogSample::new()), [""; 0]);
}

#[test]
fn records_come_in_order_with_all_that_is_said_of_them() {
    let mut sample = LogSample::new();
    sample.push("first");
    sample.push_in(1, "second");
    let read = records(&sample);
    assert_eq!(texts(&sample), ["first", "second"]);
    let second = Record {
        sequence: 1,
        time: 1_500_000,
        facility: 3,
        level: 6,
        caller: 41,
        text: b"second".to_vec(),
        lost_before: 0,
    };
    assert_eq!(read[1], second);
}

#[test]
fn a_ring_that_went_round_many_times_keeps_its_newest() {
    let mut sample = LogSample::new();
    let mut all = Vec::new();
    for i in 0..500usize {
        // Lengths that end blocks at, before and after the end of the ring.
        let text = format!("{i} {}", "x".repeat(i % 37));
        sample.push(&text);
        all.push(text);
        let kept = texts(&sample);
        assert!(!kept.is_empty());
        assert_eq!(kept, all[all.len() - kept.len()..], "after {i}");
        assert!(records(&sample).iter().all(|it| it.lost_before == 0));
    }
    assert!(texts(&sample).len() > 8);
}

#[test]
fn an_empty_message_is_a_record() {
    let mut sample = LogSample::new();
    for text in ["a", "", "b"] {
        sample.push(text);
    }
    assert_eq!(texts(&sample), ["a", "", "b"]);
}

#[test]
fn what_was_being_written_or_had_no_room_is_counted_as_lost() {
    let mut sample = LogSample::new();
    sample.push("a");
    sample.push_in(0, "half");
    let failed = LogSample::descriptor(sample.push("none"));
    sample.put(failed + 8, 1);
    sample.put(failed + 16, 1);
    sample.push("b");
    sample.push_in(0, "half");
    let read = records(&sample);
    assert_eq!(texts(&sample), ["a", "b"]);
    assert_eq!(read[1].lost_before, 2);
    let text = with(&sample, |log| Text::new(&log.unwrap()).to_string());
    let expected = "[    0.000000] a\n** 2 printk messages dropped **\n\
                    [    0.004500] b\n** 1 printk messages dropped **\n";
    assert_eq!(text, expected);
}

#[test]
fn who_logged_a_message_is_said_if_asked_for() {
    let mut sample = LogSample::new();
    sample.push("by a thread");
    let id = sample.push("by a CPU");
    sample.ram[INFOS + 88 * usize::try_from(id % 32).unwrap() + 23] = 0x80;
    let text = with(&sample, |log| {
        Text::new(&log.unwrap()).with_callers(true).to_string()
    });
    let expected = "[    0.000000] [     T40] by a thread\n[    0.001500] [     C41] by a CPU\n";
    assert_eq!(text, expected);
}

#[test]
fn a_message_longer_than_its_block_is_cut_to_it() {
    let mut sample = LogSample::new();
    let id = sample.push("12345678");
    sample.ram[INFOS + 88 * usize::try_from(id % 32).unwrap() + 16] = 200;
    assert_eq!(texts(&sample), ["12345678"]);
}

#[test]
fn a_block_of_another_record_is_not_this_ones_text() {
    let mut sample = LogSample::new();
    sample.push("a");
    sample.push("b");
    sample.put(DATA, 77);
    assert_eq!(texts(&sample), ["b"]);
    assert_eq!(records(&sample)[0].lost_before, 1);
}

#[test]
fn lines_after_the_first_are_indented_and_controls_escaped() {
    let mut sample = LogSample::new();
    for _ in 0..2 {
        sample.push("µ\tone\ntwo \x1b[31m \u{9b}");
    }
    let record = &records(&sample)[1];
    let expected = "[    0.001500] µ\tone\n               two \\x1b[31m \\xc2\\x9b";
    assert_eq!(record.to_string(), expected);
    let broken = Record {
        text: vec![b'a', 0xff, 0],
        ..record.clone()
    };
    assert_eq!(broken.shown(), "a\\xff\\x00");
}

#[test]
fn a_log_overwritten_anywhere_ends() {
    let mut sample = LogSample::new();
    for i in 0..100 {
        sample.push(&format!("message {i}"));
    }
    for at in (0..8)
        .chain(RING..RING + 88)
        .chain(DESCRIPTORS..DESCRIPTORS + 100)
    {
        for value in [0, 0x1f, 0x80, 0xff] {
            let before = std::mem::replace(&mut sample.ram[at], value);
            with(&sample, |log| {
                // Up to 2^26 descriptors, if it says so: bounded, but nothing to wait for.
                if let Ok(log) = log {
                    assert!(log.records().take(1000).count() <= 1000);
                }
            });
            sample.ram[at] = before;
        }
    }
}

#[test]
fn a_ring_larger_than_any_can_be_is_refused() {
    for (at, bits) in [(RING, 27), (RING + 48, 32)] {
        let mut sample = LogSample::new();
        sample.put(at, bits);
        let error = with(&sample, |log| log.err());
        assert_eq!(error, Some(LogError::Overwritten));
    }
}

#[test]
fn the_log_says_which_memory_it_needs() {
    let sample = LogSample::new();
    let needed = with(&sample, |log| log.unwrap().occupied());
    // Pointer and ring; descriptors; infos; text. The image is mapped without tables.
    assert_eq!(needed, [RAM..RAM + 0x3000, RAM + 0x5000..RAM + 0x6000]);
    // The text by the direct mapping (a page of 1 GiB): the tables are needed, too.
    let mut sample = sample;
    sample.put(0x7000 + 8 * 0x111, RAM + 0x6001);
    sample.put(0x6000, 0x81);
    sample.put(RING + 56, 0xffff_8880_0000_5000 + RAM);
    sample.push("mapped");
    assert_eq!(texts(&sample), ["mapped"]);
    let needed = with(&sample, |log| log.unwrap().occupied());
    assert_eq!(needed, [RAM..RAM + 0x3000, RAM + 0x5000..RAM + 0x8000]);
}

#[test]
fn each_key_that_is_missing_or_odd_is_named() {
    let core = Vmcore::open(Arc::new(LogSample::new().core())).unwrap();
    let all = VmcoreInfo::parse(INFO.as_bytes());
    let kernel = KernelMemory::new(&core, Machine::X86_64, &all).unwrap();
    let keys = || {
        INFO.lines()
            .filter(|it| it.contains("prb") || it.contains("printk"))
    };
    let needed = |line: &&str| !line.starts_with("SIZE(prb_desc_ring)");
    for line in keys().filter(needed) {
        let (key, _) = line.split_once('=').unwrap();
        for (new, stated) in [("", key), (&format!("{key}=9999"), key)] {
            let info = VmcoreInfo::parse(INFO.replace(line, new).as_bytes());
            let error = Log::open(&kernel, &info).err().unwrap().to_string();
            let member = stated.trim_start_matches("OFFSET(").trim_end_matches(')');
            let unmapped = key == "SYMBOL(prb)" && error.contains("nothing mapped");
            assert!(error.contains(member) || unmapped, "{line} → {error}");
        }
    }
    let old = VmcoreInfo::parse(b"SYMBOL(log_buf)=ffffffff80000000\n");
    assert_eq!(Log::open(&kernel, &old).err(), Some(LogError::Old));
}
