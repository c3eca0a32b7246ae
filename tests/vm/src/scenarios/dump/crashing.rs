//! What all machines that crash have: disks, a configuration, and the same end.

use anyhow::Result;
use baton_guest::script::Step;
use baton_lab::machine::{Boot, Bus, Machine, Mishap, Target};
use baton_lab::vm::{Run, judge};

/// Where a mounted target is.
pub const PLACE: &str = "/var/crash";

/// A target is connected, and mounted if anything is on it.
pub fn attached(number: usize, target: &Target, place: &str) -> Vec<Step> {
    let mut modules = Vec::new();
    match target.bus {
        Bus::Nvme => {}
        Bus::VirtioBlk => modules.extend(["virtio_pci", "virtio_blk"]),
        Bus::Ahci => modules.extend(["sd_mod", "ahci"]),
        Bus::VirtioScsi | Bus::TwoPaths => modules.extend(["sd_mod", "virtio_pci", "virtio_scsi"]),
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

/// The capture program spoke, and switched the machine off.
pub fn ended(run: &Run) -> Result<()> {
    judge::no_step_failed(run)?;
    judge::switched_off(run)?;
    judge::console_says(run, "baton-capture: ")
}

/// A machine without Secure Boot, and so without lockdown, that has these disks.
pub fn unlocked(label: &str, targets: Vec<Target>, mishap: Option<Mishap>) -> Machine {
    Machine {
        boot: Boot::Bios,
        cmdline: "crashkernel=256M".into(),
        mishap,
        targets,
        ..Machine::new(label)
    }
}

/// `/etc/baton/crash.toml` with these targets.
pub fn configured(deadline: u32, label: &str, targets: &[impl AsRef<str>]) -> Step {
    let mut text = format!(
        "deadline = {deadline}\nfinally = \"poweroff\"\n\
         [kernel]\nimage = \"/payload/kernels/{label}/vmlinuz\"\n"
    );
    for target in targets {
        text += &format!("[[target]]\n{}\n", target.as_ref());
    }
    Step::Write {
        path: "/etc/baton/crash.toml".into(),
        text,
    }
}

/// A target that is mounted here.
pub fn mounted(place: &str) -> String {
    format!("kind = \"mounted\"\ndirectory = \"{place}\"")
}

/// A disk that needs no modules.
pub const fn on_nvme(format: &'static str, size_mib: u64) -> Target {
    Target {
        bus: Bus::Nvme,
        format,
        size_mib,
    }
}
