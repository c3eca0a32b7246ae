//! Memory that is reserved in other ways than in one piece below 4 GiB: the capture has what it needs, and status says
//! what there is.

use baton_guest::script::{Script, Step};
use baton_lab::machine::Machine;
use baton_lab::vm::{Run, judge};

use super::crashing::{PLACE, attached, configured, ended, mounted, on_nvme};
use super::examine::{fetched, the_dump};
use super::faults::readable;
use crate::scenario::Scenario;

const CAPTURE: &str = "--capture /payload/bin/baton-capture";

/// How memory is reserved, and what status says of it.
struct Reserved {
    name: &'static str,
    label: &'static str,
    parameters: &'static str,
    memory_mib: u64,
    says: &'static str,
}

/// Hardly more than what is loaded, and the rest is lent to programs until the crash.
const CMA: Reserved = Reserved {
    name: "cma",
    label: "7.2",
    parameters: "crashkernel=88M crashkernel=128M,cma",
    memory_mib: 768,
    says: "88 MiB, and 128 MiB that programs use until then",
};

/// Above 4 GiB, and as little below as the kernel starts with.
const HIGH: Reserved = Reserved {
    name: "high",
    label: "6.12",
    parameters: "crashkernel=128M,high crashkernel=72M,low",
    memory_mib: 5120,
    says: "200 MiB",
};

pub fn all() -> Vec<Scenario> {
    vec![scenario(CMA), scenario(HIGH)]
}

fn scenario(reserved: Reserved) -> Scenario {
    let Reserved {
        name,
        label,
        parameters,
        memory_mib,
        says,
    } = reserved;
    let targets = vec![on_nvme("ext4", 256)];
    let mut steps = vec![Step::Observe];
    steps.extend(attached(0, &targets[0], PLACE));
    steps.push(configured(150, label, &[mounted(PLACE)]));
    let load =
        format!("/payload/bin/baton crash load {CAPTURE} --via gate --gate /payload/gate/mok.efi");
    steps.push(Step::run(&load));
    steps.push(Step::run(&format!(
        "/payload/bin/baton crash status {CAPTURE}"
    )));
    steps.push(Step::Sysrq('c'));
    let machine = Machine {
        cmdline: parameters.into(),
        memory_mib,
        targets: targets.clone(),
        ..Machine::new(label)
    };
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new(format!("dump-reserved-{name}"), script, move |run: &Run| {
        ended(run)?;
        judge::locked_down(run, 1)?;
        judge::console_says(run, says)
    })
    .on(machine)
    .within(240)
    .examined(move |lab, directory| {
        let files = fetched(lab, directory, label, &targets)?;
        let [files] = files.as_slice() else {
            anyhow::bail!("there is not one disk");
        };
        readable(lab, &the_dump(files)?, &["dump", "check"])
    })
    .only_in_full()
}
