//! The gate's policy and what is revoked: what is allowed boots; what isn't is refused by preflight
//! and, loaded all the same, by the gate, in the same words.

use anyhow::Result;
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{self, Machine, Owner};
use baton_lab::payload::gate::FORCED;
use baton_lab::payload::steps;
use baton_lab::vm::{Run, judge};

use super::format;
use super::refusal::{failing, same_words};
use crate::scenario::Scenario;

const KERNEL: &str = "/payload/kernels/*/vmlinuz";
const UKI: &str = "/payload/uki/*.efi";
const INITRD: &str = "--initrd /payload/kernels/*/initrd.img";
const EXTRA: &str = "--initrd /payload/initrds/extra.img";
const LISTED: &str = "/payload/manifest/* --manifest /payload/manifest/*.manifest";

/// A load by a gate.
struct Load {
    gate: &'static str,
    /// What is loaded; `*` stands for the kernel's label.
    arguments: String,
    /// The command line; `None`: the image's own.
    cmdline: Option<String>,
}

impl Load {
    fn new(gate: &'static str, arguments: &[&str]) -> Self {
        Load {
            gate,
            arguments: arguments.join(" "),
            cmdline: None,
        }
    }

    fn line(self, more: &str) -> Self {
        let space = if more.is_empty() { "" } else { " " };
        Load {
            cmdline: Some(format!("{}{space}{more}", machine::cmdline(2))),
            ..self
        }
    }

    fn step(&self, label: &str) -> Step {
        let arguments = format::filled(&self.arguments, "/payload", label);
        format::load("load", self.gate, &arguments, self.cmdline.clone())
    }

    /// Through the gate, also where the running kernel would take the image itself, by no policy.
    fn by_gate(&self, label: &str) -> Step {
        self.step(label).and("--via").and("gate")
    }
}

pub fn all(labels: &[&str]) -> Vec<Scenario> {
    let mut found = vec![
        sealed_boots_a_uki(MAIN),
        signed_initrd_boots_what_a_manifest_lists(MAIN),
        forced(),
        refused(
            "stock-other-tables",
            Load::new("mok", &[KERNEL, INITRD]).line("acpi_rsdp=0x1000"),
            "command line refused: the policy denies \"acpi_rsdp=0x1000\"",
        ),
        refused(
            "signed-initrd-unsigned",
            Load::new("signed-initrd", &[KERNEL, INITRD]).line(""),
            "initrd 0 refused: the policy doesn't accept it unsigned",
        ),
        refused(
            "sealed-signed-kernel",
            Load::new("sealed", &[KERNEL]).line(""),
            "kernel refused: the policy doesn't accept it with an Authenticode signature",
        ),
        refused(
            "scope-of-a-key",
            Load::new("scoped", &[UKI]),
            "the policy doesn't let the key of \"Baton test MOK\" vouch for this",
        ),
        refused(
            "revoked-key",
            Load::new("revoking-key", &[UKI]),
            "\"Baton test MOK\" in its chain is revoked by ",
        ),
        refused(
            "revoked-generation",
            Load::new("sbat", &[UKI]),
            "revoked by SBAT: its component \"uki\" is at generation 1",
        ),
        revoked_by_the_owner(),
        // A gate is a kernel to another gate: nobody gets back through it to an older one, and to what
        // the policy of that allows.
        refused(
            "older-gate",
            Load::new(
                "sbat",
                &[
                    "/payload/gate/mok.efi",
                    "--initrd /payload/bad/good.handover",
                ],
            )
            .line(""),
            "kernel refused: revoked by SBAT: its component \"baton.gate\" is at generation 1",
        ),
    ];
    let more = [
        refused(
            "stock-hidden-in-quotes",
            Load::new("mok", &[KERNEL, INITRD]).line("\"x acpi_rsdp=0x1000\""),
            "command line refused: the policy denies \"acpi_rsdp=0x1000",
        ),
        refused(
            "signed-initrd-other-program",
            Load::new("signed-initrd", &[LISTED, INITRD, EXTRA]).line("rdinit=/bin/sh"),
            "command line refused: the policy denies \"rdinit=/bin/sh\"",
        ),
        refused(
            "sealed-second-initrd",
            Load::new("sealed", &[UKI, EXTRA]),
            "initrd 0 refused: the policy doesn't accept it unsigned",
        ),
        refused(
            "unlisted-parameter",
            Load::new("forcing", &[KERNEL, INITRD]).line("debug"),
            "command line refused: no rule of the policy allows \"debug\"",
        ),
        refused(
            "contradicting-what-is-forced",
            Load::new("forcing", &[KERNEL, INITRD]).line("baton.forced=2"),
            "command line refused: \"baton.forced=2\" contradicts what the policy forces",
        ),
        refused(
            "revoked-image",
            Load::new("revoking-image", &[UKI]),
            "kernel refused: its digest is revoked by ",
        ),
    ];
    found.extend(more.map(Scenario::only_in_full));
    for label in labels.iter().filter(|label| **label != MAIN) {
        found.push(sealed_boots_a_uki(label).only_in_full());
        found.push(signed_initrd_boots_what_a_manifest_lists(label).only_in_full());
    }
    found
}

