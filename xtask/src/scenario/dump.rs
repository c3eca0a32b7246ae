//! A crash, captured: on a machine that Secure Boot has locked down, to a disk, and read back from it by
//! Baton and by everybody else.

mod examine;
mod faults;
mod oracle;
mod targets;

use anyhow::{Result, bail, ensure};
use baton_guest::event::Event;
use baton_guest::script::{Script, Step};

use super::{Scenario, judge};
use crate::disk;
use crate::machine::{Bus, Machine, Mishap, Target};
use crate::vm::{End, Run};

/// How the kernel comes to panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Panic {
    Sysrq,
    InitDies,
    OutOfMemory,
    Nmi,
    MachineCheck,
    HungTask,
}

impl Panic {
    const ALL: [Panic; 6] = [
        Panic::Sysrq,
        Panic::InitDies,
        Panic::OutOfMemory,
        Panic::Nmi,
        Panic::MachineCheck,
        Panic::HungTask,
    ];

    fn name(self) -> &'static str {
        match self {
            Panic::Sysrq => "sysrq",
            Panic::InitDies => "init-dies",
            Panic::OutOfMemory => "oom",
            Panic::Nmi => "nmi",
            Panic::MachineCheck => "machine-check",
            Panic::HungTask => "hung-task",
        }
    }

    /// What brings it about.
    fn steps(self) -> Vec<Step> {
        match self {
            Panic::Sysrq => vec![Step::Sysrq('c')],
            Panic::InitDies => vec![Step::Die],
            Panic::OutOfMemory => vec![sysctl("vm/panic_on_oom", "2"), Step::Exhaust],
            Panic::Nmi => vec![
                sysctl("kernel/unknown_nmi_panic", "1"),
                Step::Await("an NMI".into()),
            ],
            Panic::MachineCheck => vec![Step::Await("a machine check".into())],
            Panic::HungTask => vec![
                sysctl("kernel/hung_task_panic", "1"),
                sysctl("kernel/hung_task_timeout_secs", "5"),
                Step::run("/payload/bin/busybox fsfreeze --freeze /var/crash"),
                Step::run("/payload/bin/busybox sh -c").and("echo x > /var/crash/x &"),
                Step::Await("a task that hangs".into()),
            ],
        }
    }

    /// What QEMU's monitor is told to do.
    fn command(self) -> Option<&'static str> {
        match self {
            Panic::Nmi => Some("nmi"),
            // MCi_STATUS: valid, uncorrected, enabled, the processor's context corrupt; MCG_STATUS: a
            // machine check in progress (Intel SDM vol. 3B, 17.3).
            Panic::MachineCheck => Some("mce 0 9 0xb200000000000000 0x4 0 0"),
            _ => None,
        }
    }

    /// What the panic message says.
    fn message(self) -> &'static str {
        match self {
            Panic::Sysrq => "sysrq triggered crash",
            Panic::InitDies => "Attempted to kill init",
            // "system-wide", or "compulsory" (mm/oom_kill.c).
            Panic::OutOfMemory => "panic_on_oom is enabled",
            Panic::Nmi => "NMI: Not continuing",
            // "local" where the processor tells others nothing (arch/x86/kernel/cpu/mce/core.c).
            Panic::MachineCheck => "machine check",
            Panic::HungTask => "hung_task: blocked tasks",
        }
    }
}

fn sysctl(name: &str, value: &str) -> Step {
    Step::Write {
        path: format!("/proc/sys/{name}"),
        text: value.into(),
    }
}

/// How the capture kernel is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Via {
    Gate,
    Kernel,
}

impl Via {
    fn name(self) -> &'static str {
        match self {
            Via::Gate => "gate",
            Via::Kernel => "kernel",
        }
    }
}

/// One machine that crashes.
#[derive(Debug, Clone)]
struct Case {
    label: String,
    via: Via,
    panic: Panic,
    format: &'static str,
    bus: Bus,
}

impl Case {
    /// Whether the short suite has it.
    fn is_short(&self) -> bool {
        self.label == crate::payload::MAIN && matches!(self.panic, Panic::Sysrq | Panic::InitDies)
    }
}

/// Where a mounted target is.
const PLACE: &str = "/var/crash";

/// Debian's kernel for clouds that is built without CONFIG_X86_MCE: a machine check resets its processor, and
/// nothing can be captured.
const NO_MACHINE_CHECKS: &str = "6.1";

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
                bus: [Bus::Nvme, Bus::VirtioBlk][turn / 2 % 2],
            }));
        }
    }
    found.extend(faults::all());
    found.extend(oracle::all(labels));
    found.extend(targets::all());
    found
}

fn scenario(case: Case) -> Scenario {
    let bus = match case.bus {
        Bus::Nvme => "nvme",
        Bus::VirtioBlk => "virtio",
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
    let found = found.examined(move |lab, folder| examine::examine(lab, folder, &case));
    if short { found } else { found.only_in_full() }
}

fn machine(case: &Case) -> Machine {
    Machine {
        cmdline: "crashkernel=256M".into(),
        mishap: case.panic.command().map(|command| Mishap {
            when: "awaiting",
            command,
        }),
        targets: vec![target(case)],
        ..Machine::new(&case.label)
    }
}

fn target(case: &Case) -> Target {
    Target {
        bus: case.bus,
        format: case.format,
        size_mib: 512,
    }
}

fn script(case: &Case) -> Script {
    let mut steps = vec![Step::Observe];
    steps.extend(attached(0, &target(case), PLACE));
    steps.push(Step::Write {
        path: "/etc/baton/crash.toml".into(),
        text: settings(case),
    });
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

/// A target is connected, and mounted if anything is on it.
fn attached(number: usize, target: &Target, place: &str) -> Vec<Step> {
    let mut modules = Vec::new();
    if target.bus == Bus::VirtioBlk {
        modules.extend(["virtio_pci", "virtio_blk"]);
    }
    match target.format {
        "raw" => {}
        // Nobody is there whom the kernel could ask for what names are converted with.
        "vfat" => modules.extend(["nls_cp437", "nls_ascii", "vfat"]),
        format => modules.push(format),
    }
    let load = |name: &str| Step::LoadModule(name.into());
    let mut steps: Vec<Step> = modules.into_iter().map(load).collect();
    if target.format != "raw" {
        steps.push(Step::Mount {
            target: number,
            filesystem: target.format.into(),
            place: place.into(),
        });
    }
    steps
}

fn settings(case: &Case) -> String {
    let target = if case.format == "raw" {
        format!(
            "kind = \"raw\"\ndevice = \"PARTUUID={}\"\n",
            disk::RAW_PARTITION
        )
    } else {
        format!("kind = \"mounted\"\ndirectory = \"{PLACE}\"\n")
    };
    format!(
        "deadline = 150\nfinally = \"poweroff\"\n[kernel]\nimage = \"/payload/kernels/{}/vmlinuz\"\n\
         [[target]]\n{target}",
        case.label
    )
}

/// The machine panicked in its first stage, and the capture program switched it off.
fn captured(run: &Run) -> Result<()> {
    for happened in &run.transcript.events {
        if let Event::Failed { reason } = &happened.line.event {
            bail!("{reason}");
        }
    }
    ensure!(
        run.end == End::Itself,
        "the machine didn't switch itself off"
    );
    judge::locked_down(run, 1)?;
    judge::console_says(run, "baton-capture: ")
}
