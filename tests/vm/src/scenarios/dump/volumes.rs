//! Dumps to a volume of LVM's, made by LVM itself: captured without it, and left alone where it changed since.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Expect, Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{Machine, Mishap, Target};
use baton_lab::setup::Lab;
use baton_lab::vm::{self, Run, judge};
use fs_err as fs;

use super::bystanders::{same_disks, summed};
use super::crashing::{PLACE, attached, configured, ended, mounted, on_nvme, unlocked};
use super::examine::{fetched, opened_by_all, read_elsewhere, the_dump};
use super::power::{FOUND, Storage};
use crate::scenario::Scenario;

/// LVM without udev, which isn't in these machines.
const LVM_CONF: &str = "activation { udev_sync=0 udev_rules=0 }\n\
    devices { obtain_device_list_from_udev=0 external_device_info_source=\"none\" use_devicesfile=0 }\n\
    backup { backup=0 archive=0 }\n";

/// The volume, as a file system's device.
const VOLUME: &str = "/dev/vg0/crash";

/// Where the log goes if the volume can't be used.
const BOOT: &str = "/boot";

pub const LOAD: &str = "/payload/bin/baton crash load --capture /payload/bin/baton-capture";
pub const STATUS: &str = "/payload/bin/baton crash status --capture /payload/bin/baton-capture";

pub fn all() -> Vec<Scenario> {
    vec![
        captured("linear", "-l 100%FREE", true),
        captured("striped", "-i 2 -I 64 -l 100%FREE", false),
        changed(),
        disk_gone(),
    ]
}

/// The physical volumes: a partition, and a disk without any. The first is too small for the volume alone.
pub fn disks() -> Vec<Target> {
    vec![on_nvme("raw", 96), on_nvme("blank", 192)]
}

/// The same, and a disk for the log.
pub fn disks_and_boot() -> Vec<Target> {
    let mut disks = disks();
    disks.push(on_nvme("ext4", 64));
    disks
}

/// What makes LVM's volumes usable.
pub fn with_lvm() -> Vec<Step> {
    let mut steps: Vec<Step> = ["dm_mod", "ext4"]
        .into_iter()
        .map(|name| Step::LoadModule(name.into()))
        .collect();
    steps.push(Step::Write {
        path: "/etc/lvm/lvm.conf".into(),
        text: LVM_CONF.into(),
    });
    steps
}

pub fn mount(place: &str) -> [Step; 2] {
    [
        Step::run(&format!("/payload/bin/busybox mkdir -p -m 700 {place}")),
        Step::run(&format!(
            "/payload/bin/busybox mount -t ext4 {VOLUME} {place}"
        )),
    ]
}

/// A volume is made, and a file system on it is mounted where dumps go.
fn on_a_volume(options: &str) -> Vec<Step> {
    let mut steps = with_lvm();
    for (target, partition) in [(0, true), (1, false)] {
        steps.push(Step::Link {
            target,
            partition,
            path: format!("/dev/pv{target}"),
        });
    }
    for words in [
        "lvm pvcreate /dev/pv0 /dev/pv1".to_owned(),
        "lvm vgcreate vg0 /dev/pv0 /dev/pv1".to_owned(),
        format!("lvm lvcreate -y {options} -n crash vg0"),
        format!("mke2fs -q -t ext4 {VOLUME}"),
    ] {
        steps.push(Step::run(&format!("/payload/bin/{words}")));
    }
    steps.extend(mount(PLACE));
    steps
}

/// A linear volume.
pub fn storage() -> Storage {
    let mut found = with_lvm();
    found.push(Step::run("/payload/bin/lvm vgchange -ay vg0"));
    found.extend(mount(FOUND));
    Storage {
        name: "volume",
        label: MAIN,
        disks: disks(),
        made: on_a_volume("-l 100%FREE"),
        found,
    }
}

