//! Targets on volumes of the device mapper: set up before the dump, taken down after it, and left alone where they
//! aren't what they were.

use crate::machine::{Fault, Machine};
use crate::{DUMP, assert_complete, assert_ended, capture, config, names};
use std::fs;

/// Physical volumes of one group, as LVM 2.03.16 wrote them.
const FIRST: &[u8] = include_bytes!("../../../fuzz/corpus/lvm/member-0");
const SECOND: &[u8] = include_bytes!("../../../fuzz/corpus/lvm/member-1");
/// One of another group, and one in none.
const OTHER: &[u8] = include_bytes!("../../../fuzz/corpus/lvm/ignored");
const ORPHAN: &[u8] = include_bytes!("../../../fuzz/corpus/lvm/orphan");

const FIRST_ID: &str = "ifB8jP-Jg0Z-6oyR-DCtV-rKRh-l82J-EG9zUg";
const SECOND_ID: &str = "qtRuqz-sg4h-aANK-6WDk-L0DH-y1tw-OWlqeX";
const GROUP_ID: &str = "xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxad";

/// A volume over two disks, with this seqno; with the log's place on a disk of its own.
fn configured(seqno: u32) -> String {
    let layers = format!(
        "[[target.layer]]\nkind = \"device-mapper\"\nname = \"vg0-crash\"\nuuid = \"LVM-x\"\n\
         table = [\"0 122880 linear 0 2048\", \"122880 40960 striped 2 128 1 2048 0 124928\"]\n\
         [target.layer.group]\nname = \"vg0\"\nid = \"{GROUP_ID}\"\nseqno = {seqno}\n\
         [[target.layer.leg]]\ndevice = \"WWN=first\"\nphysical-volume = \"{FIRST_ID}\"\n\
         [[target.layer.leg]]\ndevice = \"WWN=second\"\nphysical-volume = \"{SECOND_ID}\"\n"
    );
    let log = "[log]\ndevice = \"LABEL=boot\"\nfilesystem = \"ext4\"\ndirectory = \"/crash\"\n";
    config(1, &["vg0-crash"]) + &layers + log
}

fn machine() -> Machine {
    Machine::new()
        .with_volume("vg0-crash")
        .with_disk("boot", Fault::None)
}

/// With both disks of the volume.
fn whole() -> Machine {
    machine()
        .with_leg("first", FIRST)
        .with_leg("second", SECOND)
}

/// The volume wasn't made, for this reason, and the log is where it can be.
fn assert_refused(machine: Machine, config: &str, why: &str) {
    let machine = capture(machine, config);
    assert_ended(&machine);
    let said = machine.said();
    assert!(said.contains(why), "{said}");
    assert!(machine.volumes().is_empty(), "{said}");
    assert!(names(&machine.disk("vg0-crash").directory).is_empty());
    let log = DUMP.replace("var/crash", "crash");
    let log = machine.disk("boot").directory.join(log);
    assert_eq!(names(&log), ["dmesg.txt", "summary.json"], "{said}");
    let summary = fs::read_to_string(log.join("summary.json")).unwrap();
    assert!(summary.contains(why), "{summary}");
    assert!(machine.kept_logs().is_empty(), "{said}");
}

#[test]
fn a_volume_is_set_up_as_it_was_and_taken_down_after_the_dump() {
    let machine = capture(whole(), &configured(3));
    assert_ended(&machine);
    assert_complete(&machine, "vg0-crash");
    assert_eq!(
        machine.tables(),
        [
            "0 122880 linear /dev/first 2048",
            "122880 40960 striped 2 128 /dev/second 2048 /dev/first 124928"
        ]
    );
    assert!(machine.volumes().is_empty());
}

#[test]
fn a_group_that_was_changed_since_is_left_alone() {
    assert_refused(
        whole(),
        &configured(2),
        "vg0 changed after the capture was loaded (seqno 2 then, 3 now, says WWN=first)",
    );
}

