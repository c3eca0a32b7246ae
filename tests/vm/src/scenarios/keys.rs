//! Whom a machine trusts, as `baton` says and as its kernel does; and a key that `baton keys new` made, by which shim's list
//! leads the kernel to the gate and the gate to the next kernel.

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{Machine, Owner};
use baton_lab::payload::{own_key, steps};
use baton_lab::vm::{Run, judge};
use serde_json::Value;

use crate::scenario::Scenario;

const BATON: &str = "/payload/bin/baton";
const GATE: &str = "/payload/gate/own-key.efi";
const BUSYBOX: &str = "/payload/bin/busybox";

/// The list and what doctor finds, of a machine on which such a key is enrolled; then through the gate that it signed.
pub fn made_by_baton() -> Scenario {
    let kernel = format!("/payload/kernels/{MAIN}/own-key.efi");
    let log = format!("{BUSYBOX} dmesg | {BUSYBOX} grep 'Loaded X.509 cert'");
    let script = Script {
        stages: vec![
            vec![
                Step::Observe,
                Step::run(&format!("{BUSYBOX} sh -c")).and(log),
                Step::run(&format!("{BATON} keys list --json --gate {GATE}")),
                Step::run(&format!(
                    "{BATON} keys show /payload/own-key.pem --gate {GATE}"
                )),
                Step::run(&format!("{BATON} doctor load --json --gate {GATE}")),
                steps::load("own-key", &kernel, MAIN, 2),
                steps::exec(),
            ],
            vec![Step::Observe],
        ],
    };
    let machine = Machine {
        owner: Owner::OwnKey,
        ..Machine::new(MAIN)
    };
    Scenario::new("keys-made-by-baton", script, |run| {
        judge::done(run, 2)?;
        judge::locked_down(run, 1)?;
        lists_what_the_kernel_loaded(run)?;
        tells_the_key_is_good(run)?;
        judge::locked_down(run, 2)?;
        judge::console_says(run, &format!("verified by \"{}\"", own_key::NAME))
    })
    .on(machine)
    .within(240)
}

fn json(run: &Run, word: &str) -> Result<Value> {
    let said = judge::said(run, 1, word)?;
    serde_json::from_str(said).with_context(|| format!("{word}: {said}"))
}

/// The ID of a certificate that the kernel says it loaded: `Loaded X.509 cert 'NAME: ID'`. It leaves out one leading zero
/// byte, as `baton` does when it compares.
fn loaded(line: &str) -> Option<&str> {
    let (_, id) = line.trim().strip_suffix('\'')?.rsplit_once(": ")?;
    Some(id.strip_prefix("00").unwrap_or(id))
}

/// Each certificate that the kernel says it loaded is listed as one that counts for it, and no other is.
fn lists_what_the_kernel_loaded(run: &Run) -> Result<()> {
    let list = json(run, "list")?;
    let trusted = list["trusted"].as_array().context("no list")?;
    let counting = trusted
        .iter()
        .filter(|it| it["counts_for"]["kernel"] == true);
    let mut listed: Vec<&str> = counting.filter_map(|it| it["id"].as_str()).collect();
    listed
        .iter_mut()
        .for_each(|id| *id = id.strip_prefix("00").unwrap_or(id));
    let said = judge::said(run, 1, "sh")?;
    let mut loaded: Vec<&str> = said.lines().filter_map(loaded).collect();
    listed.sort_unstable();
    loaded.sort_unstable();
    loaded.dedup();
    ensure!(
        loaded.len() > 3,
        "the kernel says of few that it loaded them: {said}"
    );
    ensure!(listed == loaded, "listed {listed:?}, and loaded {loaded:?}");
    Ok(())
}

fn tells_the_key_is_good(run: &Run) -> Result<()> {
    let shown = judge::said(run, 1, "show")?;
    for words in [
        own_key::NAME,
        "direct kexec, the gate, shim",
        "counts for: kernel, gate, shim",
    ] {
        ensure!(shown.contains(words), "{words}: {shown}");
    }
    let found = json(run, "doctor")?;
    let findings = found["findings"].as_array().context("no findings")?;
    let gate = findings.iter().find(|it| it["code"] == "gate");
    let gate = gate.with_context(|| found.to_string())?;
    ensure!(gate["level"] == "ok", "{gate}");
    Ok(())
}
