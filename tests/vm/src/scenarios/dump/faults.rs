//! Captures that something goes wrong with: the machine ends all the same, older dumps stay whole, and
//! what was written can be read.

use fs_err as fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::exec;
use baton_lab::fetch::packages::MAIN;
use baton_lab::fetch::peers::said;
use baton_lab::machine::{Bus, Machine, Mishap, Target};
use baton_lab::setup::Lab;
use baton_lab::vm::judge;

use super::case::Panic;
use super::crashing::{PLACE, attached, configured, ended, mounted, on_nvme, unlocked};
use super::examine::{fetched, the_dump};
use crate::scenario::Scenario;

/// Where the second target is mounted.
const SECOND: &str = "/var/second";

/// Where a disk is mounted that is no target: what needs no configuration to get the log.
const BOOT: &str = "/boot";

/// A dump that is there already.
pub const OLDER: &str = "2026-01-01T00:00:00Z";
const OLDER_TEXT: &str = "an older dump\n";
/// `sha256sum` of that.
const OLDER_SUM: &str = "aa742fb462da19a0a2458294bbf728ab0b12e6bbafaf7bb4f92f7eed3f6f0661";

pub fn all() -> Vec<Scenario> {
    let gone = |when| {
        Some(Mishap {
            when,
            command: "drive_del baton-target-0",
        })
    };
    let two = |first| vec![ext4(first), ext4(256)];
    vec![
        // Room for the kernel log, not for the dump.
        elsewhere("dump-fault-disk-full", two(16), None, LOAD),
        elsewhere(
            "dump-fault-disk-missing",
            two(256),
            gone("Kernel panic"),
            LOAD,
        ),
        elsewhere("dump-fault-disk-gone", two(256), gone("%"), LOAD),
        elsewhere("dump-fault-modules-refused", on_virtio(), None, LOAD_OTHER),
        watched(two(256), gone("Kernel panic")),
        log_elsewhere(two(256), gone("Kernel panic")),
    ]
}

/// Loads the capture as it is meant to be.
const LOAD: &[&str] = &["/payload/bin/baton crash load --capture /payload/bin/baton-capture"];

/// Starts a watchdog, which is less patient than the capture, and loads the capture.
const WATCHED: &[&str] = &[
    "/payload/bin/busybox watchdog -t 5 -T 40 /dev/watchdog",
    "/payload/bin/baton crash load --capture /payload/bin/baton-capture",
];

/// Loads it with a kernel that takes none of its modules, and needs some for virtio disks.
const LOAD_OTHER: &[&str] = &[
    "/payload/bin/baton crash load --capture /payload/bin/baton-capture --dry-run --save-initrd /capture.img",
    "/payload/bin/baton crash load /payload/kernels/6.1/vmlinuz --initrd /capture.img \
     --cmdline console=ttyS0",
];

fn ext4(size_mib: u64) -> Target {
    on_nvme("ext4", size_mib)
}

/// The first disk needs modules, the second none.
fn on_virtio() -> Vec<Target> {
    let first = Target {
        bus: Bus::VirtioBlk,
        ..ext4(256)
    };
    vec![first, ext4(256)]
}

/// An older dump is where dumps go.
pub fn with_older_dump() -> [Step; 2] {
    let older = |name: &str, text: String| Step::Write {
        path: format!("{PLACE}/{OLDER}/{name}"),
        text,
    };
    [
        older("vmcore", OLDER_TEXT.into()),
        older("vmcore.sha256", format!("{OLDER_SUM}  vmcore\n")),
    ]
}

/// Crashes with an older dump on the first target, and perhaps a second target.
fn script(targets: &[Target], load: &[&str]) -> Script {
    let places = [PLACE, SECOND];
    let mut steps = Vec::new();
    for (number, (target, place)) in targets.iter().zip(places).enumerate() {
        steps.extend(attached(number, target, place));
    }
    steps.extend(with_older_dump());
    let used: Vec<_> = places
        .into_iter()
        .take(targets.len())
        .map(mounted)
        .collect();
    steps.push(configured(100, MAIN, &used));
    steps.push(Step::run("/payload/bin/busybox sync"));
    steps.extend(load.iter().map(|words| Step::run(words)));
    steps.push(Step::Sysrq('c'));
    Script {
        stages: vec![steps],
    }
}

