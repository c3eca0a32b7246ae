//! What programs that write dumps take, run in turn on the same processors.

use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use baton_lab::fetch::cache::Cache;
use baton_lab::fetch::peers::Peers;
use clap::Args;

use super::{median, process};

/// With what dumps are written, and how often.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// makedumpfile, 1.7.8 or newer [default: it is fetched]
    #[arg(long, value_name = "PROGRAM")]
    makedumpfile: Option<PathBuf>,
    /// Where dumps are written, and removed: memory, so that no disk is measured
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    scratch: PathBuf,
    /// Runs of each kind of dump, in turn [default: 5; of `scale`, 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    runs: Option<u16>,
}

impl CostArgs {
    /// How often each contender is run.
    pub fn runs(&self, otherwise: u16) -> u16 {
        self.runs.unwrap_or(otherwise)
    }

    /// Where a dump is written.
    pub fn out(&self) -> PathBuf {
        self.scratch
            .join(format!("baton-bench-{}", std::process::id()))
    }

    /// Builds and fetches what is compared.
    pub fn programs(&self) -> Result<Programs> {
        Ok(Programs {
            baton: build_baton()?,
            makedumpfile: match &self.makedumpfile {
                Some(program) => vec![program.clone()],
                None => peer()?,
            },
        })
    }
}

/// What is compared.
pub struct Programs {
    /// Ours.
    pub baton: PathBuf,
    /// The other one, with arguments of its own before any others.
    makedumpfile: Vec<PathBuf>,
}

impl Programs {
    /// By `baton dump convert`, with such a codec.
    pub fn ours(&self, compress: &str) -> Contender {
        Contender {
            name: format!("baton {compress}"),
            ours: true,
            program: vec![self.baton.clone()],
            arguments: ["dump", "convert", "--compress", compress, "--level"]
                .map(str::to_owned)
                .to_vec(),
        }
    }

    /// By makedumpfile with zstd, and with more arguments.
    pub fn theirs(&self, more: &[&str]) -> Contender {
        Contender {
            name: [&["makedumpfile", "-z"], more].concat().join(" "),
            ours: false,
            program: self.makedumpfile.clone(),
            arguments: [more, &["-z", "-d"]]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// A program, with its arguments, that writes a dump.
pub struct Contender {
    /// How it's shown.
    pub name: String,
    /// Whether it's Baton's.
    pub ours: bool,
    program: Vec<PathBuf>,
    /// Between the program and the vmcore; the level comes after these.
    arguments: Vec<String>,
}

/// A run that takes so many times as long as the slowest of the contenders before it in the same round is ended, and
/// that contender isn't tried again: makedumpfile's threads may take a hundred times as long as none.
const TOO_SLOW: u32 = 4;
/// How often a running program is looked at.
const GLANCE: Duration = Duration::from_millis(1);

/// What one run took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// From its start to its end.
    pub time: Duration,
    /// Of all threads.
    pub processor: Duration,
    /// The most memory it had at once, in KiB.
    pub memory: u64,
    /// What it wrote, in bytes.
    pub size: u64,
    /// It was ended after that time.
    pub given_up: bool,
}

/// What several runs took.
#[derive(Debug, Clone, Default)]
pub struct Costs(Vec<Cost>);

impl Costs {
    /// The median time.
    pub fn time(&self) -> Duration {
        self.median(|it| it.time)
    }

    /// The median of the processors' time.
    pub fn processor(&self) -> Duration {
        self.median(|it| it.processor)
    }

    /// The most memory that any had, in bytes.
    pub fn memory(&self) -> u64 {
        1024 * self.0.iter().map(|it| it.memory).max().unwrap_or(0)
    }

    /// What the first one wrote, in bytes.
    pub fn size(&self) -> u64 {
        self.0.first().map_or(0, |it| it.size)
    }

    /// Whether it took too long to be worth waiting for.
    pub fn given_up(&self) -> bool {
        self.0.iter().any(|it| it.given_up)
    }

    fn median(&self, part: fn(&Cost) -> Duration) -> Duration {
        median(&self.0.iter().map(part).collect::<Vec<_>>())
    }
}

/// A dump to be written.
pub struct Job<'a> {
    /// What it's made of.
    pub vmcore: &'a Path,
    /// makedumpfile's dump level.
    pub level: &'a str,
    /// The processors that may be used, as taskset takes them.
    pub cpus: &'a str,
    /// Where it's written; it is removed.
    pub out: PathBuf,
}

impl Job<'_> {
    /// Writes it with each contender, `runs` times, in turn.
    pub fn measure(&self, contenders: &[Contender], runs: u16) -> Result<Vec<Costs>> {
        let mut costs = vec![Costs::default(); contenders.len()];
        for _ in 0..runs {
            let mut slowest: Option<Duration> = None;
            for (contender, costs) in contenders.iter().zip(&mut costs) {
                if costs.given_up() {
                    continue;
                }
                let limit = slowest.map(|time| time * TOO_SLOW);
                let cost = cost(&mut self.command(contender), &self.out, limit);
                let _ = fs::remove_file(&self.out);
                let cost = cost.with_context(|| contender.name.clone())?;
                slowest = slowest.max(Some(cost.time));
                costs.0.push(cost);
            }
        }
        Ok(costs)
    }

    /// What writes it.
    pub fn command(&self, contender: &Contender) -> Command {
        let mut command = Command::new("taskset");
        command
            .args(["-c", self.cpus])
            .args(&contender.program)
            .args(&contender.arguments)
            .arg(self.level)
            .arg(self.vmcore)
            .arg(&self.out);
        command
    }
}

/// `baton` as it is released.
pub fn build_baton() -> Result<PathBuf> {
    let root = baton_xtask::root()?;
    let status = Command::new(baton_xtask::cargo())
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
        cost.memory = cost.memory.max(process::most_memory(&child).unwrap_or(0));
        // Of a program that has just ended there is no more to be read.
        let processor = process::processor_time(&child).unwrap_or_default();
        cost.processor = cost.processor.max(processor);
        thread::sleep(GLANCE);
    };
    cost.time = begin.elapsed();
    if !status.success() {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            std::io::Read::read_to_string(&mut stderr, &mut said)?;
        }
        bail!("failed: {said}");
    }
    cost.size = fs::metadata(out)?.len();
    Ok(cost)
}
