//! Captured crashes of one installation: by Baton, and by Debian's kdump-tools as its packages configure it.

mod dump;
mod guest;
mod search;
mod system;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::guest::{Errand, Guest, MEMORY_MIB};
use self::system::System;
use super::{median, spread};
use crate::cache::Cache;
use crate::peers::Peers;
use crate::{build, kvm, lab};

/// Crashes of each kind that are timed, in turn.
const CRASHES: usize = 3;

/// What is reserved for those.
const PLENTY_MIB: u64 = 256;

/// How finely the smallest reservation is looked for.
const STEP_MIB: u64 = 8;

/// What Baton should take of kdump-tools' time and memory.
const GOAL: f64 = 0.5;

/// Where `init_size` is in a bzImage (Documentation/arch/x86/boot.rst): the memory that the kernel needs
/// before it knows of any, whoever loads it.
const INIT_SIZE: usize = 0x260;

/// Both, in the order in which they are shown.
const SIDES: [Errand; 2] = [Errand::KdumpTools, Errand::Baton];

/// Measures both and prints the table.
pub fn run() -> Result<()> {
    let (packages, _) = lab::fetch()?;
    let cache = Cache::open()?;
    let root = build::root()?;
    let work = root.join("target/crash-figures");
    fs::create_dir_all(&work)?;
    let kvm = kvm::works(&cache, &packages)?;
    let bench = Bench {
        system: System::make(&cache, &root, &work, kvm)?,
        peers: packages.peers,
        work,
        kvm,
    };
    let crashes = bench.timed()?;
    let least = [bench.least(SIDES[0])?, bench.least(SIDES[1])?];
    bench.print(&crashes, least)
}

struct Bench {
    system: System,
    peers: Peers,
    work: PathBuf,
    kvm: bool,
}

/// A crash that was captured.
struct Captured {
    took: Duration,
    size: u64,
}

impl Bench {
    /// The same crash, captured by one and the other in turn.
    fn timed(&self) -> Result<[Vec<Captured>; 2]> {
        let mut all = [Vec::new(), Vec::new()];
        for _ in 0..CRASHES {
            for (side, into) in SIDES.into_iter().zip(&mut all) {
                let captured = self.crash(side, PLENTY_MIB)?;
                into.push(captured.map_err(|why| {
                    why.context(format!(
                        "{} captured no crash with crashkernel={PLENTY_MIB}M: see {}",
                        name(side),
                        self.folder(side, PLENTY_MIB).display()
                    ))
                })?);
            }
        }
        Ok(all)
    }

    /// The smallest reservation with which a crash is captured, in MiB.
    fn least(&self, side: Errand) -> Result<u64> {
        search::least(STEP_MIB, PLENTY_MIB, |reserved| {
            Ok(self.crash(side, reserved)?.is_ok())
        })
    }

    fn folder(&self, side: Errand, reserved_mib: u64) -> PathBuf {
        self.work.join(format!("{side:?}-{reserved_mib}"))
    }

    /// One crash. The inner error says why it wasn't captured; the outer that it couldn't be tried.
    fn crash(&self, side: Errand, reserved_mib: u64) -> Result<Result<Captured>> {
        let folder = self.folder(side, reserved_mib);
        fs::create_dir_all(&folder)?;
        let disk = folder.join("disk");
        system::copy(&self.system.disk, &disk)?;
        let guest = Guest {
            kernel: &self.system.kernel,
            disk: &disk,
            errand: side,
            reserved_mib,
            kvm: self.kvm,
        };
        let run = guest.run(&folder)?;
        if !run.transcript.says(guest::PANIC) {
            bail!("the machine didn't crash: see {}", folder.display());
        }
        let captured = run
            .since_panic()
            .context("the machine didn't reset itself in time")
            .and_then(|took| {
                let size = dump::examine(&self.peers, &disk, &folder)?;
                Ok(Captured { took, size })
            });
        fs::remove_file(disk)?;
        say(side, reserved_mib, &captured);
        Ok(captured)
    }

    fn print(&self, crashes: &[Vec<Captured>; 2], least: [u64; 2]) -> Result<()> {
        let times = |side: usize| crashes[side].iter().map(|c| c.took).collect::<Vec<_>>();
        let size = |side: usize| {
            crashes[side]
                .iter()
                .map(|c| c.size)
                .max()
                .unwrap_or_default()
        };
        let times = [times(0), times(1)];
        let [release, version] = &self.system.versions;
        println!(
            "\ncrashes by sysrq-c of Debian 12 with Linux {release}, in a virtual machine ({}; one processor, \
             {MEMORY_MIB} MiB, NVMe, dumps onto its ext4 root file system):\n",
            how(self.kvm)
        );
        println!("| | kdump-tools {version} | Baton | ratio | goal |\n|---|---|---|---|---|");
        let row = |what: &str, theirs: String, ours: String, ratio: f64, goal: &str| {
            println!("| {what} | {theirs} | {ours} | {ratio:.2} | {goal} |");
        };
        let goal = format!("≤ {GOAL}");
        row(
            "smallest `crashkernel=`",
            format!("{} MiB", least[0]),
            format!("{} MiB", least[1]),
            ratio(least[1], least[0]),
            &goal,
        );
        row(
            "from the panic to the reset after the dump",
            spread(&times[0]),
            spread(&times[1]),
            median(&times[1]).as_secs_f64() / median(&times[0]).as_secs_f64(),
            &goal,
        );
        row(
            "size of the dump",
            format!("{} KiB", size(0) >> 10),
            format!("{} KiB", size(1) >> 10),
            ratio(size(1), size(0)),
            "",
        );
        println!(
            "\nThe kernel's image alone needs {:.1} MiB to start. Reservations were tried in steps of {STEP_MIB} \
             MiB, each once; a crash counts as captured if makedumpfile reads all of the dump. Times are \
             medians of {CRASHES} with crashkernel={PLENTY_MIB}M.",
            ratio(u64::from(init_size(&self.system.kernel)?), 1 << 20)
        );
        Ok(())
    }
}

/// Sizes are far below 2^52.
fn ratio(ours: u64, theirs: u64) -> f64 {
    ours as f64 / theirs as f64
}

fn how(kvm: bool) -> &'static str {
    if kvm { "KVM" } else { "QEMU's own emulation" }
}

fn name(side: Errand) -> &'static str {
    match side {
        Errand::Prepare => "nobody",
        Errand::KdumpTools => "kdump-tools",
        Errand::Baton => "Baton",
    }
}

/// These take their time: each is reported as it ends.
fn say(side: Errand, reserved_mib: u64, captured: &Result<Captured>) {
    let side = name(side);
    match captured {
        Ok(c) => eprintln!(
            "{side}, {reserved_mib} MiB reserved: captured in {:.1?}",
            c.took
        ),
        Err(why) => eprintln!("{side}, {reserved_mib} MiB reserved: not captured ({why:#})"),
    }
}

fn init_size(kernel: &Path) -> Result<u32> {
    let image = fs::read(kernel)?;
    let field = image.get(INIT_SIZE..INIT_SIZE + 4);
    Ok(u32::from_le_bytes(
        field.context("the kernel is cut short")?.try_into()?,
    ))
}
