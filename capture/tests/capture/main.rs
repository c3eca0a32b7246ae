//! Captures, with everything but the machine real.

mod arrays;
mod crash;
mod encrypted;
mod end;
mod faults;
mod fence_kdump;
mod log;
mod machine;
mod places;
mod real;
mod spread;
mod volumes;
mod watchdog;

use baton_capture::run;
use baton_capture::summary::Summary;
use baton_capture::system::Finally;
use baton_capture::system::System;
use crash::Small;
use machine::Machine;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the dump lies on a disk.
const DUMP: &str = "var/crash/2026-11-28T17-33-33Z";

/// A configuration with these targets: a label, or `raw`.
fn config(keep: u32, targets: &[&str]) -> String {
    let mut text = format!(
        "deadline = 600\nprogress-timeout = 60\nfinally = \"poweroff\"\nread-back = true\nkeep = {keep}\n\
         modules = [\"/a.ko\", \"/b.ko\"]\n\
         [dump]\nlevel = 31\nformat = \"kdump\"\ncompression = \"zstd\"\n"
    );
    for target in targets {
        text.push_str(&match *target {
            "raw" => "[[target]]\nkind = \"raw\"\ndevice = \"/dev/raw\"\n".to_owned(),
            label => format!(
                "[[target]]\nkind = \"filesystem\"\ndevice = \"LABEL={label}\"\nfilesystem = \"ext4\"\n\
                 directory = \"/var/crash\"\n"
            ),
        });
    }
    text
}

/// Runs a capture to its end.
fn capture(machine: Machine, config: &str) -> Arc<Machine> {
    capture_of(machine, config, Small::new)
}

fn capture_of(machine: Machine, config: &str, crash: fn() -> Small) -> Arc<Machine> {
    let machine = Arc::new(machine);
    let system = Arc::clone(&machine) as Arc<dyn System>;
    run::capture(&system, &machine.end(), Ok(config.to_owned()), &|_| {
        Ok(Box::new(crash()))
    });
    machine
}

/// The final action was taken, once, and nothing is left mounted.
fn assert_ended(machine: &Machine) {
    assert_eq!(
        machine.finished(),
        [Finally::Poweroff],
        "{}",
        machine.said()
    );
    assert_eq!(machine.mounted(), 0, "{}", machine.said());
}

fn summary(directory: &Path) -> Summary {
    let text = fs::read_to_string(directory.join("summary.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The disk has the whole dump.
fn assert_complete(machine: &Machine, label: &str) -> Summary {
    let directory = machine.disk(label).directory.join(DUMP);
    let files = names(&directory);
    assert_eq!(
        files,
        ["dmesg.txt", "summary.json", "vmcore", "vmcore.sha256"],
        "{}",
        machine.said()
    );
    assert_eq!(fs::read(directory.join("vmcore")).unwrap(), Small::dump());
    let summary = summary(&directory);
    assert!(summary.complete);
    summary
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Puts an old dump on a disk, complete or not.
fn old_dump(machine: &Machine, label: &str, name: &str, complete: bool) -> PathBuf {
    let directory = machine.disk(label).directory.join("var/crash").join(name);
    fs::create_dir_all(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    let dump = if complete {
        "vmcore"
    } else {
        "vmcore.incomplete"
    };
    for file in ["dmesg.txt", dump] {
        fs::write(directory.join(file), format!("{file} of {name}")).unwrap();
    }
    directory
}

fn assert_intact(directory: &Path) {
    let name = directory.file_name().unwrap().to_str().unwrap();
    for file in ["dmesg.txt", "vmcore"] {
        let text = fs::read_to_string(directory.join(file)).unwrap_or_default();
        assert_eq!(text, format!("{file} of {name}"));
    }
}