#[test]
fn another_group_or_physical_volume_in_its_place_is_left_alone() {
    let with_second = |image| machine().with_leg("first", FIRST).with_leg("second", image);
    let config = configured(3);
    assert_refused(
        with_second(OTHER),
        &config,
        "WWN=second is another physical volume",
    );
    assert_refused(
        with_second(ORPHAN),
        &config,
        "WWN=second is another physical volume",
    );
    assert_refused(
        with_second(&[0; 8192]),
        &config,
        "it is no physical volume of LVM",
    );
    let mut damaged = SECOND.to_vec();
    damaged[4200] ^= 1;
    assert_refused(
        with_second(&damaged),
        &config,
        "is damaged; check the volume group with `vgck`",
    );
    let other = config.replace(GROUP_ID, "xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxae");
    assert_refused(
        whole(),
        &other,
        "its physical volume WWN=first belongs to the volume group vg0",
    );
}

#[test]
fn physical_volumes_that_were_taken_out_of_their_group_are_left_alone() {
    let id = baton_capture::probe::lvm::id(&ORPHAN.to_vec())
        .unwrap()
        .unwrap();
    let config = configured(3)
        .replace(FIRST_ID, &id.to_string())
        .replace(SECOND_ID, &id.to_string());
    let machine = machine()
        .with_leg("first", ORPHAN)
        .with_leg("second", ORPHAN);
    assert_refused(
        machine,
        &config,
        "none of its physical volumes belongs to a volume group",
    );
}

#[test]
fn a_volume_whose_disk_is_missing_or_there_twice_is_left_alone() {
    let config = configured(3);
    let missing = machine().with_leg("first", FIRST);
    assert_refused(
        missing,
        &config,
        "isn't whole: no device WWN=second came up",
    );
    let twice = whole().with_leg("second", SECOND);
    assert_refused(twice, &config, "WWN=second is the name of");
}

#[test]
fn a_disk_with_several_paths_is_reached_by_one_that_answers() {
    let config = configured(3).replace("WWN=second", "PATHS=second");
    let two = machine()
        .with_leg("first", FIRST)
        .with_path("sda", "second", SECOND)
        .with_path("sdb", "second", SECOND);
    let table = |machine: &Machine| machine.tables().concat();
    let done = capture(two, &config);
    assert_complete(&done, "vg0-crash");
    assert!(table(&done).contains("/dev/sda"), "{}", table(&done));
    let one_is_dead = machine()
        .with_leg("first", FIRST)
        .with_path("sda", "second", SECOND)
        .with_path("sdb", "second", SECOND)
        .with_silent_leg("sda");
    let done = capture(one_is_dead, &config);
    assert_complete(&done, "vg0-crash");
    assert!(!table(&done).contains("/dev/sda"), "{}", table(&done));
}

#[test]
fn a_volume_that_the_kernel_refuses_leaves_nothing_behind() {
    let mut machine = whole();
    machine.makes_no_volumes = true;
    assert_refused(
        machine,
        &configured(3),
        "vg0-crash can't be set up: Invalid argument",
    );
}

#[test]
fn a_volume_with_another_file_system_is_taken_down_again() {
    let config = configured(3).replace("LABEL=vg0-crash", "LABEL=other");
    assert_refused(whole(), &config, "doesn't hold the file system LABEL=other");
}

#[test]
fn a_volume_that_gives_no_answer_is_not_taken_for_one_with_another_file_system() {
    let machine = Machine::new()
        .with_disk("boot", Fault::None)
        .with_volume("vg0-crash")
        .that_gives_no_answer()
        .with_leg("first", FIRST)
        .with_leg("second", SECOND);
    assert_refused(
        machine,
        &configured(3),
        "vg0-crash gives no answer: Input/output error",
    );
}

#[test]
fn a_disk_that_gives_no_answer_is_named_where_none_has_the_targets_name() {
    let machine = Machine::new()
        .with_disk("gone", Fault::None)
        .that_gives_no_answer();
    let machine = capture(machine, &config(1, &["gone"]));
    assert_ended(&machine);
    let said = machine.said();
    assert!(said.contains("/dev/gone gives no answer"), "{said}");
}

