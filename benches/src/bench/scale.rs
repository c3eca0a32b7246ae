//! How cost grows with memory: `cargo xtask bench scale` writes a dump of machines with ever more of it,
//! each twice as much as the one before, by `baton dump convert` and by makedumpfile, on one processor.
//!
//! The machines are made up (`vmcore`): there is no need for so much memory, and what should be in a dump
//! is known, and checked.
//!
//! Machines of TiB are mostly free, and written by Baton alone at level 31: it is their size that is tried, not what is
//! in them.
//!
//! A core of N GiB takes N/4 GiB of the disk while it is measured. No disk is measured if this machine has
//! 9/8 N GiB of memory to spare, for the core and for a dump.

mod check;
mod vmcore;

use anyhow::Result;
use clap::Args;

use self::vmcore::Vmcore;
use super::cost::{Contender, CostArgs, Costs, Job, Programs};

/// What is measured.
#[derive(Debug, Args)]
pub struct ScaleArgs {
    /// With `scale`: how many GiB of memory the machines have, up to 32
    #[arg(
        long,
        value_name = "GIB",
        value_delimiter = ',',
        default_value = "1,2,4,8,16",
        value_parser = clap::value_parser!(u32).range(1..=32)
    )]
    sizes: Vec<u32>,
    /// With `scale`: how many TiB of memory the machines have that are mostly free, up to 15
    #[arg(
        long,
        value_name = "TIB",
        value_delimiter = ',',
        default_value = "1,4,12",
        value_parser = clap::value_parser!(u32).range(1..=15)
    )]
    mostly_free: Vec<u32>,
}

/// Levels that are compared: all that can be left out, and nothing but zeros.
const LEVELS: [&str; 2] = ["31", "1"];
/// The one processor.
const CPU: &str = "0";
/// Runs, if it isn't said how many.
const RUNS: u16 = 3;

/// Prints the table.
pub fn run(args: &ScaleArgs, cost: &CostArgs) -> Result<()> {
    let programs = cost.programs()?;
    let contenders = [programs.ours("zstd"), programs.theirs(&[])];
    println!(
        "made-up vmcores, median of {} runs each, in turn, on one CPU:",
        cost.runs(RUNS)
    );
    println!("  GiB  level  way                  time     per GiB  ratio     memory       size");
    for gib in &args.sizes {
        measure(*gib, &programs, &contenders, cost)?;
    }
    println!("mostly free, level 31:");
    println!("  TiB  way                  time     per TiB     memory       size");
    for tib in &args.mostly_free {
        measure_mostly_free(*tib, &programs, cost)?;
    }
    Ok(())
}

fn measure_mostly_free(tib: u32, programs: &Programs, cost: &CostArgs) -> Result<()> {
    let path = baton_xtask::root()?.join(format!("target/bench-{tib}t.vmcore"));
    let vmcore = Vmcore::write_mostly_free(&path, u64::from(tib) << 40)?;
    vmcore.settle()?;
    let contenders = [programs.ours("zstd")];
    let job = Job {
        vmcore: vmcore.path(),
        level: "31",
        cpus: CPU,
        out: cost.out(),
    };
    check::dumps(&job, programs, &contenders, vmcore.kernel_pages())?;
    let costs = job.measure(&contenders, cost.runs(RUNS))?;
    for (contender, costs) in contenders.iter().zip(&costs) {
        let time = costs.time().as_secs_f64();
        println!(
            "{tib:>5}  {:<16} {time:>6.2} s  {:>8.3} s  {:>5.1} MiB  {:>6.1} MB",
            contender.name,
            time / f64::from(tib),
            mebibytes(costs),
            costs.size() as f64 / 1e6,
        );
    }
    Ok(())
}

fn measure(gib: u32, programs: &Programs, contenders: &[Contender], cost: &CostArgs) -> Result<()> {
    let path = baton_xtask::root()?.join(format!("target/bench-{gib}g.vmcore"));
    let vmcore = Vmcore::write(&path, u64::from(gib) << 30)?;
    vmcore.settle()?;
    let job = |level| Job {
        vmcore: vmcore.path(),
        level,
        cpus: CPU,
        out: cost.out(),
    };
    // These also have all of it read once, from the disk.
    check::dumps(&job("1"), programs, contenders, vmcore.pages())?;
    check::dumps(&job("31"), programs, contenders, vmcore.kernel_pages())?;
    for level in LEVELS {
        let costs = job(level).measure(contenders, cost.runs(RUNS))?;
        print(gib, level, contenders, &costs);
    }
    Ok(())
}

fn print(gib: u32, level: &str, contenders: &[Contender], costs: &[Costs]) {
    let theirs = contenders
        .iter()
        .zip(costs)
        .find(|(contender, _)| !contender.ours);
    let theirs = theirs.map_or(0.0, |(_, costs)| costs.time().as_secs_f64());
    for (contender, costs) in contenders.iter().zip(costs) {
        let time = costs.time().as_secs_f64();
        println!(
            "{gib:>5}  {level:>5}  {:<16} {time:>6.2} s  {:>8.3} s  {:>5.2}  {:>5.1} MiB  {:>6.1} MB",
            contender.name,
            time / f64::from(gib),
            time / theirs,
            mebibytes(costs),
            costs.size() as f64 / 1e6,
        );
    }
}

fn mebibytes(costs: &Costs) -> f64 {
    costs.memory() as f64 / f64::from(1 << 20)
}
