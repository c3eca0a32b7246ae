//! Runs scenarios, several at once, and says of each how it went.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use baton_lab::setup::Lab;
use baton_lab::vm;

use crate::scenario::Scenario;

/// Lines of the console shown of a failed scenario.
const TAIL: usize = 25;

/// Characters shown of each: observations are long.
const WIDTH: usize = 180;

/// Memory that a virtual machine takes besides its guest's, in MiB.
const OVERHEAD_MIB: u64 = 300;

/// Runs them all; an error when one failed.
pub fn run(lab: &Lab, scenarios: Vec<Scenario>, jobs: Option<usize>) -> Result<()> {
    let count = scenarios.len();
    if count == 0 {
        bail!("no scenario of that name: see cargo xtask vm --list");
    }
    let jobs = jobs.unwrap_or_else(default_jobs).clamp(1, count);
    let largest = scenarios
        .iter()
        .map(|s| s.machine.memory_mib)
        .max()
        .unwrap_or(0)
        + OVERHEAD_MIB;
    let jobs = jobs.min(usize::try_from(free_mib() / largest)?.max(1));
    let begun = Instant::now();
    // The longest first, so that none is left running alone at the end.
    let mut queue: Vec<Scenario> = scenarios;
    queue.sort_by_key(|s| std::cmp::Reverse(s.until.limit));
    let queue = Mutex::new(VecDeque::from(queue));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(scenario) = queue.lock().ok().and_then(|mut q| q.pop_front()) {
                    if !run_one(lab, &scenario) {
                        failed.lock().map(|mut f| f.push(scenario.name)).ok();
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    println!(
        "{} of {count} scenarios passed in {}",
        count - failed.len(),
        seconds(begun.elapsed())
    );
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(" "));
    }
    Ok(())
}

fn run_one(lab: &Lab, scenario: &Scenario) -> bool {
    let begun = Instant::now();
    let outcome = attempt(lab, scenario);
    let took = seconds(begun.elapsed());
    match &outcome {
        Ok(()) => println!("ok   {:<32} {took:>8}", scenario.name),
        Err(error) => {
            let directory = lab.work.join("runs").join(&scenario.name);
            let tail = fs::read_to_string(directory.join("console.txt"))
                .map(|log| tail(&log))
                .unwrap_or_default();
            println!(
                "FAIL {:<32} {took:>8}\n     {error:#}\n{tail}     console: {}",
                scenario.name,
                directory.join("console.txt").display()
            );
        }
    }
    outcome.is_ok()
}

fn attempt(lab: &Lab, scenario: &Scenario) -> Result<()> {
    if scenario.ours {
        lab.needs_gate()?;
    }
    let directory = lab.work.join("runs").join(&scenario.name);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    if let Some(session) = &scenario.session {
        fs::create_dir_all(&directory)?;
        return session(lab, &directory, scenario.until.limit);
    }
    let run = vm::run(
        lab,
        &scenario.machine,
        &scenario.script,
        &directory,
        scenario.until,
        &mut |_, _| {},
    )?;
    let verdict = (scenario.judge)(&run);
    fs::write(directory.join("console.txt"), run.transcript.to_text())
        .context("writing the console's log")?;
    verdict?;
    let examine = scenario.examine.as_ref();
    examine.map_or(Ok(()), |examine| examine(lab, &directory))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(TAIL);
    lines
        .iter()
        .skip(from)
        .map(|line| format!("     | {}\n", line.chars().take(WIDTH).collect::<String>()))
        .collect()
}

/// One virtual machine per processor.
fn default_jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn free_mib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    line.and_then(|l| l.split_whitespace().next())
        .and_then(|n| n.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
