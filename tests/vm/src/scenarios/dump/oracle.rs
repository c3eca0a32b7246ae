//! The memory of a crashed kernel as it is, and what Baton and makedumpfile each make of it.

use fs_err::{self as fs, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use baton_guest::event::Event;
use baton_guest::script::{Script, Step};
use baton_lab::exec;
use baton_lab::machine;
use baton_lab::setup::Lab;
use baton_lab::vm::{self, Run, judge};

use super::crashing::{on_nvme, unlocked};
use crate::scenario::Scenario;

/// For every kernel: its /proc/vmcore is copied, and then the tests of `baton-kdump` that compare with
/// makedumpfile are run on it.
pub fn all(labels: &[&str]) -> Vec<Scenario> {
    labels.iter().map(|label| scenario(label)).collect()
}

fn scenario(label: &str) -> Scenario {
    let machine = unlocked(label, vec![on_nvme("blank", 1024)], None);
    let label = label.to_owned();
    let scenario = Scenario::new(format!("dump-oracle-{label}"), script(&label), copied)
        .on(machine)
        .within(240)
        .examined(move |lab, directory| compare(lab, directory, &label));
    scenario.only_in_full()
}

/// Memory of programs and page cache are there, to be told apart from the kernel's own.
fn script(label: &str) -> Script {
    let load = Step::run(&format!(
        "/payload/bin/baton crash load /payload/kernels/{label}/vmlinuz \
         --initrd /payload/kernels/{label}/initrd.img --cmdline"
    ));
    Script {
        stages: vec![
            vec![
                load.and(machine::cmdline(2)),
                Step::FillCanary { leave_mib: 384 },
                Step::run("/payload/bin/busybox sh -c").and("cat /payload/kernels/*/* > /dev/null"),
                Step::Sysrq('c'),
            ],
            vec![Step::CopyVmcore { target: 0 }],
        ],
    }
}

fn copied(run: &Run) -> Result<()> {
    judge::done(run, 2)?;
    let mut events = run.transcript.stage(2);
    let was = events.any(|event| matches!(event, Event::Copied { size } if *size > 0));
    ensure!(was, "/proc/vmcore wasn't copied");
    Ok(())
}

fn compare(lab: &Lab, directory: &Path, label: &str) -> Result<()> {
    let cores = directory.join("cores");
    fs::create_dir_all(cores.join("bin"))?;
    fs::rename(
        vm::target_image(directory, 0),
        cores.join(format!("vmcore-{label}")),
    )?;
    let makedumpfile = cores.join("bin/makedumpfile");
    let words = exec::words(&lab.extras()?.peers.makedumpfile());
    fs::write(&makedumpfile, format!("#!/bin/sh\nexec {words} \"$@\"\n"))?;
    fs::set_permissions(&makedumpfile, std::fs::Permissions::from_mode(0o755))?;
    let out = File::create(directory.join("oracles.txt"))?;
    let status = Command::new(baton_xtask::cargo())
        .current_dir(baton_xtask::root()?)
        .args(["test", "--release", "--locked", "--package", "baton-kdump"])
        .args([
            "--test",
            "oracles",
            "--test",
            "filter_oracle",
            "--test",
            "lies",
        ])
        .args(["--", "--ignored", "--nocapture"])
        .env("BATON_VMCORES", &cores)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .stdout(out.try_clone()?.into_file())
        .stderr(out.into_file())
        .status()?;
    ensure!(
        status.success(),
        "Baton and makedumpfile differ: see {}",
        directory.join("oracles.txt").display()
    );
    Ok(fs::remove_dir_all(cores)?)
}
