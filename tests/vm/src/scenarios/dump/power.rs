//! Power cuts while a dump is being written, on storage of every kind: what was there before is whole, and what has a dump's
//! name is one.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::Target;
use baton_lab::setup::Lab;
use baton_lab::vm::judge;
use fs_err as fs;

use super::crashing::{PLACE, attached, configured, mounted, on_nvme, unlocked};
use super::examine::read_elsewhere;
use super::faults::{OLDER, older_is_whole, readable, with_older_dump};
use super::volumes::LOAD;
use super::{arrays, encrypted, spread, volumes};
use crate::scenario::Scenario;

/// Moments at which the power goes, each a while after the one before.
const CUTS: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(400);

/// What dumps go to.
#[derive(Clone)]
pub struct Storage {
    /// In the scenario's name.
    pub name: &'static str,
    /// The kernel that crashes and captures.
    pub label: &'static str,
    /// The disks.
    pub disks: Vec<Target>,
    /// What makes a file system on them and mounts it where dumps go.
    pub made: Vec<Step>,
    /// What mounts it at [`FOUND`] on another machine.
    pub found: Vec<Step>,
}

/// Where it is mounted on another machine.
pub const FOUND: &str = "/found";

pub fn all() -> Vec<Scenario> {
    let kinds = [
        plain(),
        volumes::storage(),
        arrays::storage(),
        encrypted::storage(),
        spread::storage(),
    ];
    let cuts = |kind: Storage| (0..CUTS).map(move |number| cut(&kind, number));
    kinds.into_iter().flat_map(cuts).collect()
}

/// A partition.
fn plain() -> Storage {
    let disk = on_nvme("ext4", 256);
    Storage {
        name: "fault",
        label: MAIN,
        disks: vec![disk],
        made: attached(0, &disk, PLACE),
        found: attached(0, &disk, FOUND),
    }
}

/// The power goes some time after the capture program has begun.
fn cut(storage: &Storage, number: u32) -> Scenario {
    let Storage { name, label, .. } = *storage;
    let mut steps = storage.made.clone();
    steps.extend(with_older_dump());
    steps.push(configured(100, label, &[mounted(PLACE)]));
    steps.push(Step::run("/payload/bin/busybox sync"));
    steps.push(Step::run(LOAD));
    steps.push(Step::Sysrq('c'));
    let script = Script {
        stages: vec![steps],
    };
    let (disks, found) = (storage.disks.clone(), storage.found.clone());
    let mut scenario = Scenario::new(
        format!("dump-{name}-power-{number:02}"),
        script,
        judge::no_step_failed,
    )
    .on(unlocked(label, disks.clone(), None))
    .within(200)
    .until_said("baton-capture: ")
    .examined(move |lab, directory| {
        let places = vec![(found.clone(), FOUND.to_owned())];
        for files in read_elsewhere(lab, directory, label, &disks, places)? {
            older_is_whole(&files)?;
            whatever_was_written(lab, &files)?;
        }
        Ok(())
    })
    .only_in_full();
    scenario.until.then = BETWEEN * number;
    scenario.built = baton_lab::fetch::built::is_built(label);
    scenario
}

/// A dump that has its name is whole; one that hasn't can be read as far as it goes.
fn whatever_was_written(lab: &Lab, files: &Path) -> Result<()> {
    for entry in fs::read_dir(files)? {
        let directory = entry?.path();
        if directory.ends_with(OLDER) || directory.ends_with("lost+found") {
            continue;
        }
        let (whole, part) = (
            directory.join("vmcore"),
            directory.join("vmcore.incomplete"),
        );
        if whole.exists() {
            readable(lab, &whole, &["dump", "check"])?;
        } else if part.exists() && fs::metadata(&part)?.len() > 0 {
            readable(lab, &part, &["dump", "info"])?;
        }
    }
    Ok(())
}
