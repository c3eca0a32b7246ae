//! Targets on a btrfs that is spread over several devices: all of them are waited for, and the kernel is told of them.

use crate::machine::{Fault, Machine};
use crate::{DUMP, assert_complete, assert_ended, capture, config, names, summary};

/// The file system's UUID, of [`Machine::with_member`].
const UUID: &str = "07070707-0707-0707-0707-070707070707";

fn configured(options: &str) -> String {
    let log = "[log]\ndevice = \"LABEL=boot\"\nfilesystem = \"ext4\"\ndirectory = \"/crash\"\n";
    config(1, &[])
        + &format!(
            "[[target]]\nkind = \"filesystem\"\ndevice = \"UUID={UUID}\"\nfilesystem = \"btrfs\"\n\
             options = \"{options}\"\ndirectory = \"/var/crash\"\n"
        )
        + log
}

fn machine() -> Machine {
    Machine::new().with_disk("boot", Fault::None)
}

/// There is no dump, but the log is saved where it goes then.
fn assert_refused(machine: Machine, why: &str) {
    let machine = capture(machine, &configured(""));
    assert_ended(&machine);
    let said = machine.said();
    assert!(said.contains(why), "{said}");
    assert!(names(&machine.disk("first").directory).is_empty());
    assert_eq!(names(&machine.disk("boot").directory), ["crash"]);
}

#[test]
fn a_btrfs_is_mounted_once_all_its_devices_are_there_and_the_kernel_is_told_of_them() {
    let three = machine()
        .with_member("first", 1, 3)
        .with_member("second", 2, 3)
        .with_member("third", 3, 3);
    let machine = capture(three, &configured("subvolid=5"));
    assert_ended(&machine);
    assert_complete(&machine, "first");
    assert_eq!(
        machine.options(),
        ["subvolid=5,device=/dev/second,device=/dev/third"]
    );
    let warnings = summary(&machine.disk("first").directory.join(DUMP)).warnings;
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn a_btrfs_of_one_device_is_mounted_as_any_file_system() {
    let machine = capture(machine().with_member("first", 1, 1), &configured(""));
    assert_ended(&machine);
    assert_complete(&machine, "first");
    assert_eq!(machine.options(), [""]);
}

#[test]
fn a_btrfs_that_lacks_a_device_is_refused() {
    let one = machine().with_member("first", 1, 2);
    assert_refused(one, "of the 2 devices of the file system 07070707-");
    let silent = machine()
        .with_member("first", 1, 2)
        .with_member("second", 2, 2)
        .that_gives_no_answer();
    assert_refused(silent, "only 1 came up within");
}

#[test]
fn a_btrfs_that_lacks_a_device_is_mounted_where_its_owner_allows_that() {
    let one = machine().with_member("first", 1, 2);
    let machine = capture(one, &configured("degraded"));
    assert_ended(&machine);
    assert_complete(&machine, "first");
    assert_eq!(machine.options(), ["degraded"]);
}

#[test]
fn a_btrfs_with_a_copy_of_one_of_its_devices_is_refused() {
    let copied = machine()
        .with_member("first", 1, 2)
        .with_member("second", 2, 2)
        .with_member("third", 2, 2);
    assert_refused(
        copied,
        "/dev/second and /dev/third are the same device of the file system",
    );
}
