//! What a capture has no business with stays as it was, byte by byte: disks whose volumes changed after the load, and
//! whatever lies beside the volume that a dump goes to.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::exec;
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::Target;
use baton_lab::vm::{self, Run, judge};
use fs_err::{self as fs, File};

use super::crashing::{PLACE, configured, ended, mounted, on_nvme, unlocked};
use super::volumes::{CHANGED, LOAD, disks, disks_and_boot, loaded, log_alone, mount, with_lvm};
use crate::scenario::Scenario;

pub fn all() -> Vec<Scenario> {
    let mut all: Vec<Scenario> = CHANGES.iter().map(changed).collect();
    all.push(beside());
    all
}

/// A change of volumes after the load, with the file system not mounted any more, and what is said of it after a crash.
struct Change {
    name: &'static str,
    commands: &'static [&'static str],
    says: &'static str,
}

const CHANGES: [Change; 4] = [
    // What is written to it would also have to be kept for the snapshot.
    Change {
        name: "snapshotted",
        commands: &["lvm lvcreate -y --monitor n -s -l 4 -n before vg0/crash"],
        says: CHANGED,
    },
    // Another volume lies where it was.
    Change {
        name: "removed",
        commands: &[
            "lvm lvremove -y vg0/crash",
            "lvm lvcreate -y -l 40 -n other vg0",
            "mke2fs -q -t ext4 /dev/vg0/other",
        ],
        says: CHANGED,
    },
    // There is a volume of the same name, in a group of the same name.
    Change {
        name: "made-anew",
        commands: &[
            "lvm lvremove -y vg0/crash",
            "lvm vgremove vg0",
            "lvm vgcreate vg0 /dev/pv0 /dev/pv1",
            "lvm lvcreate -y -l 40 -n crash vg0",
            "mke2fs -q -t ext4 /dev/vg0/crash",
        ],
        says: "belongs to the volume group vg0 (",
    },
    Change {
        name: "renamed",
        commands: &["lvm lvrename vg0 crash others"],
        says: CHANGED,
    },
];

fn run(words: &str) -> Step {
    Step::run(&format!("/payload/bin/{words}"))
}

/// From here on nobody writes to these devices: what they hold is said, past the page cache.
pub fn summed(devices: &[&str]) -> Vec<Step> {
    let mut steps = vec![run("busybox sync")];
    for device in devices {
        steps.push(run(&format!("busybox blockdev --flushbufs {device}")));
    }
    steps.push(run(&format!("busybox sha256sum {}", devices.join(" "))));
    steps
}

/// Fails unless these disks hold what was said that they hold.
pub fn same_disks(directory: &Path, numbers: std::ops::Range<usize>) -> Result<()> {
    let said = fs::read_to_string(directory.join("console.txt"))?;
    for number in numbers {
        let image = vm::target_image(directory, number);
        let sum = exec::output(Command::new("sha256sum").arg(&image))?;
        let sum = sum.split(' ').next().unwrap_or_default();
        ensure!(
            said.contains(sum),
            "{} isn't what it was before the crash ({sum})",
            image.display()
        );
    }
    Ok(())
}

fn changed(change: &'static Change) -> Scenario {
    let mut steps = loaded();
    steps.push(Step::LoadModule("dm_snapshot".into()));
    steps.push(run(&format!("busybox umount {PLACE}")));
    steps.extend(change.commands.iter().map(|words| run(words)));
    steps.push(run("lvm vgchange -an vg0"));
    steps.push(Step::Link {
        target: 0,
        partition: false,
        path: "/dev/disk0".into(),
    });
    steps.extend(summed(&["/dev/disk0", "/dev/pv1"]));
    steps.push(Step::Sysrq('c'));
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new(
        format!("dump-volume-{}", change.name),
        script,
        |run: &Run| {
            ended(run)?;
            judge::console_says(run, change.says)
        },
    )
    .on(unlocked(MAIN, disks_and_boot(), None))
    .within(240)
    .examined(|lab, directory| {
        same_disks(directory, 0..disks().len())?;
        log_alone(lab, directory, change.says)
    })
    .only_in_full()
}

const DISK: Target = on_nvme("blank", 256);

/// Where the first volume of a group lies on its disk, in MiB: LVM's metadata comes first (default_data_alignment of
/// lvm.conf(5)), then extents of 4 MiB.
const BEGIN: u64 = 1;
const LENGTH: u64 = 160;

/// The dump goes to a volume, and another one lies behind it.
fn beside() -> Scenario {
    let mut steps = with_lvm();
    steps.push(Step::Link {
        target: 0,
        partition: false,
        path: "/dev/pv0".into(),
    });
    for words in [
        "lvm pvcreate /dev/pv0",
        "lvm vgcreate vg0 /dev/pv0",
        "lvm lvcreate -y -l 40 -n crash vg0",
        "lvm lvcreate -y -l 100%FREE -n other vg0",
        "mke2fs -q -t ext4 /dev/vg0/other",
        "mke2fs -q -t ext4 /dev/vg0/crash",
    ] {
        steps.push(run(words));
    }
    steps.extend(mount(PLACE));
    steps.push(configured(150, MAIN, &[mounted(PLACE)]));
    steps.push(Step::run(LOAD));
    steps.push(run("busybox sync"));
    steps.push(run("busybox blockdev --flushbufs /dev/pv0"));
    let behind = BEGIN + LENGTH;
    for range in [format!("count={BEGIN}"), format!("skip={behind}")] {
        steps.push(Step::Run {
            argv: vec![
                "/payload/bin/busybox".into(),
                "sh".into(),
                "-c".into(),
                format!(
                    "/payload/bin/busybox dd if=/dev/pv0 bs=1M {range} | /payload/bin/busybox sha256sum"
                ),
            ],
            expect: baton_guest::script::Expect::Success,
        });
    }
    steps.push(Step::Sysrq('c'));
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new("dump-volume-beside-another", script, |run: &Run| {
        ended(run)?;
        judge::console_says(run, "baton-capture: the dump is complete")
    })
    .on(unlocked(MAIN, vec![DISK], None))
    .within(240)
    .examined(|_, directory| {
        let said = fs::read_to_string(directory.join("console.txt"))?;
        let end = DISK.size_mib;
        for (from, to) in [(0, BEGIN), (BEGIN + LENGTH, end)] {
            let sum = sum_of(directory, from << 20, to << 20)?;
            ensure!(
                said.contains(&sum),
                "MiB {from} to {to} of the disk aren't what they were before the crash ({sum})"
            );
        }
        Ok(())
    })
    .only_in_full()
}

fn sum_of(directory: &Path, from: u64, to: u64) -> Result<String> {
    let mut image = File::open(vm::target_image(directory, 0))?;
    image.seek(SeekFrom::Start(from))?;
    let part = directory.join("part");
    std::io::copy(&mut image.take(to - from), &mut File::create(&part)?)?;
    let sum = exec::output(Command::new("sha256sum").arg(&part))?;
    fs::remove_file(&part)?;
    let sum = sum.split(' ').next().context("sha256sum said nothing")?;
    Ok(sum.to_owned())
}
