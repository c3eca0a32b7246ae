//! Where dumps go, and what is beside them.

use super::crash::{LOG, Small};
use super::machine::{Fault, Machine};
use super::*;
use baton_capture::space::KEPT_FREE;
use baton_capture::trailer::{self, TrailerError};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn a_dump_is_complete_with_its_log_its_digest_and_its_summary() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = capture(machine, &config(3, &["one"]));
    assert_ended(&machine);
    let summary = assert_complete(&machine, "one");
    let directory = machine.disk("one").directory.join(DUMP);
    assert_eq!(
        fs::read_to_string(directory.join("dmesg.txt")).unwrap(),
        LOG
    );
    let check = Command::new("sha256sum")
        .current_dir(&directory)
        .args(["--check", "--strict", "vmcore.sha256"])
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
    assert_eq!(summary.crash.kernel.as_deref(), Some("6.12.1"));
    assert_eq!(summary.crash.time.as_deref(), Some("2026-11-28T17:33:33Z"));
    assert_eq!(summary.target, "/var/crash on LABEL=one");
    let dump = summary.dump.unwrap();
    assert_eq!(dump.bytes, 400_000);
    assert_eq!((u8::from(dump.level_asked), u8::from(dump.level)), (31, 15));
    assert!(machine.said().contains("free memory is in doubt"));
    assert_eq!(summary.memory.available_at_start, Some(64 << 20));
    assert_eq!(summary.memory.peak_resident, Some(7 << 20));
}

#[test]
fn nobody_but_root_reads_a_dump() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = capture(machine, &config(3, &["one"]));
    let directory = machine.disk("one").directory.join(DUMP);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(directory.parent().unwrap()), 0o700);
    for file in names(&directory) {
        assert_eq!(mode(&directory.join(&file)), 0o600, "{file}");
    }
}

#[test]
fn without_reading_back_there_is_no_digest() {
    let machine = Machine::new().with_disk("one", Fault::Rotten);
    let config = config(3, &["one"]).replace("read-back = true", "read-back = false");
    let machine = capture(machine, &config);
    let directory = machine.disk("one").directory.join(DUMP);
    assert_eq!(names(&directory), ["dmesg.txt", "summary.json", "vmcore"]);
    assert_eq!(summary(&directory).sha256, None);
}

#[test]
fn a_second_dump_of_the_same_second_gets_a_number() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let first = old_dump(&machine, "one", "2026-11-28T17-33-33Z", true);
    let machine = capture(machine, &config(3, &["one"]));
    assert_intact(&first);
    let place = machine.disk("one").directory.join("var/crash");
    assert_eq!(
        names(&place),
        ["2026-11-28T17-33-33Z", "2026-11-28T17-33-33Z-1"]
    );
}

#[test]
fn old_dumps_go_when_the_new_one_is_complete_and_nothing_else_goes() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let place = machine.disk("one").directory.join("var/crash");
    for year in 2020..2024 {
        old_dump(&machine, "one", &format!("{year}-01-01T00-00-00Z"), true);
    }
    let foreign = old_dump(&machine, "one", "2019-01-01T00-00-00Z", true);
    fs::write(foreign.join("notes.txt"), "what I found out").unwrap();
    fs::create_dir(place.join("202611281733")).unwrap();
    fs::write(place.join("2018-01-01T00-00-00Z"), "a file").unwrap();
    let machine = capture(machine, &config(3, &["one"]));
    assert_complete(&machine, "one");
    assert_eq!(
        names(&place),
        [
            "2018-01-01T00-00-00Z",
            "2019-01-01T00-00-00Z",
            "2022-01-01T00-00-00Z",
            "2023-01-01T00-00-00Z",
            "2026-11-28T17-33-33Z",
            "202611281733",
        ]
    );
    assert_intact(&foreign);
}

#[test]
fn what_others_may_have_made_is_no_dump_and_costs_none() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let real = old_dump(&machine, "one", "2020-01-01T00-00-00Z", true);
    let fakes = ["2021-01-01T00-00-00Z", "2022-01-01T00-00-00Z"].map(|name| {
        let fake = old_dump(&machine, "one", name, true);
        fs::set_permissions(&fake, fs::Permissions::from_mode(0o777)).unwrap();
        fake
    });
    let linked = old_dump(&machine, "one", "2023-01-01T00-00-00Z", false);
    fs::remove_file(linked.join("vmcore.incomplete")).unwrap();
    std::os::unix::fs::symlink(real.join("vmcore"), linked.join("vmcore")).unwrap();
    let machine = capture(machine, &config(2, &["one"]));
    assert_complete(&machine, "one");
    // With the new one it is the second: whatever claims to be newer doesn't count.
    assert_intact(&real);
    for fake in fakes {
        assert_intact(&fake);
    }
    assert!(linked.join("vmcore").symlink_metadata().is_ok());
}

