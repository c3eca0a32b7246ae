//! As root on a locked-down machine: ways to boot an unverified kernel.

use anyhow::{Result, ensure};
use baton_guest::event::Event;
use baton_guest::script::{Expect, Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{self, Machine};
use baton_lab::payload::initrd_kernel;
use baton_lab::payload::steps;
use baton_lab::vm::{Run, judge};

use super::refusal;
use crate::scenario::Scenario;

/// Of these kernels the one that ignores an initrd's ACPI tables when it is locked down.
const IGNORES_TABLES: &str = "6.1";

pub fn all(labels: &[&str]) -> Vec<Scenario> {
    let mut found = vec![
        at_the_kernel(),
        handed("unsigned", "kernel refused: "),
        handed("untrusted", "kernel refused: "),
        handed("bare-kernel", "handover refused: "),
        signed_initrd_as_kernel(),
        faked_crash(),
        other_handover_after_a_crash(),
    ];
    for label in labels.iter().filter(|label| **label != IGNORES_TABLES) {
        found.push(table_past_the_gate(label));
        found.push(table_through_the_gate(label));
    }
    found
}

/// What the running kernel itself must turn down.
fn at_the_kernel() -> Scenario {
    let bad = ["unsigned", "untrusted", "flipped"].map(|name| format!("/payload/bad/{name}.efi"));
    let mut steps: Vec<Step> = bad.iter().map(|image| kexec("-s", image)).collect();
    steps.extend(bad.iter().map(|image| kexec("-c", image)));
    // The unverified system call, and the gate without a signature that counts.
    steps.push(kexec("-c", &format!("/payload/kernels/{MAIN}/vmlinuz")));
    steps.push(kexec("-c", "/payload/gate/mok.efi"));
    steps.push(kexec("-s", "/payload/gate/untrusted.efi"));
    // The same program with what it may load, so that it wasn't for something else that it failed.
    steps.push(steps::stock_load(MAIN, 2));
    steps.push(Step::run("/payload/bin/baton unload"));
    // The lockdown can't be lifted.
    steps.push(Step::Observe);
    Scenario::new(
        "attacks-at-the-kernel",
        Script {
            stages: vec![steps],
        },
        nothing_loaded,
    )
}

fn kexec(way: &str, image: &str) -> Step {
    Step::run_expecting(
        &format!("/payload/bin/kexec {way} -l {image} --initrd=/payload/bad/good.handover"),
        Expect::Failure,
    )
    .and(format!("--command-line={}", machine::cmdline(2)))
}

fn nothing_loaded(run: &Run) -> Result<()> {
    judge::done(run, 1)?;
    judge::locked_down(run, 1)?;
    ensure!(!judge::observed(run, 1)?.kexec_loaded, "a kernel is loaded");
    let tried = run
        .transcript
        .stage(1)
        .filter(|event| matches!(event, Event::Ran { .. }))
        .count();
    ensure!(tried == 9 + 2, "{tried} programs ran, not 11");
    Ok(())
}

/// What the kernel passes to the gate unseen, and the gate refuses.
fn handed(name: &'static str, reason: &'static str) -> Scenario {
    let script = Script {
        stages: vec![vec![refusal::load_blob(name), Step::Kexec], vec![]],
    };
    Scenario::new(format!("attacks-handover-{name}"), script, move |run| {
        judge::reset_after(run, 1)?;
        judge::console_says(run, reason)
    })
}

/// A file whose signature makes it an initrd, where a kernel belongs. Nothing of it may run, and it would
/// say so.
fn signed_initrd_as_kernel() -> Scenario {
    let script = Script {
        stages: vec![
            vec![refusal::load_blob("signed-initrd"), Step::Kexec],
            vec![],
        ],
    };
    Scenario::new("attacks-signed-initrd-as-kernel", script, |run| {
        ensure!(
            !run.transcript.says(initrd_kernel::SAYS),
            "the initrd ran as a kernel"
        );
        judge::reset_after(run, 1)?;
        judge::console_says(run, "kernel refused: ")
    })
}

/// Root writes what the kernel writes in a crash, and loads what was made for one.
fn faked_crash() -> Scenario {
    let load = Step::FileLoad {
        kernel: "/payload/gate/mok.efi".into(),
        initrd: "/payload/bad/for-a-crash.handover".into(),
        cmdline: format!("elfcorehdr=0x1000000 {}", machine::cmdline(2)),
        crash: false,
        errno: None,
    };
    let script = Script {
        stages: vec![vec![load, Step::Kexec], vec![]],
    };
    Scenario::new("attacks-faked-crash", script, |run| {
        judge::reset_after(run, 1)?;
        judge::console_says(run, "handover refused: it was made for a crash")
    })
}

/// What was made for no crash, where a crash's handover belongs.
fn other_handover_after_a_crash() -> Scenario {
    let load = Step::FileLoad {
        kernel: "/payload/gate/mok.efi".into(),
        initrd: "/payload/bad/good.handover".into(),
        cmdline: machine::cmdline(2),
        crash: true,
        errno: None,
    };
    let script = Script {
        stages: vec![vec![load, Step::Sysrq('c')], vec![]],
    };
    Scenario::new("attacks-other-handover-after-a-crash", script, |run| {
        judge::reset_after(run, 1)?;
        judge::console_says(run, "handover refused: it wasn't made for a crash")
    })
    .on(super::crash::machine(MAIN))
}

/// The initrd of a kernel, with a table for ACPI before it.
fn with_table(label: &str) -> String {
    format!("/payload/bad/ssdt/{label}.img")
}

/// What the gate is stricter than: by direct kexec the table arrives.
fn table_past_the_gate(label: &str) -> Scenario {
    let load = Step::run(&format!(
        "/payload/bin/kexec -s -l /payload/kernels/{label}/vmlinuz --initrd={}",
        with_table(label)
    ))
    .and(format!("--command-line={}", machine::cmdline(2)));
    let script = Script {
        stages: vec![vec![Step::Observe, load, Step::Kexec], vec![Step::Observe]],
    };
    let name = format!("attacks-acpi-table-by-stock-kexec-{label}");
    Scenario::new(name, script, |run| {
        judge::done(run, 2)?;
        judge::locked_down(run, 2)?;
        let tables = |stage| Ok::<_, anyhow::Error>(&judge::observed(run, stage)?.acpi_tables);
        let (before, after) = (tables(1)?, tables(2)?);
        ensure!(
            after
                .iter()
                .any(|name| name.starts_with("SSDT") && !before.contains(name)),
            "the kernel doesn't install the initrd's table any more: {after:?} after {before:?}"
        );
        Ok(())
    })
    .on(Machine::new(label))
    .only_in_full()
}

fn table_through_the_gate(label: &str) -> Scenario {
    let initrd = with_table(label);
    let load = Step::run(&format!(
        "/payload/bin/baton load /payload/kernels/{label}/vmlinuz --via gate \
         --gate /payload/gate/mok.efi --initrd {initrd} --cmdline"
    ))
    .and(machine::cmdline(2));
    let script = Script {
        stages: vec![
            vec![
                Step::Observe,
                refusal::failing(load.clone()),
                load.and("--no-preflight"),
                steps::exec(),
            ],
            // Only a gate that lets it pass gets here.
            vec![Step::Observe],
        ],
    };
    Scenario::new(format!("attacks-acpi-table-{label}"), script, move |run| {
        judge::reset_after(run, 1)?;
        refusal::same_words(run, &initrd, "initrd 0 refused: ")
    })
    .on(Machine::new(label))
}
