//! Waiting for the device that a target names.

use crate::device::Device;
use crate::probe::{gpt, superblock};
use crate::system::{Candidate, Identity, System};
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The time between two looks for the device. Drivers find their devices while this program runs.
const INTERVAL: Duration = Duration::from_millis(50);

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
    /// The nodes of further devices with the same name: copies of the disk, or other paths to it.
    pub others: Vec<PathBuf>,
}

impl FoundDevice {
    /// The warning to give if the name isn't unique.
    #[must_use]
    pub fn ambiguity(&self, device: &dyn fmt::Display) -> Option<String> {
        let others = list(&self.others);
        (!self.others.is_empty()).then(|| {
            let node = self.node.display();
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
                Ok(Some(true)) => matching.push(node),
                Ok(Some(false)) => mismatching.push(node),
                // The kernel may say it the next time.
                Ok(None) => {}
                // It may be readable the next time.
                Err(_) => silent.push(node),
            }
        }
        let mut matching = matching.into_iter();
        if let Some(node) = matching.next() {
            let others = matching.collect();
            return Ok(FoundDevice { node, others });
        }
        rejected.extend(mismatching);
        let waited = system.elapsed().saturating_sub(begun);
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
