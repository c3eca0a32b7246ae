//! Disks that fail.

use super::crash::{LOG, Small};
use super::machine::{Fault, Machine};
use super::*;

/// An operation number that is beyond those of a whole capture.
fn all_operations() -> u32 {
    let machine = Machine::new().with_disk("one", Fault::None);
    old_dump(&machine, "one", "2020-01-01T00-00-00Z", true);
    old_dump(&machine, "one", "2021-01-01T00-00-00Z", true);
    let machine = capture(machine, &config(2, &["one"]));
    machine.operations("one")
}

/// Whatever fails, there is a complete dump in the end, and no old one goes without one.
fn with_fault(fault: Fault) {
    let machine = Machine::new()
        .with_disk("one", fault)
        .with_disk("two", Fault::None);
    let oldest = old_dump(&machine, "one", "2020-01-01T00-00-00Z", true);
    let old = old_dump(&machine, "one", "2021-01-01T00-00-00Z", true);
    let machine = capture(machine, &config(2, &["one", "two"]));
    assert_ended(&machine);
    assert_intact(&old);
    let first = machine.disk("one").directory.join(DUMP);
    let has_first = first.join("vmcore").exists();
    if has_first {
        assert_eq!(fs::read(first.join("vmcore")).unwrap(), Small::dump());
    } else {
        assert_intact(&oldest);
    }
    // Renamed, but perhaps not on the disk: then there are two.
    if machine.disk("two").directory.join(DUMP).exists() {
        let summary = assert_complete(&machine, "two");
        assert_eq!(summary.failed_targets.len(), 1, "{fault:?}");
        assert_intact(&oldest);
    } else {
        assert_complete(&machine, "one");
    }
}

#[test]
fn an_io_error_at_any_operation_costs_no_dump() {
    let all = all_operations();
    assert!(all > 60, "{all}");
    for at in 0..all + 1 {
        with_fault(Fault::Once(at));
    }
}

#[test]
fn a_disk_gone_at_any_operation_costs_no_dump() {
    for at in 0..all_operations() + 1 {
        with_fault(Fault::From(at));
    }
}

#[test]
fn a_disk_full_at_any_byte_costs_no_dump_and_keeps_what_fitted() {
    for limit in (0..420_000).step_by(9_999) {
        with_fault(Fault::Full(limit));
    }
    let machine = Machine::new().with_disk("one", Fault::Full(200_000));
    let machine = capture(machine, &config(2, &["one"]));
    assert_ended(&machine);
    let directory = machine.disk("one").directory.join(DUMP);
    assert_eq!(
        fs::read_to_string(directory.join("dmesg.txt")).unwrap(),
        LOG
    );
    let kept = fs::read(directory.join("vmcore.incomplete")).unwrap();
    assert!(kept[10_000..].iter().eq(&Small::dump()[10_000..kept.len()]));
    assert!(!directory.join("vmcore").exists());
    assert!(
        machine.said().contains("no storage space") || machine.said().contains("No space"),
        "{}",
        machine.said()
    );
}

#[test]
fn a_disk_that_gives_back_something_else_is_not_trusted() {
    let machine = Machine::new()
        .with_disk("one", Fault::Rotten)
        .with_disk("two", Fault::None);
    let machine = capture(machine, &config(2, &["one", "two"]));
    assert_ended(&machine);
    let summary = assert_complete(&machine, "two");
    assert_eq!(
        summary.failed_targets[0].error,
        "the dump doesn't read back as it was written: the disk lost or altered some of it; replace the disk, or name another target"
    );
    let first = machine.disk("one").directory.join(DUMP);
    assert_eq!(
        names(&first),
        ["dmesg.txt", "summary.json", "vmcore.incomplete"]
    );
    let first = super::summary(&first);
    assert!(!first.complete);
    assert_eq!(first.error, Some(summary.failed_targets[0].error.clone()));
}

#[test]
fn a_device_that_does_not_come_is_waited_for_and_then_the_next_is_taken() {
    let machine = Machine::new().with_disk("two", Fault::None);
    let machine = capture(machine, &config(2, &["one", "two"]));
    assert_ended(&machine);
    let summary = assert_complete(&machine, "two");
    assert_eq!(
        summary.failed_targets[0].error,
        "no device LABEL=one came up within 30 s, only /dev/two; check the name, and that `modules` has its \
         driver"
    );
}

#[test]
fn a_module_that_fails_is_reported_and_the_others_are_loaded() {
    let mut machine = Machine::new().with_disk("one", Fault::None);
    machine.bad_modules.push("/a.ko".into());
    let machine = capture(machine, &config(2, &["one"]));
    let summary = assert_complete(&machine, "one");
    assert_eq!(summary.warnings.len(), 1);
    assert!(summary.warnings[0].starts_with("the module /a.ko can't be loaded: Exec format error"));
    assert_eq!(machine.modules(), [Path::new("/b.ko")]);
}

#[test]
fn a_crash_without_a_log_is_dumped_and_says_so() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = capture_of(machine, &config(2, &["one"]), || Small {
        log: false,
        ..Small::new()
    });
    let summary = assert_complete(&machine, "one");
    assert_eq!(summary.warnings, ["the crashed kernel left no VMCOREINFO"]);
}