/// What must not run. The stage ends with the gate's refusal and a reset.
fn refused(name: &str, load: Load, reason: &'static str) -> Scenario {
    let step = load.by_gate(MAIN);
    let image = image(&load);
    let script = Script {
        stages: vec![
            vec![
                failing(step.clone()),
                step.and("--no-preflight"),
                steps::exec(),
            ],
            vec![],
        ],
    };
    Scenario::new(format!("policy-{name}"), script, move |run| {
        judge::reset_after(run, 1)?;
        same_words(run, &image, reason)
    })
}

fn image(load: &Load) -> String {
    let image = load.arguments.split(' ').next().unwrap_or_default();
    format::filled(image, "/payload", MAIN)
}

/// What must run, by the policy of this name.
fn boots(
    name: String,
    label: &str,
    load: &Load,
    policy: &'static str,
    more: impl Fn(&Run) -> Result<()> + Send + Sync + 'static,
) -> Scenario {
    let status = Step::run("/payload/bin/baton status");
    let script = Script {
        stages: vec![
            vec![Step::Observe, load.by_gate(label), steps::exec()],
            vec![Step::Observe, status],
        ],
    };
    let label = label.to_owned();
    let machine = Machine::new(&label);
    Scenario::new(name, script, move |run| {
        judge::done(run, 2)?;
        judge::locked_down(run, 2)?;
        judge::kernel(run, 2, &label)?;
        judge::console_says(run, &format!("the policy \"{policy}\" allows it"))?;
        judge::chain_says(run, 2, &format!("\"{policy}\" (digest "))?;
        more(run)
    })
    .on(machine)
}

fn sealed_boots_a_uki(label: &str) -> Scenario {
    let load = Load::new("sealed", &[UKI]);
    boots(
        format!("policy-sealed-uki-{label}"),
        label,
        &load,
        "sealed",
        |run| judge::markers(run, 2, &["marker-main"]),
    )
}

fn signed_initrd_boots_what_a_manifest_lists(label: &str) -> Scenario {
    let load = Load::new("signed-initrd", &[LISTED, INITRD, EXTRA]).line("");
    boots(
        format!("policy-signed-initrd-manifest-{label}"),
        label,
        &load,
        "signed-initrd",
        |run| judge::markers(run, 2, &["marker-extra", "marker-main"]),
    )
}

fn forced() -> Scenario {
    let load = Load::new("forcing", &[KERNEL, INITRD]).line("");
    boots("policy-forced".into(), MAIN, &load, "forcing", |run| {
        let expected = format!("{FORCED} {}", machine::cmdline(2));
        judge::runs(run, 2, MAIN, &expected)
    })
}

/// The way of a revocation through shim and the running kernel to the gate.
fn revoked_by_the_owner() -> Scenario {
    let machine = Machine {
        owner: Owner::Revoking,
        ..Machine::new(MAIN)
    };
    refused(
        "revoked-by-the-owner",
        Load::new("mok", &[UKI]),
        "kernel refused: its digest is revoked by MokListXRT",
    )
    .on(machine)
}
