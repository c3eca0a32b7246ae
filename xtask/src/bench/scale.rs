//! How cost grows with memory: `cargo xtask bench scale` writes a dump of machines with ever more of it,
//! each twice as much as the one before, by `baton dump convert` and by makedumpfile, on one processor.
//!
//! The machines are made up (`vmcore`): there is no need for so much memory, and what should be in a dump
//! is known, and checked. `--plot FILE` also draws the table as SVG; docs/dump-scale.svg is such a plot.
//!
//! A core of N GiB takes N/4 GiB of the disk while it is measured. No disk is measured if this machine has
//! 9/8 N GiB of memory to spare, for the core and for a dump.

mod check;
mod plot;
mod vmcore;

use fs_err as fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use self::plot::{Chart, Line};
use self::vmcore::Vmcore;
use super::cost::{CostArgs, Costs, Job, Programs, Way};
use crate::build;

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
    /// With `scale`: draw the figures here, too, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Levels that are compared: all that can be left out, and nothing but zeros.
const LEVELS: [&str; 2] = ["31", "1"];
/// The one processor.
const CPU: &str = "0";
/// Runs, if it isn't said how many.
const RUNS: u16 = 3;

/// What the runs of one way took, of one size and level.
struct Measured {
    gib: u32,
    level: &'static str,
    way: String,
    ours: bool,
    costs: Costs,
}

/// Prints the table, and draws it if asked to.
pub fn run(args: &ScaleArgs, cost: &CostArgs) -> Result<()> {
    let programs = cost.programs()?;
    let ways = [programs.ours("zstd"), programs.theirs(&[])];
    println!(
        "made-up vmcores, median of {} runs each, in turn, on one CPU:",
        cost.runs(RUNS)
    );
    println!("  GiB  level  way                  time     per GiB  ratio     memory       size");
    let mut all = Vec::new();
    for gib in &args.sizes {
        all.extend(measure(*gib, &programs, &ways, cost)?);
    }
    if let Some(path) = &args.plot {
        fs::write(path, plot::draw(&charts(&all))).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn measure(gib: u32, programs: &Programs, ways: &[Way], cost: &CostArgs) -> Result<Vec<Measured>> {
    let path = build::root()?.join(format!("target/bench-{gib}g.vmcore"));
    let vmcore = Vmcore::write(&path, u64::from(gib) << 30)?;
    vmcore.settle()?;
    let job = |level| Job {
        vmcore: vmcore.path(),
        level,
        cpus: CPU,
        out: cost.out(),
    };
    // These also have all of it read once, from the disk.
    check::dumps(&job("1"), programs, ways, vmcore.pages())?;
    check::dumps(&job("31"), programs, ways, vmcore.kernel_pages())?;
    let mut all = Vec::new();
    for level in LEVELS {
        let costs = job(level).measure(ways, cost.runs(RUNS))?;
        print(gib, level, ways, &costs);
        all.extend(ways.iter().zip(costs).map(|(way, costs)| Measured {
            gib,
            level,
            way: way.name.clone(),
            ours: way.ours,
            costs,
        }));
    }
    Ok(all)
}

fn print(gib: u32, level: &str, ways: &[Way], costs: &[Costs]) {
    let theirs = ways.iter().zip(costs).find(|(way, _)| !way.ours);
    let theirs = theirs.map_or(0.0, |(_, costs)| costs.time().as_secs_f64());
    for (way, costs) in ways.iter().zip(costs) {
        let time = costs.time().as_secs_f64();
        println!(
            "{gib:>5}  {level:>5}  {:<16} {time:>6.2} s  {:>8.3} s  {:>5.2}  {:>5.1} MiB  {:>6.1} MB",
            way.name,
            time / f64::from(gib),
            time / theirs,
            mebibytes(costs),
            costs.size() as f64 / 1e6,
        );
    }
}

fn charts(all: &[Measured]) -> [Chart; 2] {
    [
        Chart {
            title: "time, in seconds",
            lines: lines(all, |costs| costs.time().as_secs_f64()),
        },
        Chart {
            title: "peak memory, in MiB",
            lines: lines(all, mebibytes),
        },
    ]
}

/// A line for each way and level, in the order in which they were measured.
fn lines(all: &[Measured], value: fn(&Costs) -> f64) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for measured in all {
        let name = format!("{}, level {}", measured.way, measured.level);
        let point = (f64::from(measured.gib), value(&measured.costs));
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => lines.push(Line {
                name,
                colour: if measured.ours { "#1f77b4" } else { "#d95f02" },
                dashed: measured.level != LEVELS[0],
                points: vec![point],
            }),
        }
    }
    lines
}

fn mebibytes(costs: &Costs) -> f64 {
    costs.memory() as f64 / f64::from(1 << 20)
}
