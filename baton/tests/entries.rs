//! `baton entries`, and what `baton load` does without a path, on machines that are described in a directory.

mod common;

use common::loading::Machine;
use common::{Said, WriteFile, baton, kernel_image, temp_dir};
use std::ffi::OsStr;
use std::fs;

const DEBIAN: &str = include_str!("fixtures/entries/debian-grub.cfg");
const ROOT: &str = "root=UUID=8f1c2d3e-0000-4000-8000-000000000001 ro";

/// A machine that loads what isn't signed, with Debian's menu and its kernels.
fn debian() -> Machine {
    let machine = Machine::not_locked_down();
    machine.set("boot/grub/grub.cfg", DEBIAN);
    for version in ["6.1.0-13-amd64", "6.1.0-9-amd64"] {
        machine.set(&format!("boot/vmlinuz-{version}"), kernel_image(0x8000));
        machine.set(&format!("boot/initrd.img-{version}"), "initrd");
    }
    machine
}

fn load(machine: &Machine, more: &[&dyn AsRef<OsStr>]) -> Said {
    let root = machine.directory.path().join("root");
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"load", &"--dry-run", &"--json", &"--root", &root];
    args.extend(more);
    baton(&args)
}

fn loaded(machine: &Machine, more: &[&dyn AsRef<OsStr>]) -> serde_json::Value {
    let said = load(machine, more);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said.json()
}

#[test]
fn without_a_path_the_default_entry_is_loaded_with_its_initrd_and_command_line() {
    let machine = debian();
    let json = loaded(&machine, &[]);
    assert!(
        json["entry"]
            .as_str()
            .unwrap()
            .starts_with("gnulinux-simple")
    );
    let kernel = machine
        .directory
        .path()
        .join("root/boot/vmlinuz-6.1.0-13-amd64");
    assert_eq!(json["kernel"], kernel.to_str().unwrap());
    assert_eq!(json["cmdline"], format!("{ROOT} quiet"));
    assert!(
        json["initrds"][0]
            .as_str()
            .unwrap()
            .ends_with("initrd.img-6.1.0-13-amd64")
    );
}

#[test]
fn an_entry_is_named_by_its_id_its_title_or_its_way_through_the_menu() {
    let machine = debian();
    for name in [
        "gnulinux-6.1.0-9-amd64-advanced-8f1c2d3e-0000-4000-8000-000000000001",
        "Debian GNU/Linux, with Linux 6.1.0-9-amd64",
        "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1.0-9-amd64",
    ] {
        let json = loaded(&machine, &[&"--entry", &name]);
        assert!(
            json["kernel"].as_str().unwrap().ends_with("6.1.0-9-amd64"),
            "{name}"
        );
    }
}

#[test]
fn options_come_before_the_entry_and_the_entry_before_the_settings() {
    let machine = debian();
    let settings = "via = \"kernel\"\nparameters = [\"console=ttyS0\"]\n\
                    entry = \"gnulinux-6.1.0-13-amd64-recovery-8f1c2d3e-0000-4000-8000-000000000001\"\n";
    machine.set("etc/baton/load.toml", settings);
    let json = loaded(&machine, &[]);
    assert_eq!(json["cmdline"], format!("{ROOT} single console=ttyS0"));
    let json = loaded(&machine, &[&"--entry", &"Debian GNU/Linux"]);
    assert_eq!(json["cmdline"], format!("{ROOT} quiet console=ttyS0"));
    let json = loaded(&machine, &[&"--cmdline", &"mine"]);
    assert_eq!(json["cmdline"], "mine");
    let other = machine.directory.write("initrd", "other");
    let json = loaded(&machine, &[&"--initrd", &other]);
    assert_eq!(
        json["initrds"],
        serde_json::json!([other.to_str().unwrap()])
    );
    // The way of all loads, and nothing else, is said of a kernel that is named.
    let json = loaded(&machine, &[&machine.kernel]);
    assert_eq!(json["cmdline"], "");
    machine.set(
        "etc/baton/load.toml",
        "via = \"gate\"\ngate = \"/nowhere/gate.efi\"\n",
    );
    assert!(load(&machine, &[]).out.contains("/nowhere/gate.efi"));
    assert_eq!(loaded(&machine, &[&"--via", &"kernel"])["via"], "kernel");
}

