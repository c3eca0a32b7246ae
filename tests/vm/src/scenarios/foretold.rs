//! What `baton verify` foretells of the running kernel's answer, beside that answer: for each image of
//! [`judged::TABLE`], on machines that insist on signatures and say why not, that insist and don't, and that don't
//! insist.

use anyhow::{Context, Result, ensure};
use baton_guest::event::Event;
use baton_guest::script::{Expect, Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{self, Boot, Machine, Owner};
use baton_lab::payload::judged::{self, Row, TABLE};
use baton_lab::vm::{Run, judge};
use serde_json::Value;

use crate::scenario::Scenario;

/// The fewest images that must have been judged.
const FEWEST: usize = 40;

pub fn all(labels: &[&str]) -> Vec<Scenario> {
    let mut found = Vec::new();
    for label in labels {
        let machine = || Machine::new(label);
        let secure_boot = Machine {
            owner: Owner::OfJudged,
            ..machine()
        };
        let locked_down = Machine {
            boot: Boot::Bios,
            cmdline: "lockdown=integrity".into(),
            ..machine()
        };
        let lenient = Machine {
            boot: Boot::Bios,
            ..machine()
        };
        for (mode, machine, lockdown) in [
            ("secure-boot", secure_boot, "integrity"),
            ("lockdown", locked_down, "integrity"),
            ("none", lenient, "none"),
        ] {
            let scenario = foretold(&format!("foretold-{mode}-{label}"), lockdown).on(machine);
            // One kernel every day, and all in the long matrix.
            found.push(if *label == MAIN && mode != "lockdown" {
                scenario
            } else {
                scenario.only_in_full()
            });
        }
    }
    found
}

fn foretold(name: &str, lockdown: &'static str) -> Scenario {
    let mut steps = vec![Step::Observe];
    for row in TABLE {
        steps.extend([verify(row), try_load(row)]);
    }
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new(name, script, move |run| {
        judge::done(run, 1)?;
        let seen = judge::observed(run, 1)?.lockdown.as_deref();
        ensure!(seen == Some(lockdown), "lockdown is {seen:?}");
        as_foretold(run)
    })
    .within(900)
}

/// Whatever the verdict is.
fn verify(row: &Row) -> Step {
    let path = judged::path(row);
    let words = format!("/payload/bin/baton verify --json {path} || true");
    Step::Run {
        argv: ["/payload/bin/busybox", "sh", "-c", &words]
            .map(String::from)
            .to_vec(),
        expect: Expect::Success,
    }
}

fn try_load(row: &Row) -> Step {
    Step::TryLoad {
        image: judged::path(row),
        cmdline: machine::cmdline(2),
    }
}

/// Each answer was the one that was foretold just before.
fn as_foretold(run: &Run) -> Result<()> {
    let (mut answer, mut wrong, mut count) = (None, Vec::new(), 0);
    for event in run.transcript.stage(1) {
        match event {
            Event::Ran { output, .. } => answer = Some(kernels_answer(output)?),
            Event::TriedLoad { image, errno } => {
                let answer = answer.take().context("nothing was foretold")?;
                count += 1;
                if foretold_errno(&answer) != Some(i64::from(*errno)) {
                    wrong.push(format!("{image}: {errno}, and not {answer}"));
                }
            }
            _ => {}
        }
    }
    ensure!(
        count == TABLE.len() && count >= FEWEST,
        "{count} were tried"
    );
    ensure!(
        wrong.is_empty(),
        "of {count} answers {} were foretold wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

fn kernels_answer(output: &str) -> Result<Value> {
    let json = output.lines().find(|line| line.starts_with('{'));
    let json = json.with_context(|| format!("no answer: {output}"))?;
    let report: Value = serde_json::from_str(json)?;
    Ok(report["answers"]["kernel"].clone())
}

/// 0: it is loaded. `None` of an answer that can't be told.
fn foretold_errno(answer: &Value) -> Option<i64> {
    match answer["answer"].as_str()? {
        "loads" => Some(0),
        "refuses" => answer["errno_number"].as_i64(),
        _ => None,
    }
}
