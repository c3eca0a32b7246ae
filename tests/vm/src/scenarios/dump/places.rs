//! Dumps to directories that are mounted elsewhere than at their file system's root: by a bind mount, and in a subvolume.

use anyhow::{Context, Result};
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::Machine;
use baton_lab::vm::{Run, judge};
use fs_err as fs;

use super::crashing::{PLACE, attached, configured, ended, mounted, on_nvme};
use super::examine::{fetched, opened_by_all, the_dump};
use super::volumes::{LOAD, STATUS};
use crate::scenario::Scenario;

/// Where the whole file system is mounted.
const WHOLE: &str = "/whole";

pub fn all() -> Vec<Scenario> {
    vec![
        // A directory of a disk, as /boot and /var/crash often are.
        scenario(
            "dump-place-bound",
            "ext4",
            &[
                "busybox mkdir -p -m 700 /whole/kept/dumps",
                "busybox mount -o bind /whole/kept/dumps /var/crash",
            ],
            "kept/dumps",
        ),
        // A directory of a subvolume, which is mounted alone.
        scenario(
            "dump-place-subvolume",
            "btrfs",
            &[
                "btrfs subvolume create /whole/@var",
                "busybox mkdir -m 700 /whole/@var/dumps",
                "busybox umount /whole",
                "busybox mount -t btrfs -o subvol=@var /dev/disk0 /whole",
                "busybox mount -o bind /whole/dumps /var/crash",
            ],
            "@var/dumps",
        ),
    ]
}

/// Under Secure Boot, through the gate; the dump is in this directory of the file system.
fn scenario(
    name: &str,
    format: &'static str,
    commands: &[&str],
    directory: &'static str,
) -> Scenario {
    let target = on_nvme(format, 256);
    let mut steps = vec![Step::Observe];
    steps.extend(attached(0, &target, WHOLE));
    steps.push(Step::Link {
        target: 0,
        partition: false,
        path: "/dev/disk0".into(),
    });
    let run = |words: &str| Step::run(&format!("/payload/bin/{words}"));
    steps.push(run(&format!("busybox mkdir -p {PLACE}")));
    steps.extend(commands.iter().map(|words| run(words)));
    steps.push(configured(150, MAIN, &[mounted(PLACE)]));
    let load = format!("{LOAD} --via gate --gate /payload/gate/mok.efi");
    steps.push(Step::run(&load));
    steps.push(Step::run(STATUS));
    steps.push(Step::Sysrq('c'));
    let machine = Machine {
        cmdline: "crashkernel=256M".into(),
        targets: vec![target],
        ..Machine::new(MAIN)
    };
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new(name, script, is_captured)
        .on(machine)
        .within(240)
        .examined(move |lab, run| {
            let files = fetched(lab, run, MAIN, &[target])?;
            let files = files.first().context("nothing was read")?;
            let dump = the_dump(&files.join(directory))?;
            // crash takes an @ in a file's name for the beginning of an address.
            let plain = run.join("vmcore");
            fs::rename(dump, &plain)?;
            opened_by_all(lab, &plain, MAIN)
        })
        .only_in_full()
}

fn is_captured(run: &Run) -> Result<()> {
    ended(run)?;
    judge::locked_down(run, 1)?;
    judge::console_says(run, "baton-capture: the dump is complete")
}
