//! Waiting for the device that a target names.

use crate::device::Device;
use crate::probe::{gpt, superblock};
use crate::system::{Candidate, Identity, System};
use baton_kdump::Source;
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The time between two looks for the device. Drivers find their devices while this program runs.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long a device that can't be read is waited on for another path to it.
const UNTIL_ANOTHER_PATH: Duration = Duration::from_secs(5);

/// Why a device can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The device didn't appear in time.
    #[error(
        "no device {device} came up within {} s, only {}{}; check the name, and that `modules` has its driver",
        .waited.as_secs(), list(.seen), without_answer(.silent)
    )]
    Missing {
        /// The device's name as configured.
        device: String,
        /// How long the wait was.
        waited: Duration,
        /// The devices that exist.
        seen: Vec<PathBuf>,
        /// Those of them that can't be read.
        silent: Vec<PathBuf>,
    },
}

fn without_answer(nodes: &[PathBuf]) -> String {
    match nodes {
        [] => String::new(),
        [_] => format!(", and {} gives no answer", list(nodes)),
        _ => format!(", and {} give no answer", list(nodes)),
    }
}

fn list(nodes: &[PathBuf]) -> String {
    if nodes.is_empty() {
        "none at all".to_owned()
    } else {
        nodes
            .iter()
            .map(|node| node.display().to_string())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// A device that has appeared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDevice {
    /// The node of the first device with the name.
    pub node: PathBuf,
    /// The nodes of further devices with the same name: of copies of the disk.
    pub others: Vec<PathBuf>,
    /// The nodes of devices with the same name and the same WWID: they should be other paths to the disk.
    pub paths: Vec<PathBuf>,
}

impl FoundDevice {
    /// The warning to give if the name is that of other disks, too.
    #[must_use]
    pub fn ambiguity(&self, device: &dyn fmt::Display) -> Option<String> {
        self.shared_with(device, &self.others)
    }

    /// The same where the disk is known to have one path: others are copies that have its WWID.
    #[must_use]
    pub fn twice(&self, device: &dyn fmt::Display) -> Option<String> {
        let all: Vec<PathBuf> = self.others.iter().chain(&self.paths).cloned().collect();
        self.shared_with(device, &all)
    }

    fn shared_with(&self, device: &dyn fmt::Display, others: &[PathBuf]) -> Option<String> {
        let node = self.node.display();
        (!others.is_empty()).then(|| {
            let others = list(others);
            format!("{device} is the name of {node}, which is used, and of {others}")
        })
    }
}

/// Waits for a device. Returns it together with all other devices that have the same name by then.
///
/// # Errors
/// When it doesn't appear before the timeout.
pub fn for_device(
    system: &dyn System,
    device: &Device,
    timeout: Duration,
) -> Result<FoundDevice, DeviceError> {
    let begun = system.elapsed();
    let mut rejected = HashSet::new();
    loop {
        // Listing may succeed the next time.
        let candidates = system.devices().unwrap_or_default();
        let new = |it: &&Candidate| !rejected.contains(&it.node);
        let (mut matching, mut mismatching, mut silent) = (Vec::new(), Vec::new(), Vec::new());
        for candidate in candidates.iter().filter(new) {
            let node = candidate.node.clone();
            match recognises(system, device, candidate) {
                Ok(Some(true)) => matching.push(candidate),
                Ok(Some(false)) => mismatching.push(node),
                // The kernel may say it the next time.
                Ok(None) => {}
                // It may be readable the next time.
                Err(_) => silent.push(node),
            }
        }
        let waited = system.elapsed().saturating_sub(begun);
        if let Some((found, answers)) = choose(system, &matching, &candidates)
            && (answers || waited >= timeout.min(UNTIL_ANOTHER_PATH))
        {
            return Ok(found);
        }
        rejected.extend(mismatching);
        if waited >= timeout {
            return Err(DeviceError::Missing {
                device: device.to_string(),
                waited,
                seen: candidates.into_iter().map(|it| it.node).collect(),
                silent,
            });
        }
        system.sleep(INTERVAL);
    }
}

/// Of devices with the same name, the first that answers, or else the first; and whether it answers.
fn choose(
    system: &dyn System,
    matching: &[&Candidate],
    all: &[Candidate],
) -> Option<(FoundDevice, bool)> {
    let answering = matching.iter().find(|it| answers(system, &it.node));
    let chosen = answering.or(matching.first())?;
    let mut found = FoundDevice {
        node: chosen.node.clone(),
        others: Vec::new(),
        paths: Vec::new(),
    };
    for other in matching.iter().filter(|it| !std::ptr::eq(**it, *chosen)) {
        let same = is_same_disk(chosen, other, all);
        let list = if same {
            &mut found.paths
        } else {
            &mut found.others
        };
        list.push(other.node.clone());
    }
    Some((found, answering.is_some()))
}

/// Whether a device can be read. A path to a disk may be there that leads nowhere.
fn answers(system: &dyn System, node: &Path) -> bool {
    let read = |source: Arc<dyn Source>| source.read_at(0, &mut [0]);
    system.look_into(node).and_then(read).is_ok()
}

/// Whether two devices are one disk, or one partition of it, reached by several paths: each path is a device of its own,
/// and both have the disk's WWID, which the disk itself says, and its partition begins at the same place.
#[must_use]
pub fn is_same_disk(one: &Candidate, other: &Candidate, all: &[Candidate]) -> bool {
    let start = |it: &Candidate| it.partition.as_ref().map(|(_, place)| place.start);
    let wwid = |it: &Candidate| match &it.partition {
        Some((disk, _)) => {
            let disk = all.iter().find(|candidate| candidate.node == *disk);
            disk.and_then(|disk| disk.identity.wwid.clone())
        }
        None => it.identity.wwid.clone(),
    };
    start(one) == start(other) && wwid(one).is_some() && wwid(one) == wwid(other)
}

/// Whether the device at a node has this name, by what is on it.
///
/// # Errors
/// When it gives no answer.
pub fn carries(system: &dyn System, device: &Device, node: &Path) -> io::Result<bool> {
    let candidate = Candidate {
        node: node.to_owned(),
        partition: None,
        identity: Identity::default(),
    };
    Ok(recognises(system, device, &candidate)? == Some(true))
}

/// Whether the candidate is the device; `None` if the kernel doesn't say what the name is about.
fn recognises(
    system: &dyn System,
    device: &Device,
    candidate: &Candidate,
) -> io::Result<Option<bool>> {
    Ok(match device {
        Device::Path(path) => Some(*path == candidate.node),
        Device::Wwn(_) | Device::Serial(..) => candidate.identity.carries(device),
        Device::Uuid(_) | Device::Label(_) => {
            let found = superblock(&*system.look_into(&candidate.node)?)?;
            Some(found.is_some_and(|it| it.is_called(device)))
        }
        Device::PartUuid(_) | Device::PartLabel(_) => {
            let Some((disk, partition)) = &candidate.partition else {
                return Ok(Some(false));
            };
            let disk = system.look_into(disk)?;
            let names = gpt::names(
                &*disk,
                partition.block_size,
                partition.number,
                partition.start,
            )?;
            Some(names.is_some_and(|names| names.are(device)))
        }
    })
}