#[test]
fn entries_are_listed_with_the_default_first() {
    let machine = debian();
    let root = machine.directory.path().join("root");
    let json = baton(&[&"entries", &"--json", &"--root", &root]).json();
    let entries = json["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 5);
    assert_eq!(entries[0]["is_default"], true);
    assert_eq!(entries[0]["kind"], "grub");
    assert_eq!(entries[4]["problem"], "it starts no kernel");
    let said = baton(&[&"entries", &"--root", &root]);
    assert!(said.out.contains("(default)"), "{}", said.out);
    assert!(said.out.contains("can't be loaded: it starts no kernel"));
    assert_eq!(json["once"], serde_json::Value::Null);
    machine.set("boot/grub/grubenv", "next_entry=1>2\n");
    let said = baton(&[&"entries", &"--root", &root]);
    let words = "the default is for the next boot only: next_entry of grubenv is \"1>2\"";
    assert!(said.out.contains(words), "{}", said.out);
    let json = baton(&[&"entries", &"--json", &"--root", &root]).json();
    let once = serde_json::json!({"by": "next-entry", "value": "1>2"});
    assert_eq!(json["once"], once);
    let empty = temp_dir();
    let said = baton(&[&"entries", &"--root", &empty.path()]);
    assert_eq!(
        (said.code, said.out.lines().count()),
        (0, 1),
        "{}",
        said.out
    );
}

#[test]
fn wrong_use_ends_with_its_exit_code_and_one_line() {
    let machine = debian();
    let directory = &machine.directory;
    let toml = |name: &str, text: &str| directory.write(name, text);
    let unknown_key = toml("unknown.toml", "path = \"/boot/vmlinuz\"\n");
    let bad_via = toml("via.toml", "via = 1\n");
    let no_toml = toml("no.toml", "via =\n");
    let gone = toml("gone.toml", "entry = \"gone\"\n");
    let profile = directory.write(
        "root/boot/EFI/Linux/image.efi",
        include_bytes!("../../tests/golden/uki.efi"),
    );
    let parameters = toml("parameters.toml", "parameters = [\"quiet\"]\n");
    let state = toml("state", "");
    let nowhere = directory.path().join("nowhere");
    let root = directory.path().join("root");
    directory.write("root/boot/loader/entries/lost.conf", "linux /lost\n");
    directory.write(
        "root/boot/loader/entries/odd.conf",
        "linux /../../etc/shadow\n",
    );
    let rows: &[(&[&dyn AsRef<OsStr>], i32, &str)] = &[
        (
            &[&machine.kernel, &"--entry", &"x"],
            2,
            "cannot be used with",
        ),
        (&[&"--entry", &"x"], 2, "no entry \"x\"; there are: "),
        (&[&"--entry", &""], 2, "no entry \"\""),
        (&[&"--entry", &"uefi-firmware"], 4, "it starts no kernel"),
        (&[&"--entry", &"lost"], 4, "/lost isn't there"),
        (
            &[&"--entry", &"odd.conf"],
            4,
            "leads out of the file system",
        ),
        (
            &[&"--entry", &"image.efi", &"--profile", &"gone"],
            4,
            "no profile \"gone\"",
        ),
        (
            &[&"--entry", &"image.efi", &"--via", &"kernel"],
            4,
            "only the gate can boot it",
        ),
        (
            &[&"--entry", &"image.efi", &"--config", &parameters],
            4,
            "signed with it",
        ),
        (&[&"--config", &unknown_key], 4, "unknown key \"path\""),
        (&[&"--config", &bad_via], 4, "via is 1"),
        (&[&"--config", &no_toml], 4, "line 1: not TOML"),
        (&[&"--config", &gone], 2, "no entry \"gone\""),
        (&[&"--config", &nowhere], 1, "nowhere"),
        (
            &[&"--entry", &"Debian GNU/Linux", &"--profile", &"x"],
            4,
            "no UKI",
        ),
    ];
    for (words, code, text) in rows {
        let said = load(&machine, words);
        assert_eq!(said.code, *code, "{text}: {}{}", said.out, said.err);
        let message = said.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(text), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    let said = baton(&[&"load", &"--dry-run", &"--saved-state", &state]);
    assert_ne!(said.code, 0);
    let none = temp_dir();
    fs::create_dir_all(none.path().join("proc")).unwrap();
    let said = baton(&[&"load", &"--dry-run", &"--root", &none.path()]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("nothing to load by default"),
        "{}",
        said.err
    );
    assert!(profile.exists() && root.exists());
}