#[test]
fn a_volume_lies_on_one_that_is_set_up_before_it() {
    let below = "[[target.layer]]\nkind = \"device-mapper\"\nname = \"part\"\ntable = [\"0 131072 linear 0 34\"]\n\
                 [[target.layer.leg]]\ndevice = \"WWN=first\"\n";
    let above = "[[target.layer]]\nkind = \"device-mapper\"\nname = \"top\"\ntable = [\"0 65536 linear 0 8\"]\n\
                 [[target.layer.leg]]\ndevice = \"VOLUME=part\"\n";
    let machine = Machine::new().with_volume("top").with_leg("first", &[]);
    let machine = capture(machine, &(config(1, &["top"]) + below + above));
    assert_ended(&machine);
    assert_complete(&machine, "top");
    assert_eq!(
        machine.tables(),
        [
            "0 131072 linear /dev/first 34",
            "0 65536 linear /dev/part 8"
        ]
    );
}

/// A mirror on two disks, each copy with a volume for its state.
fn mirrored() -> String {
    let part = |name: &str, disk: &str, id: &str, start: u32| {
        format!(
            "[[target.layer]]\nkind = \"device-mapper\"\nname = \"{name}\"\ntable = [\"0 8192 linear 0 {start}\"]\n\
             [target.layer.group]\nname = \"vg0\"\nid = \"{GROUP_ID}\"\nseqno = 3\n\
             [[target.layer.leg]]\ndevice = \"WWN={disk}\"\nphysical-volume = \"{id}\"\n"
        )
    };
    let legs = ["meta0", "data0", "meta1", "data1"]
        .map(|name| format!("[[target.layer.leg]]\ndevice = \"VOLUME={name}\"\n"));
    config(1, &["top"])
        + &part("meta0", "first", FIRST_ID, 2048)
        + &part("data0", "first", FIRST_ID, 10240)
        + &part("meta1", "second", SECOND_ID, 2048)
        + &part("data1", "second", SECOND_ID, 10240)
        + "[[target.layer]]\nkind = \"device-mapper\"\nname = \"top\"\n\
           table = [\"0 8192 raid raid1 3 0 region_size 4096 2 0 1 2 3\"]\n"
        + &legs.concat()
}

#[test]
fn a_mirror_is_set_up_from_all_of_its_copies() {
    let machine = Machine::new()
        .with_volume("top")
        .with_leg("first", FIRST)
        .with_leg("second", SECOND);
    let machine = capture(machine, &mirrored());
    assert_ended(&machine);
    assert_complete(&machine, "top");
    let tables = machine.tables();
    assert_eq!(
        tables.last().unwrap(),
        "0 8192 raid raid1 3 0 region_size 4096 2 /dev/meta0 /dev/data0 /dev/meta1 /dev/data1"
    );
    assert_eq!(tables.len(), 5);
    assert!(machine.volumes().is_empty());
}

#[test]
fn a_mirror_goes_without_a_copy_whose_disk_is_gone_and_says_so() {
    let with_first = || Machine::new().with_volume("top").with_leg("first", FIRST);
    let silent = || with_first().with_leg("second", SECOND);
    for machine in [with_first(), silent().with_silent_leg("second")] {
        let machine = capture(machine, &mirrored());
        assert_ended(&machine);
        assert_complete(&machine, "top");
        assert_eq!(
            machine.tables().last().unwrap(),
            "0 8192 raid raid1 3 0 region_size 4096 2 /dev/meta0 /dev/data0 - -"
        );
        let dump = machine.disk("top").directory.join(DUMP);
        let summary = fs::read_to_string(dump.join("summary.json")).unwrap();
        assert!(
            summary.contains("the volume top goes without one of its copies"),
            "{summary}"
        );
        assert!(summary.contains("WWN=second"), "{summary}");
    }
}

#[test]
fn a_mirror_is_left_alone_where_a_copy_changed_or_none_is_there() {
    let machine = Machine::new()
        .with_volume("top")
        .with_leg("first", FIRST)
        .with_leg("second", OTHER);
    let machine = capture(machine, &mirrored());
    assert_ended(&machine);
    let said = machine.said();
    assert!(
        said.contains("WWN=second is another physical volume"),
        "{said}"
    );
    let none = capture(Machine::new().with_volume("top"), &mirrored());
    assert_ended(&none);
    let said = none.said();
    assert!(said.contains("none of its copies is there"), "{said}");
    assert!(none.tables().is_empty(), "{said}");
}
