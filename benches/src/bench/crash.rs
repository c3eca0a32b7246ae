//! Captured crashes of one installation: by Baton, with the running kernel and with the small one that
//! `dist/capture-kernel` builds, and by Debian's kdump-tools as its packages configure it.

mod dump;
mod guest;
mod search;
mod system;
mod table;

use fs_err as fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use baton_lab::fetch::built;
use baton_lab::fetch::cache::Cache;
use baton_lab::fetch::peers::Peers;
use baton_lab::machine::kvm;
use baton_lab::setup::{self, Fetched};

use self::guest::{Clock, Errand, Guest};
use self::system::System;

/// Crashes of each kind that are timed, in turn.
const CRASHES: usize = 3;

/// What is reserved for those.
const PLENTY_MIB: u64 = 256;

/// How finely the smallest reservation is looked for.
const STEP_MIB: u64 = 8;

/// All, in the order in which they are shown.
const SIDES: [Errand; 3] = [Errand::KdumpTools, Errand::Baton, Errand::BatonSmall];

/// Measures both and prints the table.
pub fn run() -> Result<()> {
    let cache = Cache::open()?;
    let Fetched {
        packages, extras, ..
    } = setup::fetch(&cache)?;
    let root = baton_xtask::root()?;
    let work = root.join("target/crash-figures");
    fs::create_dir_all(&work)?;
    let kvm = kvm::works(&cache, &packages)?;
    let small = built::kernels(&cache, &root)?;
    let small = small.iter().find(|kernel| kernel.label == built::CAPTURE);
    let small = small.context("no small kernel was built")?;
    let bench = Bench {
        system: System::make(&cache, &root, &work, small, kvm)?,
        peers: extras.peers,
        work,
        kvm,
    };
    let crashes = bench.timed()?;
    let least = bench.all_least()?;
    table::print(&bench.system, &small.image, kvm, &crashes, least)
}

struct Bench {
    system: System,
    peers: Peers,
    work: PathBuf,
    kvm: bool,
}

/// A crash that was captured.
struct Captured {
    /// From the panic to the reset.
    took: Clock,
    /// Bytes of the dump.
    size: u64,
}

impl Bench {
    /// The same crash, captured by each in turn.
    fn timed(&self) -> Result<[Vec<Captured>; 3]> {
        let mut all = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..CRASHES {
            for (side, into) in SIDES.into_iter().zip(&mut all) {
                let captured = self.crash(side, PLENTY_MIB)?;
                into.push(captured.map_err(|why| {
                    why.context(format!(
                        "{} captured no crash with crashkernel={PLENTY_MIB}M: see {}",
                        name(side),
                        self.directory(side, PLENTY_MIB).display()
                    ))
                })?);
            }
        }
        Ok(all)
    }

    fn all_least(&self) -> Result<[u64; 3]> {
        let [theirs, ours, small] = SIDES;
        Ok([self.least(theirs)?, self.least(ours)?, self.least(small)?])
    }

    /// The smallest reservation with which a crash is captured, in MiB.
    fn least(&self, side: Errand) -> Result<u64> {
        search::least(STEP_MIB, PLENTY_MIB, |reserved| {
            Ok(self.crash(side, reserved)?.is_ok())
        })
    }

    fn directory(&self, side: Errand, reserved_mib: u64) -> PathBuf {
        self.work.join(format!("{side:?}-{reserved_mib}"))
    }

    /// One crash. The inner error says why it wasn't captured; the outer that it couldn't be tried.
    fn crash(&self, side: Errand, reserved_mib: u64) -> Result<Result<Captured>> {
        let directory = self.directory(side, reserved_mib);
        fs::create_dir_all(&directory)?;
        let disk = directory.join("disk");
        system::copy(&self.system.disk, &disk)?;
        let guest = Guest {
            kernel: &self.system.kernel,
            disk: &disk,
            errand: side,
            reserved_mib,
            kvm: self.kvm,
        };
        let run = guest.run(&directory)?;
        if !run.transcript.says(guest::PANIC) {
            bail!("the machine didn't crash: see {}", directory.display());
        }
        let captured = run
            .since_panic()
            .context("the machine didn't reset itself in time")
            .and_then(|took| {
                let size = dump::examine(&self.peers, &disk, &directory)?;
                Ok(Captured { took, size })
            });
        fs::remove_file(disk)?;
        say(side, reserved_mib, &captured);
        Ok(captured)
    }
}

fn name(side: Errand) -> &'static str {
    match side {
        Errand::Prepare => "nobody",
        Errand::KdumpTools => "kdump-tools",
        Errand::Baton => "Baton",
        Errand::BatonSmall => "Baton with the small kernel",
    }
}

/// These take their time: each is reported as it ends.
fn say(side: Errand, reserved_mib: u64, captured: &Result<Captured>) {
    let side = name(side);
    match captured {
        Ok(c) => eprintln!(
            "{side}, {reserved_mib} MiB reserved: captured in {:.1?}",
            c.took.time
        ),
        Err(why) => eprintln!("{side}, {reserved_mib} MiB reserved: not captured ({why:#})"),
    }
}
