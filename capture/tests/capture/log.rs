//! The kernel log alone, where no target takes it.

use super::crash::LOG;
use super::machine::{Fault, Machine};
use super::{DUMP, assert_complete, assert_ended, capture, config, names, old_dump, summary};
use std::fs;

/// A configuration with these targets, and a place for the log on the disk `boot`.
fn with_place(keep: u32, targets: &[&str]) -> String {
    config(keep, targets)
        + "[log]\ndevice = \"LABEL=boot\"\nfilesystem = \"ext4\"\ndirectory = \"/var/crash\"\n"
}

/// A machine with a disk `one` that fails so, and a disk `boot`.
fn machine(fault: Fault) -> Machine {
    Machine::new()
        .with_disk("one", fault)
        .with_disk("boot", Fault::None)
}

#[test]
fn a_log_that_no_target_takes_is_saved_with_a_summary_of_why() {
    let machine = capture(machine(Fault::From(0)), &with_place(2, &["one"]));
    assert_ended(&machine);
    let directory = machine.disk("boot").directory.join(DUMP);
    assert_eq!(names(&directory), ["dmesg.txt", "summary.json"]);
    let log = fs::read_to_string(directory.join("dmesg.txt")).unwrap();
    assert_eq!(log, LOG);
    let summary = summary(&directory);
    assert!(!summary.complete);
    assert_eq!(summary.failed_targets.len(), 1, "{summary:?}");
    assert!(machine.kept_logs().is_empty());
}

#[test]
fn a_log_that_a_target_took_is_saved_nowhere_else() {
    let machine = capture(machine(Fault::None), &with_place(2, &["one"]));
    assert_complete(&machine, "one");
    assert!(names(&machine.disk("boot").directory.join("var/crash")).is_empty());
    // The disk is full after the log.
    let machine = capture(self::machine(Fault::Full(2000)), &with_place(2, &["one"]));
    let first = machine.disk("one").directory.join(DUMP);
    assert!(first.join("dmesg.txt").exists(), "{}", machine.said());
    assert!(names(&machine.disk("boot").directory.join("var/crash")).is_empty());
}

#[test]
fn a_machine_without_a_target_keeps_the_log() {
    let machine = capture(machine(Fault::None), &with_place(2, &[]));
    assert_ended(&machine);
    let directory = machine.disk("boot").directory.join(DUMP);
    assert_eq!(names(&directory), ["dmesg.txt", "summary.json"]);
}

#[test]
fn as_many_logs_are_kept_as_dumps() {
    let machine = machine(Fault::None);
    for year in 2020..2024 {
        let name = format!("{year}-01-01T00-00-00Z");
        old_dump(&machine, "boot", &name, false);
    }
    let machine = capture(machine, &with_place(2, &[]));
    let kept = names(&machine.disk("boot").directory.join("var/crash"));
    assert_eq!(kept, ["2023-01-01T00-00-00Z", "2026-11-28T17-33-33Z"]);
}

#[test]
fn no_complete_dump_goes_for_a_log() {
    let machine = machine(Fault::None);
    old_dump(&machine, "boot", "2020-01-01T00-00-00Z", true);
    let machine = capture(machine, &with_place(1, &[]));
    let kept = names(&machine.disk("boot").directory.join("var/crash"));
    assert_eq!(kept, ["2020-01-01T00-00-00Z", "2026-11-28T17-33-33Z"]);
}

#[test]
fn a_place_that_fails_leaves_the_log_to_the_last_resort() {
    let machine = Machine::new().with_disk("boot", Fault::From(0));
    let machine = capture(machine, &with_place(2, &[]));
    assert_ended(&machine);
    assert_eq!(machine.kept_logs(), [LOG]);
}
