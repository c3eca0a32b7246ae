//! A capture by the small kernel that `dist/capture-kernel` builds, in memory that Debian's own can't even start in.

use anyhow::bail;
use baton_guest::script::{Script, Step};
use baton_lab::fetch::built;
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::Machine;
use baton_lab::vm::{Run, judge};

use super::crashing::{PLACE, attached, configured, ended, mounted, on_nvme};
use super::examine::{fetched, the_dump};
use super::faults::readable;
use crate::scenario::Scenario;

const CAPTURE: &str = "--capture /payload/bin/baton-capture";

/// Debian's kernel states that it needs more than this to start.
const RESERVED_MIB: u64 = 40;

pub fn all() -> Vec<Scenario> {
    ["gate --gate /payload/gate/mok.efi", "kernel"]
        .into_iter()
        .map(scenario)
        .collect()
}

fn scenario(via: &'static str) -> Scenario {
    let targets = vec![on_nvme("ext4", 256)];
    let mut steps = vec![Step::Observe];
    steps.extend(attached(0, &targets[0], PLACE));
    steps.push(configured(150, built::CAPTURE, &[mounted(PLACE)]));
    let load = format!("/payload/bin/baton crash load {CAPTURE} --via {via}");
    steps.push(Step::run(&load));
    steps.push(Step::run(&format!(
        "/payload/bin/baton crash status {CAPTURE}"
    )));
    steps.push(Step::Sysrq('c'));
    let machine = Machine {
        cmdline: format!("crashkernel={RESERVED_MIB}M"),
        targets: targets.clone(),
        ..Machine::new(MAIN)
    };
    let script = Script {
        stages: vec![steps],
    };
    let way = via.split(' ').next().unwrap_or(via);
    Scenario::new(
        format!("dump-small-kernel-{way}"),
        script,
        move |run: &Run| {
            ended(run)?;
            judge::locked_down(run, 1)?;
            judge::console_says(run, "baton-capture: the dump is complete")
        },
    )
    .on(machine)
    .within(240)
    .examined(move |lab, directory| {
        let files = fetched(lab, directory, MAIN, &targets)?;
        let [files] = files.as_slice() else {
            bail!("there is not one disk");
        };
        readable(lab, &the_dump(files)?, &["dump", "check"])
    })
    .with_built_kernels()
}
