//! One machine that crashes: how, with what disk, and how its capture is loaded.

use baton_guest::script::Step;
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{Bus, Target};

/// How the kernel comes to panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panic {
    Sysrq,
    InitDies,
    OutOfMemory,
    Nmi,
    MachineCheck,
    HungTask,
}

impl Panic {
    pub const ALL: [Panic; 6] = [
        Panic::Sysrq,
        Panic::InitDies,
        Panic::OutOfMemory,
        Panic::Nmi,
        Panic::MachineCheck,
        Panic::HungTask,
    ];

    pub fn name(self) -> &'static str {
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
    pub fn steps(self) -> Vec<Step> {
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
    pub fn command(self) -> Option<&'static str> {
        match self {
            Panic::Nmi => Some("nmi"),
            // MCi_STATUS: valid, uncorrected, enabled, the processor's context corrupt; MCG_STATUS: a
            // machine check in progress (Intel SDM vol. 3B, 17.3).
            Panic::MachineCheck => Some("mce 0 9 0xb200000000000000 0x4 0 0"),
            _ => None,
        }
    }

    /// What the panic message says.
    pub fn message(self) -> &'static str {
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
pub enum Via {
    Gate,
    Kernel,
}

impl Via {
    pub fn name(self) -> &'static str {
        match self {
            Via::Gate => "gate",
            Via::Kernel => "kernel",
        }
    }
}

/// One machine that crashes.
#[derive(Debug, Clone)]
pub struct Case {
    pub label: String,
    pub via: Via,
    pub panic: Panic,
    pub format: &'static str,
    pub bus: Bus,
}

impl Case {
    /// Whether the short suite has it.
    pub fn is_short(&self) -> bool {
        self.label == MAIN && matches!(self.panic, Panic::Sysrq | Panic::InitDies)
    }

    /// Its disk.
    pub fn target(&self) -> Target {
        Target {
            bus: self.bus,
            format: self.format,
            size_mib: 512,
        }
    }
}
