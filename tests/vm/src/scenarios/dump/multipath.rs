//! Dumps to a disk that two paths lead to: whichever is there after the crash.

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{Bus, Machine, Mishap, Target};
use baton_lab::vm::{Run, judge};

use super::arrays::with_file_system;
use super::crashing::{PLACE, configured, ended, mounted, unlocked};
use super::examine::{opened_by_all, read_elsewhere, the_dump};
use super::volumes::{LOAD, STATUS, mount, with_lvm};
use crate::scenario::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![path_gone(), under_lvm()]
}

fn disks() -> Vec<Target> {
    vec![Target {
        bus: Bus::TwoPaths,
        format: "blank",
        size_mib: 256,
    }]
}

/// The disk, as multipathd makes it of both paths.
const DISK: &str = "/dev/mapper/mpatha";

/// Makes it. There is no udev.
const MAKE: &str = "set --; for disk in /sys/block/sd*; do set -- \"$@\" /dev/${disk##*/} 1; done; \
    /payload/bin/dmsetup --noudevsync --noudevrules create mpatha --uuid mpath-35000c50015ea71ad \
    --table \"0 $(cat /sys/block/sda/size) multipath 0 0 1 1 round-robin 0 2 1 $*\" && \
    /payload/bin/dmsetup mknodes";

/// Makes the device of a partition on it, as kpartx does.
const MAKE_PARTITION: &str = "/payload/bin/dmsetup --noudevsync --noudevrules create mpatha-part1 \
    --uuid part1-mpath-35000c50015ea71ad \
    --table \"0 $(($(cat /sys/block/sda/size) - 4096)) linear /dev/mapper/mpatha 2048\" && \
    /payload/bin/dmsetup mknodes";

fn with_paths() -> Vec<Step> {
    let modules = [
        "sd_mod",
        "virtio_pci",
        "virtio_scsi",
        "dm_mod",
        "dm_multipath",
        "dm_round_robin",
        "ext4",
    ];
    let load = modules
        .into_iter()
        .map(|name| Step::LoadModule(name.into()));
    let mut steps: Vec<Step> = load.collect();
    // Both paths are there when the disk that the first leads to is.
    steps.push(Step::Link {
        target: 0,
        partition: false,
        path: "/dev/path".into(),
    });
    steps.push(Step::run("/payload/bin/busybox sleep 2"));
    steps.push(Step::run("/payload/bin/busybox sh -c").and(MAKE));
    steps
}

fn crashed(mut steps: Vec<Step>, load: &str) -> Script {
    steps.push(configured(150, MAIN, &[mounted(PLACE)]));
    steps.push(Step::run(load));
    steps.push(Step::run(STATUS));
    steps.push(Step::run("/payload/bin/busybox sync"));
    steps.push(Step::Sysrq('c'));
    Script {
        stages: vec![steps],
    }
}

fn is_captured(run: &Run) -> Result<()> {
    ended(run)?;
    judge::console_says(run, "baton-capture: the dump is complete")?;
    let status = judge::said(run, 1, "status")?;
    ensure!(
        status.contains("mpatha is reached by sda and by sdb"),
        "status doesn't say what paths there are: {status}"
    );
    Ok(())
}

/// The path that was found first leads nowhere any more when the kernel panics.
fn path_gone() -> Scenario {
    let mishap = Mishap {
        when: "Kernel panic",
        command: "drive_del baton-target-0",
    };
    let mut steps = with_paths();
    steps.extend(with_file_system(DISK));
    Scenario::new(
        "dump-multipath-path-gone",
        crashed(steps, LOAD),
        is_captured,
    )
    .on(unlocked(MAIN, disks(), Some(mishap)))
    .within(240)
    .examined(|lab, directory| {
        let mut steps = with_paths();
        steps.push(Step::run("/payload/bin/busybox mkdir -p /found"));
        steps.push(Step::run(&format!(
            "/payload/bin/busybox mount -t ext4 {DISK} /found"
        )));
        let places = vec![(steps, "/found".to_owned())];
        let files = read_elsewhere(lab, directory, MAIN, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        opened_by_all(lab, &the_dump(files)?, MAIN)
    })
    .only_in_full()
}

/// Under Secure Boot, through the gate: a logical volume on a partition of the disk, as on servers of all vendors.
fn under_lvm() -> Scenario {
    let mut steps = vec![Step::Observe];
    steps.extend(with_paths());
    steps.push(Step::run("/payload/bin/busybox sh -c").and(MAKE_PARTITION));
    steps.extend(with_lvm());
    for words in [
        "lvm pvcreate /dev/mapper/mpatha-part1",
        "lvm vgcreate vg0 /dev/mapper/mpatha-part1",
        "lvm lvcreate -y -l 100%FREE -n crash vg0",
    ] {
        steps.push(Step::run(&format!("/payload/bin/{words}")));
    }
    steps.extend(with_file_system("/dev/vg0/crash"));
    let load = format!("{LOAD} --via gate --gate /payload/gate/mok.efi");
    let machine = Machine {
        cmdline: "crashkernel=256M".into(),
        targets: disks(),
        ..Machine::new(MAIN)
    };
    Scenario::new("dump-multipath-lvm", crashed(steps, &load), |run| {
        judge::locked_down(run, 1)?;
        judge::console_says(run, "vg0-crash is set up")?;
        is_captured(run)
    })
    .on(machine)
    .within(240)
    .examined(|lab, directory| {
        let mut steps = with_paths();
        steps.push(Step::run("/payload/bin/busybox sh -c").and(MAKE_PARTITION));
        steps.extend(with_lvm());
        steps.push(Step::run("/payload/bin/lvm vgchange -ay vg0"));
        steps.extend(mount("/found"));
        let places = vec![(steps, "/found".to_owned())];
        let files = read_elsewhere(lab, directory, MAIN, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        opened_by_all(lab, &the_dump(files)?, MAIN)
    })
    .only_in_full()
}
