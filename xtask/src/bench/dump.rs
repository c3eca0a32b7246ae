//! How soon a dump is written: `baton dump convert` against makedumpfile, of the same vmcore.

mod vmcore;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::median;
use crate::build;
use crate::cache::Cache;
use crate::peers::Peers;

/// What is compared, and with what.
#[derive(Debug, Args)]
pub struct DumpArgs {
    /// A copy of /proc/vmcore; it should fit into memory [default: one of 4 GB is made]
    #[arg(long, value_name = "FILE")]
    vmcore: Option<PathBuf>,
    /// makedumpfile, 1.7.8 or newer [default: it is fetched]
    #[arg(long, value_name = "PROGRAM")]
    makedumpfile: Option<PathBuf>,
    /// Where dumps are written, and removed: memory, so that no disk is measured
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    scratch: PathBuf,
    /// Runs of each kind, in turn
    #[arg(long, value_name = "N", default_value = "5")]
    runs: usize,
}

/// Levels that are compared.
const LEVELS: [&str; 3] = ["0", "1", "31"];
/// Processors that are compared: of one, and of two.
const CPUS: [&str; 2] = ["0", "0,1"];
/// A run that takes so many times as long as the slowest of the ways before it in the same round is ended, and
/// that way isn't tried again: makedumpfile's threads may take a hundred times as long as none.
const TOO_SLOW: u32 = 4;
/// How often a running program is looked at.
const GLANCE: Duration = Duration::from_millis(1);

/// A way to write a dump.
struct Way {
    name: String,
    ours: bool,
    program: Vec<PathBuf>,
    /// Between the program and the vmcore; the level comes after these.
    arguments: Vec<String>,
}

/// What one run took.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    time: Duration,
    /// Of all threads.
    processor: Duration,
    /// The most memory it had at once, in KiB.
    memory: u64,
    /// What it wrote, in bytes.
    size: u64,
    /// It was ended after that time.
    given_up: bool,
}

/// Prints the table.
pub fn run(args: &DumpArgs) -> Result<()> {
    let vmcore = &match &args.vmcore {
        Some(vmcore) => vmcore.clone(),
        None => vmcore::make(&Cache::open()?)?,
    };
    let size = fs::metadata(vmcore)
        .with_context(|| vmcore.display().to_string())?
        .len();
    let baton = build_baton()?;
    let makedumpfile = match &args.makedumpfile {
        Some(program) => vec![program.clone()],
        None => peer()?,
    };
    // From here on it comes from memory.
    std::io::copy(&mut fs::File::open(vmcore)?, &mut std::io::sink())?;
    println!(
        "a vmcore of {:.2} GB, median of {} runs each, in turn:",
        size as f64 / 1e9,
        args.runs
    );
    println!(
        "level  CPUs  way                             time    ratio   CPU time  memory    size"
    );
    for cpus in CPUS {
        for level in LEVELS {
            let ways = ways(&baton, &makedumpfile, cpus);
            let costs = measure(&ways, vmcore, level, cpus, args)?;
            print(&ways, &costs, level, cpus);
        }
    }
    Ok(())
}

fn build_baton() -> Result<PathBuf> {
    let root = build::root()?;
    let status = Command::new(build::cargo())
        .current_dir(&root)
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            "baton",
        ])
        .arg("--target-dir")
        .arg(root.join("target/bench"))
        .env_remove("RUSTFLAGS")
        .status()
        .context("can't start cargo")?;
    ensure!(status.success(), "baton can't be built");
    Ok(root.join("target/bench/release/baton"))
}

/// makedumpfile as it is fetched, by the dynamic linker that comes with it.
fn peer() -> Result<Vec<PathBuf>> {
    let command = Peers::fetch(&Cache::open()?)?.makedumpfile();
    let mut words = vec![PathBuf::from(command.get_program())];
    words.extend(command.get_args().map(PathBuf::from));
    Ok(words)
}

