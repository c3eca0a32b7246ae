//! How soon a dump is written: `baton dump convert` against makedumpfile, of the same vmcore.

mod vmcore;

use fs_err as fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use baton_lab::fetch::cache::Cache;
use clap::Args;

use super::cost::{Contender, CostArgs, Costs, Job, Programs};

/// What is compared.
#[derive(Debug, Args)]
pub struct DumpArgs {
    /// A copy of /proc/vmcore; it should fit into memory [default: one of 4 GB is made]
    #[arg(long, value_name = "FILE")]
    vmcore: Option<PathBuf>,
}

/// Levels that are compared.
const LEVELS: [&str; 3] = ["0", "1", "31"];
/// Processors that are compared: of one, and of two.
const CPUS: [&str; 2] = ["0", "0,1"];
/// Runs, if it isn't said how many.
const RUNS: u16 = 5;

/// Prints the table.
pub fn run(args: &DumpArgs, cost: &CostArgs) -> Result<()> {
    let vmcore = &match &args.vmcore {
        Some(vmcore) => vmcore.clone(),
        None => vmcore::make(&Cache::open()?)?,
    };
    let size = fs::metadata(vmcore)
        .with_context(|| vmcore.display().to_string())?
        .len();
    let programs = cost.programs()?;
    let runs = cost.runs(RUNS);
    // From here on it comes from memory.
    std::io::copy(&mut fs::File::open(vmcore)?, &mut std::io::sink())?;
    println!(
        "a vmcore of {:.2} GB, median of {runs} runs each, in turn:",
        size as f64 / 1e9,
    );
    println!(
        "level  CPUs  way                             time    ratio   CPU time  memory    size"
    );
    for cpus in CPUS {
        for level in LEVELS {
            let contenders = contenders(&programs, cpus);
            let job = Job {
                vmcore,
                level,
                cpus,
                out: cost.out(),
            };
            print(&contenders, &job.measure(&contenders, runs)?, level, cpus);
        }
    }
    Ok(())
}

fn contenders(programs: &Programs, cpus: &str) -> Vec<Contender> {
    let mut contenders = vec![
        programs.ours("zstd"),
        programs.ours("zstd:1"),
        programs.theirs(&[]),
    ];
    if cpus.contains(',') {
        // N threads besides the main one, which is busy, too.
        contenders.push(programs.theirs(&["--num-threads", "1"]));
    }
    contenders
}

fn print(contenders: &[Contender], costs: &[Costs], level: &str, cpus: &str) {
    let theirs = contenders
        .iter()
        .zip(costs)
        .filter(|(contender, _)| !contender.ours);
    let best = theirs.map(|(_, costs)| costs.time()).min();
    let best = best.unwrap_or_default().as_secs_f64();
    for (contender, costs) in contenders.iter().zip(costs) {
        let time = costs.time().as_secs_f64();
        if costs.given_up() {
            println!(
                "{level:>5}  {:>4}  {:<30} ended after {time:.0} s",
                cpus.split(',').count(),
                contender.name,
            );
            continue;
        }
        println!(
            "{level:>5}  {:>4}  {:<30} {time:>6.2} s  {:>5.2}  {:>7.2} s  {:>5.1} MB  {:>5.1} MB",
            cpus.split(',').count(),
            contender.name,
            time / best,
            costs.processor().as_secs_f64(),
            costs.memory() as f64 / f64::from(1 << 20),
            costs.size() as f64 / 1e6,
        );
    }
}