/// A machine with one disk on which a dump may take so many bytes.
fn with_room_for(bytes: u64) -> Machine {
    let mut machine = Machine::new().with_disk("one", Fault::None);
    machine.disks[0].free = KEPT_FREE + bytes;
    machine
}

#[test]
fn a_dump_is_written_until_the_room_ends_and_the_log_before_it() {
    let machine = capture(with_room_for(100_000), &config(1, &["one"]));
    assert_ended(&machine);
    let directory = machine.disk("one").directory.join(DUMP);
    assert_eq!(
        names(&directory),
        ["dmesg.txt", "summary.json", "vmcore.incomplete"]
    );
    let written = fs::metadata(directory.join("vmcore.incomplete")).unwrap();
    assert!((1..400_000).contains(&written.len()), "{written:?}");
    let summary = summary(&directory);
    assert!(!summary.complete);
    let error = summary.error.unwrap();
    assert!(error.contains("the room ends after 0 MiB"), "{error}");
}

#[test]
fn a_whole_dump_that_was_not_read_back_has_a_name_that_says_so() {
    let mut seen = 0;
    for at in 0..80 {
        let machine = Machine::new().with_disk("one", Fault::From(at));
        let machine = capture(machine, &config(1, &["one"]));
        let dump = machine.disk("one").directory.join(DUMP);
        if let Ok(bytes) = fs::read(dump.join("vmcore.unverified")) {
            assert!(bytes == Small::dump(), "{at}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn a_dump_that_reads_back_otherwise_is_not_called_whole() {
    let machine = Machine::new().with_disk("one", Fault::Rotten);
    let machine = capture(machine, &config(1, &["one"]));
    assert_ended(&machine);
    let directory = machine.disk("one").directory.join(DUMP);
    assert_eq!(
        names(&directory),
        ["dmesg.txt", "summary.json", "vmcore.incomplete"]
    );
    assert!(!summary(&directory).complete);
}

#[test]
fn what_does_not_fit_on_one_disk_goes_to_the_next_and_costs_no_old_dump() {
    let machine = with_room_for(0).with_disk("two", Fault::None);
    let old = old_dump(&machine, "one", "2020-01-01T00-00-00Z", true);
    let machine = capture(machine, &config(1, &["one", "two"]));
    assert_ended(&machine);
    let summary = assert_complete(&machine, "two");
    assert_eq!(summary.failed_targets.len(), 1);
    let error = &summary.failed_targets[0].error;
    assert!(error.contains("the room ends after 0 MiB"), "{error}");
    assert_intact(&old);
}

#[test]
fn fat_is_mounted_so_that_only_root_reads_it() {
    let machine = Machine::new().with_disk("one", Fault::None);
    let machine = capture(machine, &config(3, &["one"]).replace("ext4", "vfat"));
    assert_eq!(machine.options(), ["umask=0077"]);
}

const PARTITION: u64 = 8 << 20;

#[test]
fn a_raw_partition_has_the_dump_at_its_start_and_the_rest_at_its_end() {
    let machine = Machine::new().with_partition(PARTITION, &[], Fault::None);
    let machine = capture(machine, &config(3, &["raw"]));
    assert_ended(&machine);
    let bytes = machine.partition_bytes();
    assert!(bytes.starts_with(&Small::dump()), "{}", machine.said());
    let trailer = trailer::read(&bytes, PARTITION).unwrap();
    assert!(trailer.complete);
    assert_eq!(trailer.length, 400_000);
    assert_eq!(trailer.log, LOG.as_bytes());
    let summary: Summary = serde_json::from_slice(&trailer.summary).unwrap();
    assert!(summary.complete);
    let digest: String = trailer
        .digest
        .unwrap()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    assert_eq!(summary.sha256, Some(digest));
}

#[test]
fn a_raw_partition_that_holds_a_file_system_is_left_alone() {
    let mut start = vec![0; 2048];
    start[1080..1082].copy_from_slice(&[0x53, 0xef]);
    let machine = Machine::new().with_partition(PARTITION, &start, Fault::None);
    let machine = capture(machine, &config(3, &["raw"]));
    assert_ended(&machine);
    assert!(
        machine
            .said()
            .contains("/dev/raw holds an ext2, ext3 or ext4 file system"),
        "{}",
        machine.said()
    );
    assert!(machine.partition_bytes().starts_with(&start));
}

#[test]
fn a_raw_partition_that_holds_what_nobody_here_knows_is_left_alone() {
    for (at, there, said) in [
        (3, &b"NTFS    "[..], "an NTFS file system"),
        (512, b"EFI PART", "a partition table (GPT)"),
        (4096, &0xa92b_4efc_u32.to_le_bytes(), "RAID array"),
        (5000, b"whatever this is", "unknown data"),
        ((8 << 20) - 16, b"whatever this is", "unknown data"),
    ] {
        let mut start = vec![0; at + there.len()];
        start[at..].copy_from_slice(there);
        let machine = Machine::new().with_partition(PARTITION, &start, Fault::None);
        let machine = capture(machine, &config(3, &["raw"]));
        assert_ended(&machine);
        assert!(
            machine.said().contains("/dev/raw holds ") && machine.said().contains(said),
            "{}",
            machine.said()
        );
        assert!(machine.partition_bytes().starts_with(&start), "{said}");
    }
}

#[test]
fn a_raw_partition_takes_one_dump_after_another() {
    let machine = Machine::new().with_partition(PARTITION, &[], Fault::None);
    let machine = capture(machine, &config(3, &["raw"]));
    let first = machine.partition_bytes();
    let again = Machine::new().with_partition(PARTITION, &first, Fault::None);
    let again = capture(again, &config(3, &["raw"]));
    assert_ended(&again);
    assert!(
        trailer::read(&again.partition_bytes(), PARTITION)
            .unwrap()
            .complete
    );
    assert!(
        again.said().contains("the kernel log is saved"),
        "{}",
        again.said()
    );
}

#[test]
fn a_raw_partition_that_is_too_small_is_left_alone() {
    let machine = Machine::new().with_partition(3 << 20, b"KDUMP   mine", Fault::None);
    let machine = capture(machine, &config(3, &["raw"]));
    assert_ended(&machine);
    assert!(
        machine.said().contains("at least 4 MiB"),
        "{}",
        machine.said()
    );
    assert!(machine.partition_bytes().starts_with(b"KDUMP   mine"));
}

#[test]
fn a_raw_dump_that_breaks_off_replaces_the_old_one_and_says_so() {
    let (mut complete, mut broken, mut untouched) = (0, 0, 0);
    for at in 0..80 {
        let mut old = vec![b'K'; 70 << 10];
        old[..8].copy_from_slice(b"DISKDUMP");
        let machine = Machine::new()
            .with_partition(PARTITION, &old, Fault::From(at))
            .with_disk("two", Fault::None);
        let machine = capture(machine, &config(3, &["raw", "two"]));
        assert_ended(&machine);
        let bytes = machine.partition_bytes();
        match trailer::read(&bytes, PARTITION) {
            Ok(trailer) if trailer.complete => {
                assert!(bytes.starts_with(&Small::dump()));
                complete += 1;
                continue;
            }
            Ok(trailer) => {
                assert_eq!(trailer.log, LOG.as_bytes());
                assert!(!bytes.starts_with(b"DISKDUMP"), "{at}");
                broken += 1;
            }
            Err(TrailerError::None) => untouched += 1,
            Err(error) => panic!("{at}: {error}"),
        }
        assert_complete(&machine, "two");
    }
    assert!(
        complete > 0 && broken > 20 && untouched > 0,
        "{complete} {broken} {untouched}"
    );
}

#[test]
fn a_whole_disk_is_written_to_if_it_is_the_one_that_was_meant_and_no_other() {
    let raw = |device: &str| config(3, &["raw"]).replace("/dev/raw", device);
    for (device, is_it) in [
        ("WWN=naa.1", true),
        ("WWN=naa.2", false),
        ("SERIAL=S1,with a comma,8388608", true),
        ("SERIAL=S1,with a comma,8388607", false),
        ("SERIAL=S2,8388608", false),
    ] {
        let mut machine = Machine::new().with_partition(PARTITION, &[], Fault::None);
        machine.identity.wwid = Some("naa.1".into());
        machine.identity.serial = Some("S1,with a comma".into());
        machine.identity.size = Some(PARTITION);
        let machine = capture(machine, &raw(device));
        assert_ended(&machine);
        let written = machine.partition_bytes().starts_with(&Small::dump());
        assert_eq!(written, is_it, "{device}: {}", machine.said());
    }
}

#[test]
fn two_file_systems_of_one_name_are_reported_and_the_dump_is_taken() {
    let machine = Machine::new()
        .with_disk("one", Fault::None)
        .with_copy_of("one");
    let machine = capture(machine, &config(2, &["one"]));
    let summary = assert_complete(&machine, "one");
    let warning = "LABEL=one is the name of /dev/one, which is used, and of /dev/copy";
    assert_eq!(summary.warnings, [warning]);
    assert!(machine.said().contains(warning), "{}", machine.said());
}

#[test]
fn of_two_raw_disks_of_one_name_none_is_written_to() {
    let raw = config(3, &["raw"]).replace("/dev/raw", "WWN=naa.1");
    let mut machine = Machine::new().with_partition(PARTITION, &[], Fault::None);
    machine.identity.wwid = Some("naa.1".into());
    machine.is_copied = true;
    let machine = capture(machine, &raw);
    assert_ended(&machine);
    let said =
        "WWN=naa.1 is the name of /dev/raw, which is used, and of /dev/copy, so it isn't clear";
    assert!(machine.said().contains(said), "{}", machine.said());
    assert!(machine.partition_bytes().iter().all(|byte| *byte == 0));
}
