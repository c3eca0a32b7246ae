//! A crash, captured: on a machine that Secure Boot has locked down, to a disk, and read back from it by
//! Baton and by everybody else.

mod arrays;
mod bystanders;
mod case;
mod cluster;
mod crashing;
mod encrypted;
mod examine;
mod faults;
mod mirrored;
mod multipath;
mod oracle;
mod places;
mod power;
mod reserved;
mod secrets;
mod small;
mod spread;
mod targets;
mod volumes;

use anyhow::Result;
use baton_guest::script::{Script, Step};
use baton_lab::image::disk;
use baton_lab::machine::{Bus, Machine, Mishap};
use baton_lab::vm::{Run, judge};

use self::case::{Case, Panic, Via};
use self::crashing::{PLACE, attached, configured, ended, mounted};
use crate::scenario::Scenario;

/// Debian's kernel for clouds that is built without CONFIG_X86_MCE: a machine check resets its processor, and
/// nothing can be captured.
const NO_MACHINE_CHECKS: &str = "6.1";

/// Debian's kernel for clouds that has no driver for AHCI.
const NO_AHCI: &str = "6.1";

/// Every kernel with every panic; formats, disks and ways of loading in turn, so that each meets each.
pub fn all(labels: &[&str]) -> Vec<Scenario> {
    let formats = ["ext4", "xfs", "btrfs", "raw"];
    let mut found = Vec::new();
    for (k, label) in labels.iter().enumerate() {
        for (p, panic) in Panic::ALL.into_iter().enumerate() {
            let turn = k * (Panic::ALL.len() + 1) + p;
            let (panic, format) = match panic {
                // A file system must be there to be frozen.
                Panic::HungTask => (panic, "ext4"),
                Panic::MachineCheck if *label == NO_MACHINE_CHECKS => (Panic::Sysrq, "vfat"),
                _ => (panic, formats[turn % formats.len()]),
            };
            found.push(scenario(Case {
                label: (*label).to_owned(),
                via: [Via::Gate, Via::Kernel][turn % 2],
                panic,
                format,
                bus: bus(label, turn),
            }));
        }
    }
    found.extend(faults::all());
    found.extend(oracle::all(labels));
    found.extend(secrets::all(labels));
    found.extend(targets::all());
    found.push(cluster::told());
    found.extend(volumes::all());
    found.extend(arrays::all());
    found.extend(bystanders::all());
    found.extend(places::all());
    found.extend(power::all());
    found.extend(encrypted::all());
    found.extend(mirrored::all());
    found.extend(multipath::all());
    found.extend(reserved::all());
    found.extend(small::all());
    found.extend(spread::all());
    found
}

/// Each in turn.
fn bus(label: &str, turn: usize) -> Bus {
    let all = [Bus::Nvme, Bus::VirtioBlk, Bus::Ahci, Bus::VirtioScsi];
    match all[turn / 2 % all.len()] {
        Bus::Ahci if label == NO_AHCI => Bus::VirtioScsi,
        bus => bus,
    }
}

fn scenario(case: Case) -> Scenario {
    let bus = match case.bus {
        Bus::Nvme => "nvme",
        Bus::VirtioBlk => "virtio",
        Bus::Ahci => "ahci",
        Bus::VirtioScsi => "scsi",
        Bus::TwoPaths => "multipath",
    };
    let name = format!(
        "dump-{}-{}-{bus}-{}-{}",
        case.panic.name(),
        case.format,
        case.via.name(),
        case.label
    );
    let found = Scenario::new(name, script(&case), captured)
        .on(machine(&case))
        .within(240);
    let short = case.is_short();
    let found = found.examined(move |lab, directory| examine::examine(lab, directory, &case));
    if short { found } else { found.only_in_full() }
}

fn machine(case: &Case) -> Machine {
    Machine {
        cmdline: "crashkernel=256M".into(),
        mishap: case.panic.command().map(|command| Mishap {
            when: "awaiting",
            command,
        }),
        targets: vec![case.target()],
        ..Machine::new(&case.label)
    }
}

fn script(case: &Case) -> Script {
    let mut steps = vec![Step::Observe];
    steps.extend(attached(0, &case.target(), PLACE));
    let configured_target = match case.format {
        "raw" => format!(
            "kind = \"raw\"\ndevice = \"PARTUUID={}\"",
            disk::RAW_PARTITION
        ),
        _ => mounted(PLACE),
    };
    steps.push(configured(150, &case.label, &[configured_target]));
    let load = format!(
        "/payload/bin/baton crash load --capture /payload/bin/baton-capture --via {}",
        match case.via {
            Via::Gate => "gate --gate /payload/gate/mok.efi",
            Via::Kernel => "kernel",
        }
    );
    steps.push(Step::run(&load));
    steps.push(Step::run(
        "/payload/bin/baton crash status --capture /payload/bin/baton-capture",
    ));
    steps.extend(case.panic.steps());
    Script {
        stages: vec![steps],
    }
}

/// The machine panicked in its first stage, and the capture program switched it off.
fn captured(run: &Run) -> Result<()> {
    ended(run)?;
    judge::locked_down(run, 1)
}