/// The dump is on the volume, whose segments are of this type.
fn captured(kind: &'static str, options: &str, is_locked: bool) -> Scenario {
    let (machine, load) = if is_locked {
        let machine = Machine {
            cmdline: "crashkernel=256M".into(),
            targets: disks(),
            ..Machine::new(MAIN)
        };
        (
            machine,
            format!("{LOAD} --via gate --gate /payload/gate/mok.efi"),
        )
    } else {
        (unlocked(MAIN, disks(), None), LOAD.to_owned())
    };
    let mut steps = on_a_volume(options);
    steps.push(configured(150, MAIN, &[mounted(PLACE)]));
    steps.push(Step::run(&load));
    steps.push(Step::run(STATUS));
    steps.push(Step::Sysrq('c'));
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new(format!("dump-volume-{kind}"), script, move |run: &Run| {
        ended(run)?;
        judge::console_says(run, "vg0-crash is set up")?;
        let status = judge::said(run, 1, "status")?;
        let words = format!("vg0-crash is {kind} on ");
        ensure!(
            status.contains(&words),
            "status doesn't say what the volume is: {status}"
        );
        Ok(())
    })
    .on(machine)
    .within(240)
    .examined(|lab, directory| {
        let mut steps = with_lvm();
        steps.push(Step::run("/payload/bin/lvm vgchange -ay vg0"));
        steps.extend(mount("/volume"));
        let places = vec![(steps, "/volume".to_owned())];
        let files = read_elsewhere(lab, directory, MAIN, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        opened_by_all(lab, &the_dump(files)?, MAIN)
    })
    .only_in_full()
}

/// Loaded with the volume and a place for the log.
pub fn loaded() -> Vec<Step> {
    let mut steps = on_a_volume("-l 40");
    steps.extend(attached(2, &on_nvme("ext4", 64), BOOT));
    steps.push(configured(100, MAIN, &[mounted(PLACE)]));
    steps.push(Step::run(LOAD));
    steps.push(Step::run(STATUS));
    steps
}

/// The volume is made larger after the load.
fn changed() -> Scenario {
    let mut steps = loaded();
    steps.push(Step::run("/payload/bin/lvm lvextend -l +2 vg0/crash"));
    steps.push(Step::run_expecting(STATUS, Expect::Code(10)));
    steps.push(Step::run(&format!("/payload/bin/busybox umount {PLACE}")));
    steps.push(Step::run("/payload/bin/lvm vgchange -an vg0"));
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
    Scenario::new("dump-volume-changed", script, |run: &Run| {
        ended(run)?;
        judge::console_says(run, CHANGED)?;
        judge::console_says(run, "volume vg0-crash changed since; load again")
    })
    .on(unlocked(MAIN, disks_and_boot(), None))
    .within(240)
    .examined(|lab, directory| {
        same_disks(directory, 0..disks().len())?;
        log_alone(lab, directory, CHANGED)
    })
    .only_in_full()
}

pub const CHANGED: &str = "the volume group vg0 changed after the capture was loaded (seqno ";

/// One of the volume's disks gives no answer any more when the kernel panics.
fn disk_gone() -> Scenario {
    let mut steps = loaded();
    steps.push(Step::run("/payload/bin/busybox sync"));
    steps.push(Step::Sysrq('c'));
    let script = Script {
        stages: vec![steps],
    };
    let mishap = Mishap {
        when: "Kernel panic",
        command: "drive_del baton-target-1",
    };
    Scenario::new("dump-volume-disk-gone", script, |run: &Run| {
        ended(run)?;
        judge::console_says(run, "the volume vg0-crash isn't set up: WWN=")?;
        judge::console_says(run, UNREADABLE)
    })
    .on(unlocked(MAIN, disks_and_boot(), Some(mishap)))
    .within(240)
    .examined(|lab, directory| log_alone(lab, directory, UNREADABLE))
    .only_in_full()
}

const UNREADABLE: &str = ": it can't be read; check the disk";

/// The third disk has the log, and why there is no dump.
pub fn log_alone(lab: &Lab, directory: &Path, why: &str) -> Result<()> {
    let boot = vm::target_image(directory, 2);
    let alone = directory.join("boot");
    fs::create_dir_all(&alone)?;
    fs::rename(boot, vm::target_image(&alone, 0))?;
    let files = fetched(lab, &alone, MAIN, &[on_nvme("ext4", 64)])?;
    let files = files.first().context("no disk")?.join("crash");
    let entry = fs::read_dir(&files)?.next().context("there is no log")??;
    let log = fs::read_to_string(entry.path().join("dmesg.txt"))?;
    ensure!(log.contains("sysrq triggered crash"), "the log ends early");
    let summary = fs::read_to_string(entry.path().join("summary.json"))?;
    ensure!(
        summary.contains(why),
        "the summary doesn't say why: {summary}"
    );
    Ok(())
}
