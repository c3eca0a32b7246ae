//! Dumps to a btrfs that is spread over two disks.

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{Bus, Machine, Mishap, Target};
use baton_lab::vm::{Run, judge};

use super::crashing::{PLACE, configured, ended, mounted, unlocked};
use super::examine::{opened_by_all, read_elsewhere, the_dump};
use super::power::{FOUND, Storage};
use super::volumes::{LOAD, STATUS};
use crate::scenario::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![whole(), leg_gone()]
}

/// Each has another driver, which the capture needs both of.
fn disks() -> Vec<Target> {
    [Bus::Ahci, Bus::VirtioScsi]
        .map(|bus| Target {
            bus,
            format: "blank",
            size_mib: 256,
        })
        .into()
}

/// What makes the disks usable.
fn with_disks() -> Vec<Step> {
    let modules = ["sd_mod", "ahci", "virtio_pci", "virtio_scsi", "btrfs"].into_iter();
    let mut steps: Vec<Step> = modules.map(|name| Step::LoadModule(name.into())).collect();
    for target in [0, 1] {
        steps.push(Step::Link {
            target,
            partition: false,
            path: format!("/dev/member{target}"),
        });
    }
    steps
}

/// Mounted so that the kernel knows of both, with these options besides.
fn mount(place: &str, options: &str) -> Vec<Step> {
    vec![
        Step::run(&format!("/payload/bin/busybox mkdir -p -m 700 {place}")),
        Step::run(&format!(
            "/payload/bin/busybox mount -t btrfs -o {options} /dev/member0 {place}"
        )),
    ]
}

const BOTH: &str = "device=/dev/member0,device=/dev/member1";

/// A btrfs on two disks.
pub fn storage() -> Storage {
    let mut made = with_file_system();
    made.extend(mount(PLACE, BOTH));
    let mut found = with_disks();
    found.extend(mount(FOUND, BOTH));
    Storage {
        name: "btrfs",
        label: MAIN,
        disks: disks(),
        made,
        found,
    }
}

fn with_file_system() -> Vec<Step> {
    let mut steps = with_disks();
    steps.push(Step::run(
        "/payload/bin/mkfs.btrfs -q -d raid1 -m raid1 -L SPREAD /dev/member0 /dev/member1",
    ));
    steps
}

fn crashed(target: &str, load: &str) -> Script {
    let mut steps = vec![Step::Observe];
    steps.extend(with_file_system());
    steps.extend(mount(PLACE, BOTH));
    steps.push(configured(150, MAIN, &[target]));
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
        status.contains("; also on sd"),
        "status doesn't say where the file system is: {status}"
    );
    Ok(())
}

fn whole() -> Scenario {
    let machine = Machine {
        cmdline: "crashkernel=256M".into(),
        targets: disks(),
        ..Machine::new(MAIN)
    };
    let load = format!("{LOAD} --via gate --gate /payload/gate/mok.efi");
    let script = crashed(&mounted(PLACE), &load);
    Scenario::new("dump-btrfs-on-two", script, |run| {
        judge::locked_down(run, 1)?;
        is_captured(run)
    })
    .on(machine)
    .within(240)
    .examined(|lab, directory| {
        let mut steps = with_disks();
        steps.extend(mount("/spread", BOTH));
        let places = vec![(steps, "/spread".to_owned())];
        let files = read_elsewhere(lab, directory, MAIN, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        opened_by_all(lab, &the_dump(files)?, MAIN)
    })
    .only_in_full()
}

/// One of the disks gives no answer any more when the kernel panics, and its owner allows to go without.
fn leg_gone() -> Scenario {
    let mishap = Mishap {
        when: "Kernel panic",
        command: "drive_del baton-target-1",
    };
    let target = "kind = \"filesystem\"\ndevice = \"LABEL=SPREAD\"\noptions = \"degraded\"\ndirectory = \"/\"";
    Scenario::new("dump-btrfs-leg-gone", crashed(target, LOAD), is_captured)
        .on(unlocked(MAIN, disks(), Some(mishap)))
        .within(240)
        .examined(|lab, directory| {
            let mut steps = with_disks();
            steps.extend(mount("/spread", &format!("degraded,{BOTH}")));
            let places = vec![(steps, "/spread".to_owned())];
            let files = read_elsewhere(lab, directory, MAIN, &disks(), places)?;
            let files = files.first().context("nothing was read")?;
            opened_by_all(lab, &the_dump(files)?, MAIN)
        })
        .only_in_full()
}
