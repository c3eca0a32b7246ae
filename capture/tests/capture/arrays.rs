//! Targets on RAID arrays: assembled before the dump from what is there and up to date, and stopped after it.

use crate::machine::{Fault, Machine};
use crate::{DUMP, assert_complete, assert_ended, capture, config, names, summary};
use baton_capture::probe::md::checksum;

const UUID: &str = "3b1f2d4c-5e6f-7081-92a3-b4c5d6e7f809";
const UUID_BYTES: [u8; 16] = [
    0x3b, 0x1f, 0x2d, 0x4c, 0x5e, 0x6f, 0x70, 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0x09,
];
const FAULTY: u16 = 0xfffe;
const SPARE: u16 = 0xffff;

/// A mirror of two disks; with the log's place on a disk of its own.
fn configured() -> String {
    let layer = format!(
        "[[target.layer]]\nkind = \"md\"\nname = \"md0\"\nuuid = \"{UUID}\"\nlevel = \"raid1\"\n\
         metadata = \"1.2\"\nmember = [\"WWN=first\", \"WWN=second\"]\n"
    );
    let log = "[log]\ndevice = \"LABEL=boot\"\nfilesystem = \"ext4\"\ndirectory = \"/crash\"\n";
    config(1, &["md127"]) + &layer + log
}

/// A member's beginning, with the superblock of version 1.2 (`struct mdp_superblock_1` of md_p.h).
fn member(number: u8, events: u64, roles: [u16; 2]) -> Vec<u8> {
    let mut block = vec![0; 260];
    let mut put = |at: usize, part: &[u8]| block[at..at + part.len()].copy_from_slice(part);
    put(0, &0xa92b_4efc_u32.to_le_bytes());
    put(4, &1_u32.to_le_bytes());
    put(16, &UUID_BYTES);
    put(72, &1_i32.to_le_bytes());
    put(144, &8_u64.to_le_bytes());
    put(160, &u32::from(number).to_le_bytes());
    put(200, &events.to_le_bytes());
    put(220, &2_u32.to_le_bytes());
    put(256, &roles[0].to_le_bytes());
    put(258, &roles[1].to_le_bytes());
    let sum = checksum(&block);
    block[216..220].copy_from_slice(&sum.to_le_bytes());
    let mut disk = vec![0; 4096];
    disk.extend(block);
    disk.resize(16 << 10, 0);
    disk
}

fn machine() -> Machine {
    Machine::new()
        .with_volume("md127")
        .with_disk("boot", Fault::None)
}

fn with_both(first: &[u8], second: &[u8]) -> Machine {
    machine()
        .with_leg("first", first)
        .with_leg("second", second)
}

/// The array has these members, and the dump is on it.
fn assert_assembled(machine: Machine, of: &str, warning: Option<&str>) {
    let machine = capture(machine, &configured());
    assert_ended(&machine);
    assert_complete(&machine, "md127");
    assert_eq!(machine.tables(), [format!("md127 1.2 {of}")]);
    assert!(machine.volumes().is_empty(), "it wasn't stopped");
    let directory = machine.disk("md127").directory.join(DUMP);
    let warnings = summary(&directory).warnings.join("; ");
    match warning {
        Some(warning) => assert!(warnings.contains(warning), "{warnings}"),
        None => assert_eq!(warnings, ""),
    }
}

fn assert_refused(machine: Machine, config: &str, why: &str) {
    let machine = capture(machine, config);
    assert_ended(&machine);
    let said = machine.said();
    assert!(said.contains(why), "{said}");
    assert!(machine.volumes().is_empty(), "{said}");
    assert!(names(&machine.disk("md127").directory).is_empty());
}

#[test]
fn an_array_is_assembled_of_all_its_members_and_stopped_after_the_dump() {
    let both = with_both(&member(0, 17, [0, 1]), &member(1, 17, [0, 1]));
    assert_assembled(both, "/dev/first /dev/second", None);
    // The kernel writes one superblock after the other.
    let one_behind = with_both(&member(0, 18, [0, 1]), &member(1, 17, [0, 1]));
    assert_assembled(one_behind, "/dev/first /dev/second", None);
}

#[test]
fn an_array_goes_without_a_member_that_is_missing_or_gives_no_answer() {
    let missing = machine().with_leg("second", &member(1, 17, [0, 1]));
    assert_assembled(
        missing,
        "/dev/second",
        Some("the array md0 goes without WWN=first: no device WWN=first came up"),
    );
    let silent = with_both(&member(0, 17, [0, 1]), &[]).with_silent_leg("second");
    assert_assembled(
        silent,
        "/dev/first",
        Some("the array md0 goes without WWN=second: it can't be read"),
    );
}

