//! Dumps to mirrors of LVM's (raid1), made by LVM itself: captured without it, also where a disk is gone by then.

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::fetch::built;
use baton_lab::machine::{Machine, Mishap, Target};
use baton_lab::vm::{Run, judge};
use fs_err as fs;

use super::crashing::{PLACE, configured, ended, mounted, on_nvme};
use super::examine::{read_elsewhere, the_dump};
use super::faults::readable;
use super::volumes::{LOAD, STATUS, with_lvm};
use crate::scenario::Scenario;

const VOLUME: &str = "/dev/vg0/crash";

pub fn all() -> Vec<Scenario> {
    vec![whole(), leg_gone()]
}

fn disks() -> Vec<Target> {
    vec![on_nvme("raw", 192), on_nvme("blank", 192)]
}

fn run(words: &str) -> Step {
    Step::run(&format!("/payload/bin/{words}"))
}

fn with_disks() -> Vec<Step> {
    let mut steps = vec![Step::Observe];
    steps.extend(with_lvm());
    for module in ["raid1", "dm_raid"] {
        steps.push(Step::LoadModule(module.into()));
    }
    for (target, partition) in [(0, true), (1, false)] {
        steps.push(Step::Link {
            target,
            partition,
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
fn crashed(via: &str) -> Script {
    let mut steps = with_disks();
    for words in [
        "lvm pvcreate /dev/pv0 /dev/pv1",
        "lvm vgcreate vg0 /dev/pv0 /dev/pv1",
        "lvm lvcreate -y --monitor n --type raid1 -m 1 -l 40 -n crash vg0",
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

fn is_captured(run: &Run) -> Result<()> {
    ended(run)?;
    judge::locked_down(run, 1)?;
    judge::console_says(run, "vg0-crash is set up")?;
    judge::console_says(run, "baton-capture: the dump is complete")?;
    let status = judge::said(run, 1, "status")?;
    ensure!(
        status.contains("vg0-crash is raid1 on vg0-crash_rmeta_0, vg0-crash_rimage_0, "),
        "status doesn't say what the volume is: {status}"
    );
    Ok(())
}

/// Under Secure Boot, with a kernel that has dm-raid.
fn machine(mishap: Option<Mishap>) -> Machine {
    Machine {
        cmdline: "crashkernel=256M".into(),
        targets: disks(),
        mishap,
        ..Machine::new(built::CRYPT)
    }
}

/// LVM activates it, whatever state its copies are in, and the dump is on it.
fn reads(lab: &baton_lab::setup::Lab, directory: &std::path::Path) -> Result<std::path::PathBuf> {
    let mut steps = with_disks();
    steps.push(run("lvm vgchange -ay --monitor n vg0"));
    steps.extend(mount("/mirror"));
    let places = vec![(steps, "/mirror".to_owned())];
    let files = read_elsewhere(lab, directory, built::CRYPT, &disks(), places)?;
    let dump = the_dump(files.first().context("nothing was read")?)?;
    readable(lab, &dump, &["dump", "check"])?;
    Ok(dump)
}

fn whole() -> Scenario {
    let script = crashed("gate --gate /payload/gate/mok.efi");
    Scenario::new("dump-volume-mirror", script, is_captured)
        .on(machine(None))
        .within(240)
        .with_built_kernels()
        .examined(|lab, directory| {
            let dump = reads(lab, directory)?;
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
        crashed("kernel"),
        is_captured,
    )
    .on(machine(Some(mishap)))
    .within(240)
    .with_built_kernels()
    .examined(|lab, directory| {
        let dump = reads(lab, directory)?;
        let summary = fs::read_to_string(dump.with_file_name("summary.json"))?;
        ensure!(
            summary.contains(WITHOUT),
            "the summary doesn't say what was missing: {summary}"
        );
        Ok(())
    })
    .only_in_full()
}