/// The first target fails, and the dump is on the second.
fn elsewhere(name: &str, targets: Vec<Target>, mishap: Option<Mishap>, load: &[&str]) -> Scenario {
    let mut scenario = Scenario::new(name, script(&targets, load), ended)
        .on(unlocked(MAIN, targets.clone(), mishap))
        .within(200)
        .examined(move |lab, directory| {
            let files = fetched(lab, directory, MAIN, &targets)?;
            let [first, second] = files.as_slice() else {
                bail!("there are not two disks");
            };
            older_is_whole(first)?;
            readable(lab, &the_dump(second)?, &["dump", "check"])
        });
    scenario.full = true;
    scenario
}

/// A watchdog runs when the kernel crashes, and would reset the machine while the capture waits for a disk that is gone.
fn watched(targets: Vec<Target>, mishap: Option<Mishap>) -> Scenario {
    let mut found = elsewhere("dump-fault-watchdog", targets.clone(), mishap, WATCHED);
    if let Some(steps) = found.script.stages.first_mut() {
        steps.insert(0, Step::LoadModule("i6300esb".into()));
    }
    found.judge = Box::new(|run| {
        ended(run)?;
        judge::console_says(run, "baton-capture: feeding the watchdog")
    });
    found.on(Machine {
        watchdog: true,
        ..unlocked(MAIN, targets, mishap)
    })
}

/// The only target is gone: /boot, which another disk has, takes the log.
fn log_elsewhere(disks: Vec<Target>, mishap: Option<Mishap>) -> Scenario {
    let mut steps = attached(0, &disks[0], PLACE);
    steps.extend(attached(1, &disks[1], BOOT));
    steps.push(Step::run("/payload/bin/busybox mkdir /boot/crash"));
    steps.push(configured(100, MAIN, &[mounted(PLACE)]));
    steps.push(Step::run("/payload/bin/busybox sync"));
    steps.extend(LOAD.iter().map(|words| Step::run(words)));
    steps.push(Step::Sysrq('c'));
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new("dump-fault-log-elsewhere", script, |run| {
        ended(run)?;
        judge::console_says(run, "saving the kernel log to")
    })
    .on(unlocked(MAIN, disks.clone(), mishap))
    .within(200)
    .examined(move |lab, directory| {
        let files = fetched(lab, directory, MAIN, &disks)?;
        let [_, boot] = files.as_slice() else {
            bail!("there are not two disks");
        };
        only_log(&boot.join("crash"))
    })
    .only_in_full()
}

/// One crash is there, by its log and what is known of it.
fn only_log(place: &Path) -> Result<()> {
    let mut crashes = fs::read_dir(place)?;
    let crash = crashes.next().context("nothing is there")??.path();
    ensure!(crashes.next().is_none(), "more than one crash is there");
    let log = fs::read_to_string(crash.join("dmesg.txt"))?;
    ensure!(
        log.contains(Panic::Sysrq.message()),
        "the log doesn't say what happened: {log}"
    );
    let mut names: Vec<_> = fs::read_dir(&crash)?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<Result<_>>()?;
    names.sort();
    ensure!(
        names == ["dmesg.txt", "summary.json"],
        "{names:?} are there"
    );
    Ok(())
}

/// The older dump is what it was.
pub fn older_is_whole(files: &Path) -> Result<()> {
    exec::run(
        Command::new("sha256sum")
            .args(["--check", "--quiet", "vmcore.sha256"])
            .current_dir(files.join(OLDER)),
    )
}

pub fn readable(lab: &Lab, dump: &Path, words: &[&str]) -> Result<()> {
    let mut baton = Command::new(lab.work.join("payload/bin/baton"));
    said(baton.args(words).arg(dump)).map(drop)
}