#[test]
fn an_array_goes_without_a_member_that_was_left_behind_or_taken_out() {
    let stale = with_both(&member(0, 17, [0, 1]), &member(1, 42, [FAULTY, 1]));
    assert_assembled(
        stale,
        "/dev/second",
        Some(
            "WWN=first: it isn't up to date (its superblock was written 17 times, and another one 42 times)",
        ),
    );
    // By the numbers alone it would do.
    let taken_out = with_both(&member(0, 41, [0, 1]), &member(1, 42, [FAULTY, 1]));
    assert_assembled(
        taken_out,
        "/dev/second",
        Some("WWN=first: it was taken out of the array, or failed"),
    );
}

#[test]
fn a_spare_is_not_missed_and_a_member_that_is_being_rebuilt_is_taken() {
    let spare = with_both(&member(0, 17, [0, SPARE]), &member(1, 17, [0, SPARE]));
    assert_assembled(spare, "/dev/first", None);
    // The kernel knows how far it is by its own superblock (recovery_offset).
    let rebuilt = with_both(&member(0, 17, [0, 1]), &member(1, 17, [0, 1]));
    assert_assembled(rebuilt, "/dev/first /dev/second", None);
}

#[test]
fn disks_that_belong_to_something_else_by_now_are_left_alone() {
    let mut other = member(0, 17, [0, 1]);
    other[4096 + 16] ^= 1;
    let sum = checksum(&other[4096..4096 + 260]);
    other[4096 + 216..4096 + 220].copy_from_slice(&sum.to_le_bytes());
    let mut damaged = member(1, 17, [0, 1]);
    damaged[4096 + 100] ^= 1;
    assert_refused(
        with_both(&other, &damaged),
        &configured(),
        "the array md0 isn't set up: the array md0 goes without WWN=first: it belongs to the array 3a1f2d4c-",
    );
    assert_refused(
        with_both(&[0; 16384], &damaged),
        &configured(),
        "WWN=second: its RAID superblock is damaged; check the array with `mdadm --examine`",
    );
    let reshaped = |mut disk: Vec<u8>| {
        disk[4096 + 8] = 4;
        let sum = checksum(&disk[4096..4096 + 260]);
        disk[4096 + 216..4096 + 220].copy_from_slice(&sum.to_le_bytes());
        disk
    };
    let both = [member(0, 17, [0, 1]), member(1, 17, [0, 1])].map(reshaped);
    assert_refused(
        with_both(&both[0], &both[1]),
        &configured(),
        "the array is being reshaped",
    );
    let other_level = configured().replace("\"raid1\"", "\"raid0\"");
    let both = with_both(&member(0, 17, [0, 1]), &member(1, 17, [0, 1]));
    assert_refused(both, &other_level, "the array is another one than when");
}

#[test]
fn a_member_that_is_there_twice_is_not_chosen_from() {
    let twice = with_both(&member(0, 17, [0, 1]), &member(1, 17, [0, 1]))
        .with_leg("second", &member(1, 17, [0, 1]));
    assert_refused(twice, &configured(), "WWN=second is the name of");
}

#[test]
fn an_array_that_the_kernel_refuses_leaves_nothing_behind() {
    let mut machine = with_both(&member(0, 17, [0, 1]), &member(1, 17, [0, 1]));
    machine.makes_no_volumes = true;
    assert_refused(
        machine,
        &configured(),
        "the array md0 can't be set up: Invalid argument",
    );
}

#[test]
fn a_volume_lies_on_an_array() {
    let volume = "[[target.layer]]\nkind = \"device-mapper\"\nname = \"md0p1\"\ntable = [\"0 65536 linear 0 2048\"]\n\
        [[target.layer.leg]]\ndevice = \"VOLUME=md0\"\n";
    let (targets, log) = {
        let text = configured().replace("LABEL=md127", "LABEL=md0p1");
        let (targets, log) = text.split_once("[log]").unwrap();
        (targets.to_owned(), format!("[log]{log}"))
    };
    let machine = Machine::new()
        .with_volume("md0p1")
        .with_disk("boot", Fault::None)
        .with_leg("first", &member(0, 17, [0, 1]))
        .with_leg("second", &member(1, 17, [0, 1]));
    let machine = capture(machine, &(targets + volume + &log));
    assert_ended(&machine);
    assert_complete(&machine, "md0p1");
    assert_eq!(
        machine.tables(),
        [
            "md127 1.2 /dev/first /dev/second",
            "0 65536 linear /dev/md127 2048"
        ]
    );
}