fn ways(baton: &Path, makedumpfile: &[PathBuf], cpus: &str) -> Vec<Way> {
    let ours = |compress: &str| Way {
        name: format!("baton {compress}"),
        ours: true,
        program: vec![baton.to_path_buf()],
        arguments: ["dump", "convert", "--compress", compress, "--level"]
            .map(str::to_owned)
            .to_vec(),
    };
    let theirs = |more: &[&str]| Way {
        name: format!("makedumpfile -z {}", more.join(" ")),
        ours: false,
        program: makedumpfile.to_vec(),
        arguments: [more, &["-z", "-d"]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect(),
    };
    let mut ways = vec![ours("zstd"), ours("zstd:1"), theirs(&[])];
    if cpus.contains(',') {
        // N threads besides the main one, which is busy, too.
        ways.push(theirs(&["--num-threads", "1"]));
    }
    ways
}

fn measure(
    ways: &[Way],
    vmcore: &Path,
    level: &str,
    cpus: &str,
    args: &DumpArgs,
) -> Result<Vec<Vec<Cost>>> {
    let out = args
        .scratch
        .join(format!("baton-bench-{}", std::process::id()));
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); ways.len()];
    for _ in 0..args.runs {
        let mut slowest: Option<Duration> = None;
        for (way, costs) in ways.iter().zip(&mut costs) {
            if costs.last().is_some_and(|cost| cost.given_up) {
                continue;
            }
            let mut command = Command::new("taskset");
            command
                .args(["-c", cpus])
                .args(&way.program)
                .args(&way.arguments)
                .arg(level)
                .arg(vmcore)
                .arg(&out);
            let cost = cost(&mut command, &out, slowest.map(|time| time * TOO_SLOW));
            let _ = fs::remove_file(&out);
            let cost = cost.with_context(|| way.name.clone())?;
            slowest = slowest.max(Some(cost.time));
            costs.push(cost);
        }
    }
    Ok(costs)
}

/// Runs a program to its end, or to a limit.
fn cost(command: &mut Command, out: &Path, limit: Option<Duration>) -> Result<Cost> {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let begin = Instant::now();
    let mut child = command.spawn().context("can't start taskset")?;
    let mut cost = Cost::default();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if limit.is_some_and(|limit| begin.elapsed() > limit) {
            child.kill()?;
            child.wait()?;
            cost.time = begin.elapsed();
            cost.given_up = true;
            return Ok(cost);
        }
        glance(&child, &mut cost);
        thread::sleep(GLANCE);
    };
    cost.time = begin.elapsed();
    if !status.success() {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            std::io::Read::read_to_string(&mut stderr, &mut said)?;
        }
        anyhow::bail!("failed: {said}");
    }
    cost.size = fs::metadata(out)?.len();
    Ok(cost)
}

/// What the kernel counts of it so far (proc_pid_status(5), proc_pid_stat(5)).
fn glance(child: &Child, cost: &mut Cost) {
    let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", child.id()));
    if let Ok(status) = read("status") {
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let most = most.and_then(|it| it.split_whitespace().next()?.parse().ok());
        cost.memory = cost.memory.max(most.unwrap_or(0));
    }
    if let Ok(stat) = read("stat") {
        // After the name in parentheses: utime and stime are the 12th and 13th, in hundredths.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|it| it.parse::<u64>().ok()).sum();
        cost.processor = cost.processor.max(Duration::from_millis(10 * ticks));
    }
}

fn print(ways: &[Way], costs: &[Vec<Cost>], level: &str, cpus: &str) {
    let of = |costs: &[Cost], part: fn(&Cost) -> Duration| {
        median(&costs.iter().map(part).collect::<Vec<_>>())
    };
    let times: Vec<_> = costs.iter().map(|it| of(it, |it| it.time)).collect();
    let best = ways.iter().zip(&times).filter(|(way, _)| !way.ours);
    let best = best.map(|(_, time)| *time).min().unwrap_or_default();
    for ((way, costs), time) in ways.iter().zip(costs).zip(&times) {
        if costs.iter().any(|cost| cost.given_up) {
            println!(
                "{level:>5}  {:>4}  {:<30} over {:.0} s: ended",
                cpus.split(',').count(),
                way.name,
                time.as_secs_f64().floor()
            );
            continue;
        }
        println!(
            "{level:>5}  {:>4}  {:<30} {:>6.2} s  {:>5.2}  {:>7.2} s  {:>5.1} MB  {:>5.1} MB",
            cpus.split(',').count(),
            way.name,
            time.as_secs_f64(),
            time.as_secs_f64() / best.as_secs_f64(),
            of(costs, |it| it.processor).as_secs_f64(),
            costs.iter().map(|it| it.memory).max().unwrap_or(0) as f64 / 1024.0,
            costs.first().map_or(0, |it| it.size) as f64 / 1e6,
        );
    }
}
