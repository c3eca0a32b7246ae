//! Stock kexec on the same machines: it shows that the machines are sound, and what Baton is
//! measured against.

use baton_guest::script::{Script, Step};
use baton_lab::machine::{self, Boot, Machine};
use baton_lab::payload::steps;
use baton_lab::vm::judge;

use crate::scenario::Scenario;

pub fn all(labels: &[&str]) -> Vec<Scenario> {
    let mut found: Vec<Scenario> = labels.iter().map(|label| same_kernel(label)).collect();
    if let Some(last) = found.last_mut() {
        last.full = true;
    }
    found.extend([crash(), without_shim()]);
    found
}

/// shim → GRUB → Debian, locked down → stock kexec of the same kernel.
fn same_kernel(label: &str) -> Scenario {
    let label = label.to_owned();
    let script = Script {
        stages: vec![
            vec![Step::Observe, steps::stock_load(&label, 2), Step::Kexec],
            vec![Step::Observe],
        ],
    };
    let machine = Machine::new(&label);
    stock(
        format!("stock-kexec-{label}"),
        script,
        machine,
        move |run| {
            judge::done(run, 2)?;
            judge::locked_down(run, 1)?;
            judge::locked_down(run, 2)?;
            judge::runs(run, 2, &label, &machine::cmdline(2))?;
            judge::kept(run, 1, 2)
        },
    )
}

/// Stock kexec's crash kernel, whose `/proc/vmcore` must hold what memory held.
fn crash() -> Scenario {
    let label = baton_lab::fetch::packages::MAIN;
    let load = steps::stock_kexec(&["-s", "-p"], label, 2);
    stock(
        "stock-crash",
        super::crash::script(load),
        super::crash::machine(label),
        |run| {
            judge::done(run, 2)?;
            super::crash::judge(run)
        },
    )
    .within(240)
}

/// Without shim nobody gives Debian's kernel the certificate that its own signature needs.
fn without_shim() -> Scenario {
    let label = baton_lab::fetch::packages::MAIN;
    let machine = Machine {
        boot: Boot::DbKey,
        ..Machine::new(label)
    };
    let refused = Step::FileLoad {
        kernel: format!("/payload/kernels/{label}/vmlinuz"),
        initrd: format!("/payload/kernels/{label}/initrd.img"),
        cmdline: machine::cmdline(2),
        crash: false,
        errno: Some(126), // ENOKEY
    };
    let script = Script {
        stages: vec![vec![Step::Observe, refused]],
    };
    stock("stock-db-key-refuses-debian", script, machine, |run| {
        judge::done(run, 1)?;
        judge::locked_down(run, 1)
    })
}

fn stock(
    name: impl Into<String>,
    script: Script,
    machine: Machine,
    judge: impl Fn(&baton_lab::vm::Run) -> anyhow::Result<()> + Send + Sync + 'static,
) -> Scenario {
    let mut scenario = Scenario::new(name, script, judge).on(machine);
    scenario.ours = false;
    scenario
}
