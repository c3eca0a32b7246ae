//! Targets on encrypted volumes: decrypted with a key that the kernel kept, and left alone where they aren't what they were.

use crate::machine::{Fault, Machine};
use crate::{DUMP, assert_complete, assert_ended, capture, config, names};
use std::fs;

/// As cryptsetup 2.6.1 wrote them.
const FIRST: &[u8] = include_bytes!("../../../fuzz/corpus/superblock/luks1");
const SECOND: &[u8] = include_bytes!("../../../fuzz/corpus/superblock/luks2");

const KEY: &str = "cryptsetup:5f1d9a3c-0c1e-4f5c-9d55-000000000002";

/// An encrypted volume on a disk, with the log's place on a disk of its own.
fn configured() -> String {
    let layer = format!(
        "[[target.layer]]\nkind = \"device-mapper\"\nname = \"secret\"\nuuid = \"CRYPT-LUKS2-x\"\n\
         luks = \"5f1d9a3c-0c1e-4f5c-9d55-000000000002\"\n\
         table = [\"0 8192 crypt aes-xts-plain64 :64:user:{KEY} 0 0 32768 1 allow_discards\"]\n\
         [[target.layer.leg]]\ndevice = \"WWN=disk\"\n"
    );
    let log = "[log]\ndevice = \"LABEL=boot\"\nfilesystem = \"ext4\"\ndirectory = \"/crash\"\n";
    config(1, &["secret"]) + &layer + log
}

fn machine(header: &[u8]) -> Machine {
    let mut machine = Machine::new()
        .with_volume("secret")
        .with_disk("boot", Fault::None)
        .with_leg("disk", header);
    machine.keys = vec![KEY.to_owned()];
    machine
}

/// The volume wasn't made, for this reason, and the log is where it can be.
fn assert_refused(machine: Machine, config: &str, why: &str) {
    let machine = capture(machine, config);
    assert_ended(&machine);
    let said = machine.said();
    assert!(said.contains(why), "{said}");
    assert!(machine.volumes().is_empty(), "{said}");
    assert!(names(&machine.disk("secret").directory).is_empty());
    let log = DUMP.replace("var/crash", "crash");
    let log = machine.disk("boot").directory.join(log);
    let summary = fs::read_to_string(log.join("summary.json")).unwrap();
    assert!(summary.contains(why), "{summary}");
}

#[test]
fn a_volume_is_decrypted_with_the_key_that_was_kept_and_taken_down_after_the_dump() {
    let machine = capture(machine(SECOND), &configured());
    assert_ended(&machine);
    assert_complete(&machine, "secret");
    assert_eq!(
        machine.tables(),
        [format!(
            "0 8192 crypt aes-xts-plain64 :64:user:{KEY} 0 /dev/disk 32768 1 allow_discards"
        )]
    );
    assert!(machine.volumes().is_empty());
}

#[test]
fn a_disk_that_was_encrypted_anew_or_not_at_all_is_left_alone() {
    for header in [FIRST, &[0; 4096][..], &[]] {
        assert_refused(
            machine(header),
            &configured(),
            "WWN=disk doesn't hold the LUKS volume 5f1d9a3c-0c1e-4f5c-9d55-000000000002 any more",
        );
    }
}

#[test]
fn a_disk_that_gives_no_answer_is_not_taken_for_one_that_was_encrypted_anew() {
    assert_refused(
        machine(SECOND).with_silent_leg("disk"),
        &configured(),
        "WWN=disk can't be read: Input/output error",
    );
}

#[test]
fn a_key_that_was_not_kept_is_named() {
    let mut other = machine(SECOND);
    other.keys = vec!["cryptsetup:x".to_owned()];
    assert_refused(other, &configured(), &format!("its key {KEY} wasn't kept"));
    let mut none = machine(SECOND);
    none.keys.clear();
    assert_refused(
        none,
        &configured(),
        "the keys of encrypted volumes can't be restored: the kernel that crashed kept none",
    );
}

#[test]
fn a_volume_whose_key_decrypts_it_to_something_else_is_taken_down_again() {
    let config = configured().replacen("LABEL=secret", "LABEL=other", 1);
    assert_refused(
        machine(SECOND),
        &config,
        "secret doesn't hold the file system LABEL=other",
    );
}
