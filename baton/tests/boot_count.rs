//! `baton boot-count`, and what a load makes of the count, on machines that are described in a directory.

mod common;

use common::loading::Machine;
use common::{Said, baton, kernel_image};
use std::ffi::OsStr;

const BOOT_ID: &str = "proc/sys/kernel/random/boot_id";

fn boot_count(machine: &Machine, words: &[&dyn AsRef<OsStr>]) -> Said {
    let root = machine.directory.path().join("root");
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"boot-count"];
    args.extend(words);
    args.extend::<[&dyn AsRef<OsStr>; 2]>([&"--root", &root]);
    baton(&args)
}

fn done(machine: &Machine, words: &[&dyn AsRef<OsStr>]) -> String {
    let said = boot_count(machine, words);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said.out.trim().to_owned()
}

fn sha256(bytes: &[u8]) -> String {
    baton_sys::hex::encode(baton_cli::digest::sha256([bytes]))
}

/// A machine with two entries, of which the default's kernel was loaded from its entry.
fn loaded() -> Machine {
    let machine = Machine::not_locked_down();
    let (new, old) = (kernel_image(0x9000), kernel_image(0x8000));
    machine.set("boot/vmlinuz-2", &new);
    machine.set("boot/vmlinuz-1", &old);
    machine.set("boot/loader/entries/linux-2.conf", "linux /vmlinuz-2\n");
    machine.set("boot/loader/entries/linux-1.conf", "linux /vmlinuz-1\n");
    machine.set("sys/kernel/kexec_loaded", "1\n");
    machine.set(
        "run/baton/load.json",
        format!(
            "{{\"kernel\":\"/boot/vmlinuz-2\",\"digest\":\"{}\",\"is_through_gate\":false,\
             \"release\":\"6.1\",\"entry\":\"linux-2.conf\",\"is_named\":false}}",
            sha256(&new)
        ),
    );
    machine.set("proc/sys/kernel/osrelease", "6.1\n");
    machine.set(BOOT_ID, "boot-0\n");
    machine
}

/// Loads without a name, and says of which entry and with which notes.
fn entry(machine: &Machine, more: &[&dyn AsRef<OsStr>]) -> Said {
    let root = machine.directory.path().join("root");
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"load", &"--dry-run", &"--json", &"--root", &root];
    args.extend(more);
    baton(&args)
}

#[test]
fn a_kernel_that_did_not_come_up_twice_is_left_out_until_it_is_reset() {
    let machine = loaded();
    assert_eq!(entry(&machine, &[]).json()["entry"], "linux-2.conf");
    for round in 1..=2 {
        assert!(done(&machine, &[&"good"]).contains(if round == 1 {
            "came up"
        } else {
            "1 time "
        }));
        let said = done(&machine, &[&"attempt"]);
        assert_eq!(
            said,
            format!("linux-2.conf: attempt {round} of 2, unless it comes up")
        );
        // It hung, and the firmware started something else.
        machine.set(BOOT_ID, format!("boot-{round}\n"));
    }
    assert_eq!(
        done(&machine, &[&"good"]),
        "linux-2.conf: started 2 times without coming up"
    );
    let json = entry(&machine, &[]).json();
    assert_eq!(json["entry"], "linux-1.conf");
    let note = json["notes"].to_string();
    assert!(
        note.contains("entry linux-2.conf: ") && note.contains("boot-count reset linux-2.conf"),
        "{note}"
    );
    let said = entry(&machine, &[&"--entry", &"linux-2"]);
    assert_eq!(said.code, 6, "{}", said.out);
    assert_eq!(said.json()["error"]["reason"], "given-up");
    assert!(done(&machine, &[&"show"]).contains("not loaded any more"));
    assert_eq!(
        done(&machine, &[&"reset", &"linux-2.conf"]),
        "forgotten: linux-2.conf"
    );
    assert_eq!(entry(&machine, &[]).json()["entry"], "linux-2.conf");
    assert_eq!(done(&machine, &[&"reset"]), "nothing was counted");
}

/// A count that gives up the kernel in this file, under this name.
fn given_up(machine: &Machine, kernel: &[u8], name: &str) {
    let digest = sha256(kernel);
    let count = format!(
        "{{\"kernels\":{{\"{digest}\":{{\"name\":\"{name}\",\"attempts\":2,\"last\":7}}}}}}"
    );
    machine.set("var/lib/baton/boot-count.json", count);
}

#[test]
fn a_kernel_is_given_up_however_it_is_signed_and_whatever_entry_names_it() {
    let machine = loaded();
    let appended = [
        &kernel_image(0x9000)[..],
        b"signature",
        &[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 9],
        b"~Module signature appended~\n",
    ]
    .concat();
    machine.set("boot/vmlinuz-2", &appended);
    given_up(&machine, &appended, "another entry");
    let json = entry(&machine, &[]).json();
    assert_eq!(json["entry"], "linux-1.conf");
    let note = json["notes"].to_string();
    assert!(note.contains("boot-count reset 'another entry'"), "{note}");
}

