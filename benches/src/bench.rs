//! Timings against peers: both sides in the same run, and the ratio of their medians.

mod cost;
mod crash;
mod dump;
mod process;
mod scale;
mod signing;

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use baton_guest::event::Event;
use baton_guest::script::{Script, Step};
use baton_lab::fetch::cache::Cache;
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::Machine;
use baton_lab::payload::steps;
use baton_lab::setup::{self, Fetched, Lab};
use baton_lab::vm;
use baton_lab::vm::judge;
use baton_xtask::gate;
use clap::{Args as ClapArgs, ValueEnum};

/// Hand-overs of each kind, in turn.
const PAIRS: usize = 7;
/// Machines whose gates are asked how long they took.
const GATES: usize = 3;
/// Loads of each kind, in turn.
const LOADS: usize = 7;

/// What can be timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Verdicts, on this machine, also against sbsigntools and osslsigncode
    Verify,
    /// Signing, and showing signatures, against sbsigntools, on this machine; only if it's asked for
    Sign,
    /// What the gate does with its time, in a virtual machine
    Gate,
    /// Kexecs, in a virtual machine
    HandOver,
    /// Loading, in a virtual machine
    Load,
    /// Writing dumps, on this machine; only if it's asked for
    Dump,
    /// How the cost of dumps grows with memory, on this machine; only if it's asked for
    Scale,
    /// Captured crashes against kdump-tools, in virtual machines; only if it's asked for
    Crash,
    /// All that is about crash dumps: the three above
    Kdump,
}

/// What some parts want to know.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    dump: dump::DumpArgs,
    #[command(flatten)]
    scale: scale::ScaleArgs,
    #[command(flatten)]
    cost: cost::CostArgs,
}

/// Prints the timings of one part, or of all of them.
pub fn run(part: Option<Part>, args: &Args) -> Result<()> {
    match part {
        Some(Part::Sign) => return signing::run(),
        Some(Part::Dump) => return dump::run(&args.dump, &args.cost),
        Some(Part::Scale) => return scale::run(&args.scale, &args.cost),
        Some(Part::Crash) => return crash::run(),
        Some(Part::Kdump) => {
            dump::run(&args.dump, &args.cost)?;
            scale::run(&args.scale, &args.cost)?;
            return crash::run();
        }
        _ => {}
    }
    let wanted = |this| part.is_none_or(|part| part == this);
    if wanted(Part::Verify) {
        verdict()?;
        signing::verified()?;
    }
    if part == Some(Part::Verify) {
        return Ok(());
    }
    let lab = &Lab::set_up()?;
    println!(
        "\nin a virtual machine ({}):",
        if lab.kvm {
            "KVM"
        } else {
            "QEMU's own emulation"
        }
    );
    if wanted(Part::Gate) {
        in_the_gate(lab)?;
    }
    if wanted(Part::HandOver) {
        hand_over(lab)?;
    }
    if wanted(Part::Load) {
        load(lab)?;
    }
    Ok(())
}

/// The gate's verdicts, natively, by the code as the gate is built: on a signed kernel against
/// openssl's digest of the same file, and on images of several sizes against hashing alone.
fn verdict() -> Result<()> {
    let Fetched { packages, keys, .. } = setup::fetch(&Cache::open()?)?;
    let root = baton_xtask::root()?;
    let status = Command::new(baton_xtask::cargo())
        .current_dir(&root)
        .args([
            "run",
            "--quiet",
            "--profile",
            "gate",
            "--locked",
            "--package",
            "baton-verify",
            "--example",
            "bench",
            "--target-dir",
        ])
        .arg(root.join("target/gate-build"))
        .arg("--")
        .arg(&packages.kernel(MAIN)?.image)
        .arg(&keys.debian_ca)
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", gate::COMPACT_SHA2)
        .status()
        .context("can't start cargo")?;
    ensure!(status.success(), "the benchmark of verify failed");
    Ok(())
}

/// How long a UKI keeps the gate, by what it says itself: for digests, for signatures and all else that
/// is verified, and for writing the kernel and its initrd to their places.
fn in_the_gate(lab: &Lab) -> Result<()> {
    let image = lab.work.join(format!("payload/uki/{MAIN}.efi"));
    let load = Step::run(&format!(
        "/payload/bin/baton load /payload/uki/{MAIN}.efi --gate /payload/gate/mok.efi"
    ));
    let stages = vec![vec![load, steps::exec()], vec![]];
    let script = Script { stages };
    let mut spans: [Vec<Duration>; 3] = Default::default();
    for _ in 0..GATES {
        let run = machine(lab, "bench-gate", &script)?;
        judge::done(&run, 2)?;
        let all = said(&run, "verified in ")?;
        let digests = said(&run, ", of it ")?;
        let taken = [
            digests,
            all.saturating_sub(digests),
            said(&run, "copied in ")?,
        ];
        spans
            .iter_mut()
            .zip(taken)
            .for_each(|(span, time)| span.push(time));
    }
    println!(
        "in the gate, for a UKI of {:.1} MB: digests {}, signatures and the rest {}, copying {}",
        std::fs::metadata(image)?.len() as f64 / 1e6,
        spread(&spans[0]),
        spread(&spans[1]),
        spread(&spans[2])
    );
    Ok(())
}

