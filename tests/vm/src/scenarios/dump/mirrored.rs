//! Dumps to mirrors of LVM's (raid1, raid10), made by LVM itself: captured without it, also where a disk is gone by then.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::fetch::built;
use baton_lab::machine::{Machine, Mishap, Target};
use baton_lab::setup::Lab;
use baton_lab::vm::{Run, judge};
use fs_err as fs;

use super::crashing::{PLACE, configured, ended, mounted, on_nvme};
use super::examine::{opened_by_all, read_elsewhere, the_dump};
use super::volumes::{LOAD, STATUS, with_lvm};
use crate::scenario::Scenario;

const VOLUME: &str = "/dev/vg0/crash";

pub fn all() -> Vec<Scenario> {
    vec![
        whole("dump-volume-mirror", &MIRROR),
        whole("dump-volume-mirror-striped", &STRIPED),
        leg_gone(),
    ]
}

/// A type of mirrors, as lvcreate is told of it, and how many disks such a one takes.
struct Kind {
    name: &'static str,
    options: &'static str,
    module: &'static str,
    disks: usize,
}

const MIRROR: Kind = Kind {
    name: "raid1",
    options: "-m 1 -l 40",
    module: "raid1",
    disks: 2,
};

const STRIPED: Kind = Kind {
    name: "raid10",
    options: "-i 2 -m 1 -l 80",
    module: "raid10",
    disks: 4,
};

/// The first has a partition.
fn disks(kind: &Kind) -> Vec<Target> {
    let mut disks = vec![on_nvme("blank", 192); kind.disks];
    disks[0] = on_nvme("raw", 192);
    disks
}

fn run(words: &str) -> Step {
    Step::run(&format!("/payload/bin/{words}"))
}

fn with_disks(kind: &Kind) -> Vec<Step> {
    let mut steps = vec![Step::Observe];
    steps.extend(with_lvm());
    for module in [kind.module, "dm_raid"] {
        steps.push(Step::LoadModule(module.into()));
    }
    for target in 0..kind.disks {
        steps.push(Step::Link {
            target,
            partition: target == 0,
            path: format!("/dev/pv{target}"),
        });
    }
    steps
}

fn mount(place: &str) -> [Step; 2] {
    [
        run(&format!("busybox mkdir -p -m 700 {place}")),
        run(&format!("busybox mount -t ext4 {VOLUME} {place}")),
    ]
}

/// Loaded, and crashed right after a write, so that the copies may differ.
fn crashed(kind: &Kind, via: &str) -> Script {
    let mut steps = with_disks(kind);
    let names: Vec<_> = (0..kind.disks).map(|it| format!("/dev/pv{it}")).collect();
    let names = names.join(" ");
    let Kind { name, options, .. } = kind;
    for words in [
        &format!("lvm pvcreate {names}"),
        &format!("lvm vgcreate vg0 {names}"),
        &format!("lvm lvcreate -y --monitor n --type {name} {options} -n crash vg0"),
        "mke2fs -q -t ext4 /dev/vg0/crash",
    ] {
        steps.push(run(words));
    }
    steps.extend(mount(PLACE));
    steps.push(configured(150, built::CRYPT, &[mounted(PLACE)]));
    steps.push(Step::run(&format!("{LOAD} --via {via}")));
    steps.push(Step::run(STATUS));
    steps.push(run("busybox sync"));
    steps.push(run(&format!(
        "busybox dd if=/dev/zero of={PLACE}/last bs=64k count=1 conv=fsync"
    )));
    steps.push(Step::Sysrq('c'));
    Script {
        stages: vec![steps],
    }
}

fn is_captured(kind: &Kind, run: &Run) -> Result<()> {
    ended(run)?;
    judge::locked_down(run, 1)?;
    judge::console_says(run, "vg0-crash is set up")?;
    judge::console_says(run, "baton-capture: the dump is complete")?;
    let status = judge::said(run, 1, "status")?;
    let words = format!(
        "vg0-crash is {} on vg0-crash_rmeta_0, vg0-crash_rimage_0, ",
        kind.name
    );
    ensure!(
        status.contains(&words),
        "status doesn't say what the volume is: {status}"
    );
    Ok(())
}

/// Under Secure Boot, with a kernel that has dm-raid.
fn machine(kind: &Kind, mishap: Option<Mishap>) -> Machine {
    Machine {
        cmdline: "crashkernel=256M".into(),
        targets: disks(kind),
        mishap,
        ..Machine::new(built::CRYPT)
    }
}

/// LVM activates it, whatever state its copies are in, and the dump is on it.
fn reads(lab: &Lab, directory: &Path, kind: &Kind) -> Result<PathBuf> {
    let mut steps = with_disks(kind);
    steps.push(run("lvm vgchange -ay --monitor n vg0"));
    steps.extend(mount("/mirror"));
    let places = vec![(steps, "/mirror".to_owned())];
    let files = read_elsewhere(lab, directory, built::CRYPT, &disks(kind), places)?;
    let dump = the_dump(files.first().context("nothing was read")?)?;
    opened_by_all(lab, &dump, built::CRYPT)?;
    Ok(dump)
}

fn whole(name: &str, kind: &'static Kind) -> Scenario {
    let script = crashed(kind, "gate --gate /payload/gate/mok.efi");
    Scenario::new(name, script, |run| is_captured(kind, run))
        .on(machine(kind, None))
        .within(240)
        .with_built_kernels()
        .examined(|lab, directory| {
            let dump = reads(lab, directory, kind)?;
            let summary = fs::read_to_string(dump.with_file_name("summary.json"))?;
            ensure!(
                !summary.contains(WITHOUT),
                "a copy wasn't written to: {summary}"
            );
            Ok(())
        })
        .only_in_full()
}

const WITHOUT: &str = "the volume vg0-crash goes without one of its copies";

/// One of the disks gives no answer any more when the kernel panics.
fn leg_gone() -> Scenario {
    let mishap = Mishap {
        when: "Kernel panic",
        command: "drive_del baton-target-1",
    };
    Scenario::new(
        "dump-volume-mirror-leg-gone",
        crashed(&MIRROR, "kernel"),
        |run| is_captured(&MIRROR, run),
    )
    .on(machine(&MIRROR, Some(mishap)))
    .within(240)
    .with_built_kernels()
    .examined(|lab, directory| {
        let dump = reads(lab, directory, &MIRROR)?;
        let summary = fs::read_to_string(dump.with_file_name("summary.json"))?;
        ensure!(
            summary.contains(WITHOUT),
            "the summary doesn't say what was missing: {summary}"
        );
        Ok(())
    })
    .only_in_full()
}