#[test]
fn the_older_kernel_takes_the_place_of_the_default_and_the_newer_one_only_where_there_is_none() {
    let machine = loaded();
    let newest = kernel_image(0xa000);
    machine.set("boot/vmlinuz-3", &newest);
    machine.set("boot/loader/entries/linux-3.conf", "linux /vmlinuz-3\n");
    machine.set("boot/loader/loader.conf", "default linux-2.conf\n");
    assert_eq!(entry(&machine, &[]).json()["entry"], "linux-2.conf");
    given_up(&machine, &kernel_image(0x9000), "linux-2.conf");
    assert_eq!(entry(&machine, &[]).json()["entry"], "linux-1.conf");
    std::fs::remove_file(machine.directory.path().join("root/boot/vmlinuz-1")).unwrap();
    assert_eq!(entry(&machine, &[]).json()["entry"], "linux-3.conf");
}

#[test]
fn what_was_chosen_for_one_boot_is_not_replaced_by_another_kernel() {
    let machine = loaded();
    machine.set(
        "boot/grub/grub.cfg",
        "if [ ${next_entry} ]; then\nset default=${next_entry}\nset next_entry=\nfi\n\
         menuentry a {\nlinux /vmlinuz-1\n}\nmenuentry b {\nlinux /vmlinuz-2\n}\n",
    );
    machine.set("boot/grub/grubenv", "next_entry=b\n");
    let json = entry(&machine, &[]).json();
    assert_eq!(json["entry"], "b");
    let note = json["notes"].to_string();
    assert!(note.contains("chosen for one boot"), "{note}");
    given_up(&machine, &kernel_image(0x9000), "b");
    let said = entry(&machine, &[]);
    assert_eq!(said.code, 6, "{}", said.out);
    assert_eq!(said.json()["error"]["reason"], "given-up");
    machine.set("boot/grub/grubenv", "next_entry=\n");
    assert_eq!(entry(&machine, &[]).json()["entry"], "a");
}

#[test]
fn a_choice_for_one_boot_is_forgotten_when_that_boot_begins() {
    let machine = loaded();
    let record = |once: &str| {
        format!(
            "{{\"kernel\":\"/boot/vmlinuz-2\",\"digest\":\"ab\",\"is_through_gate\":false,\
             \"release\":null,\"entry\":\"b\",\"once\":{once},\"is_named\":false}}"
        )
    };
    let grubenv = || {
        let path = machine.directory.path().join("root/boot/grub/grubenv");
        std::fs::read_to_string(path).unwrap()
    };
    machine.set("boot/grub/grubenv", "next_entry=b\nsaved_entry=a\n");
    machine.set("run/baton/load.json", record("null"));
    done(&machine, &[&"attempt"]);
    assert!(grubenv().starts_with("next_entry=b\n"));
    machine.set(
        "run/baton/load.json",
        record("{\"by\":\"next-entry\",\"value\":\"b\"}"),
    );
    done(&machine, &[&"attempt"]);
    assert_eq!(grubenv(), "next_entry=\nsaved_entry=a\n#");
}

#[test]
fn a_kernel_that_came_up_is_not_counted_any_more() {
    let machine = loaded();
    done(&machine, &[&"good"]);
    done(&machine, &[&"attempt"]);
    assert!(done(&machine, &[&"attempt"]).ends_with("counted already"));
    machine.set(BOOT_ID, "boot-1\n");
    let mut boot_params = common::fake::under_secure_boot();
    boot_params[0x210] = 0xd0; // type_of_loader of kexec
    machine.set("sys/kernel/boot_params/data", boot_params);
    assert_eq!(done(&machine, &[&"good"]), "linux-2.conf came up");
    assert_eq!(
        done(&machine, &[&"show"]),
        "no kernel was started without coming up"
    );
}

#[test]
fn what_cannot_be_counted_is_told_and_stops_nothing() {
    let machine = loaded();
    assert!(done(&machine, &[&"attempt"]).contains("didn't see this boot come up"));
    machine.set("sys/kernel/kexec_loaded", "0\n");
    assert_eq!(
        done(&machine, &[&"attempt"]),
        "not counted: Baton loaded nothing"
    );
    machine.set("var/lib/baton/boot-count.json", "{\"kernels\":");
    let json = entry(&machine, &[]).json();
    assert_eq!(json["entry"], "linux-2.conf");
    assert!(
        json["notes"].to_string().contains("not a count of boots"),
        "{json}"
    );
    assert_eq!(boot_count(&machine, &[&"show"]).code, 4);
    // A boot that comes up mends it.
    assert_eq!(done(&machine, &[&"good"]), "this boot came up");
    let said = boot_count(&machine, &[&"reset", &"gone"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("no kernel \"gone\" is counted; none is"),
        "{}",
        said.err
    );
}