/// The milliseconds that the gate says after these words.
fn said(run: &vm::Run, words: &str) -> Result<Duration> {
    let lines = run.transcript.lines.iter();
    let mut after =
        lines.filter_map(|line| line.text.strip_prefix("baton-gate: ")?.split_once(words));
    let (_, rest) = after
        .next()
        .with_context(|| format!("the gate doesn't say \"{words}\""))?;
    let number = rest.split(' ').next().unwrap_or_default();
    let milliseconds: f64 = number.parse().context("no number of milliseconds")?;
    Ok(Duration::from_secs_f64(milliseconds / 1e3))
}

/// From the jump to the next kernel's init, through the gate and with stock kexec.
fn hand_over(lab: &Lab) -> Result<()> {
    let mut stages = Vec::new();
    for pair in 0..PAIRS {
        stages.push(vec![steps::stock_load(MAIN, 2 * pair + 2), Step::Kexec]);
        stages.push(vec![steps::load_good(MAIN, 2 * pair + 3), steps::exec()]);
    }
    stages.push(vec![]);
    let run = machine(lab, "bench-kexec", &Script { stages })?;
    judge::done(&run, 2 * PAIRS + 1)?;
    let gaps = |first: usize| {
        (0..PAIRS)
            .map(|pair| judge::gap(&run, first + 2 * pair))
            .collect::<Result<Vec<_>>>()
    };
    compare(
        "from exec to the next init",
        ("through the gate", gaps(2)?),
        ("stock kexec", gaps(1)?),
    );
    Ok(())
}

/// `baton load` by either route against `kexec -s -l`, of the same kernel and initrd.
fn load(lab: &Lab) -> Result<()> {
    let kernel = format!("/payload/kernels/{MAIN}/vmlinuz");
    let ours = |via: &str| {
        Step::run(&format!(
            "/payload/bin/baton load {kernel} --via {via} --gate /payload/gate/mok.efi \
             --initrd /payload/kernels/{MAIN}/initrd.img --cmdline quiet"
        ))
    };
    let steps = (0..LOADS)
        .flat_map(|_| [steps::stock_load(MAIN, 2), ours("kernel"), ours("gate")])
        .collect();
    let run = machine(
        lab,
        "bench-load",
        &Script {
            stages: vec![steps],
        },
    )?;
    judge::done(&run, 1)?;
    let times = |word: &str| -> Vec<Duration> {
        let took = |event: &Event| match event {
            Event::Ran { argv, ms, .. } if argv.iter().any(|argument| argument == word) => {
                Some(Duration::from_millis(*ms))
            }
            _ => None,
        };
        run.transcript.stage(1).filter_map(took).collect()
    };
    let stock = times("-s");
    compare(
        "loading",
        ("baton load --via kernel", times("kernel")),
        ("kexec -s -l", stock.clone()),
    );
    compare(
        "loading",
        ("baton load --via gate", times("gate")),
        ("kexec -s -l", stock),
    );
    Ok(())
}

fn machine(lab: &Lab, name: &str, script: &Script) -> Result<vm::Run> {
    lab.needs_gate()?;
    let directory = lab.work.join("runs").join(name);
    vm::run(
        lab,
        &Machine::new(MAIN),
        script,
        &directory,
        vm::Until::within(900),
        &mut |_, _| {},
    )
}

fn compare(what: &str, ours: (&str, Vec<Duration>), theirs: (&str, Vec<Duration>)) {
    let (our_median, their_median) = (median(&ours.1), median(&theirs.1));
    let ratio = our_median.as_secs_f64() / their_median.as_secs_f64();
    println!(
        "{what}: {} {}, {} {}, ratio {ratio:.2}",
        ours.0,
        spread(&ours.1),
        theirs.0,
        spread(&theirs.1),
    );
}

fn spread(times: &[Duration]) -> String {
    let least = times.iter().min().copied().unwrap_or_default();
    let most = times.iter().max().copied().unwrap_or_default();
    format!("{:.2?} ({least:.2?} to {most:.2?})", median(times))
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
