//! Whether the dumps are what they should be: figures of others would say nothing.

use fs_err as fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use baton_lab::exec;
use serde::Deserialize;

use super::vmcore::MESSAGE;
use crate::bench::cost::{Contender, Job, Programs};

/// Of `baton dump info --json`.
#[derive(Deserialize)]
struct Info {
    complete: bool,
    memory: Pages,
}

#[derive(Deserialize)]
struct Pages {
    dumped: u64,
}

/// Of `baton dump convert --json`.
#[derive(Deserialize)]
struct Summary {
    doubts: Vec<Doubt>,
}

#[derive(Debug, Deserialize)]
struct Doubt {
    doubt: String,
}

/// The one doubt that there must be: a machine that is made up has no kernel whose symbols tell of its CPUs' lists.
const WITHOUT_A_KERNEL: &str = "cpus-untold";

/// Writes a dump with each contender, which must have so many pages, and leave no doubt.
pub fn dumps(
    job: &Job<'_>,
    programs: &Programs,
    contenders: &[Contender],
    pages: u64,
) -> Result<()> {
    for contender in contenders {
        let checked = dump(job, programs, contender, pages);
        let _ = fs::remove_file(&job.out);
        checked.with_context(|| format!("{} at level {}", contender.name, job.level))?;
    }
    Ok(())
}

fn dump(job: &Job<'_>, programs: &Programs, contender: &Contender, pages: u64) -> Result<()> {
    let mut command = job.command(contender);
    if contender.ours {
        let said = exec::output(command.arg("--json"))?;
        let summary: Summary = serde_json::from_str(&said).context(said)?;
        let mut doubts = summary.doubts;
        doubts.retain(|it| it.doubt != WITHOUT_A_KERNEL);
        ensure!(doubts.is_empty(), "the filter doubts: {doubts:?}");
    } else {
        exec::run(&mut command)?;
    }
    let mut info = Command::new(&programs.baton);
    let said = exec::output(info.args(["dump", "info", "--json"]).arg(&job.out))?;
    let info: Info = serde_json::from_str(&said).context(said)?;
    ensure!(info.complete, "the dump is incomplete");
    let mut dmesg = Command::new(&programs.baton);
    let said = exec::output(dmesg.args(["dump", "dmesg"]).arg(&job.out))?;
    ensure!(said.contains(MESSAGE), "the dump lacks the log: {said}");
    ensure!(
        info.memory.dumped == pages,
        "the dump has {} pages, and should have {pages}",
        info.memory.dumped
    );
    Ok(())
}
