//! Waiting for the device that a target names.

use crate::config::Device;
use crate::probe::{gpt, superblock};
use crate::system::{Candidate, System};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two looks. Drivers find their devices while this program runs.
const INTERVAL: Duration = Duration::from_millis(50);

/// Why a device isn't to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// It didn't come.
    #[error(
        "no device {device} came up within {} s, only {}; check the name, and that `modules` has its driver",
        .waited.as_secs(), list(.seen)
    )]
    Missing {
        /// As configured.
        device: String,
        /// How long it was waited for.
        waited: Duration,
        /// The devices that are there.
        seen: Vec<PathBuf>,
    },
}

fn list(nodes: &[PathBuf]) -> String {
    match nodes.is_empty() {
        true => "none at all".to_owned(),
        false => nodes
            .iter()
            .map(|node| node.display().to_string())
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// A device that was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The first that is called so.
    pub node: PathBuf,
    /// Others that are called so, too: a copy of a disk, or another way to it.
    pub others: Vec<PathBuf>,
}

impl Found {
    /// What to say where the name isn't one device's alone.
    #[must_use]
    pub fn doubt(&self, device: &Device) -> Option<String> {
        let others = list(&self.others);
        (!self.others.is_empty()).then(|| {
            let node = self.node.display();
            format!("{device} is the name of {node}, which is taken, and of {others}")
        })
    }
}

/// A device, as soon as it is there, and what else is called so by then.
///
/// # Errors
/// When it doesn't come within `patience`.
pub fn wait(
    system: &dyn System,
    device: &Device,
    patience: Duration,
) -> Result<Found, DeviceError> {
    let begun = system.elapsed();
    let mut known = HashSet::new();
    loop {
        // What can't be listed now can be later.
        let candidates = system.devices().unwrap_or_default();
        let new = |it: &&Candidate| !known.contains(&it.node);
        let (mut called_so, mut looked_at) = (Vec::new(), Vec::new());
        for candidate in candidates.iter().filter(new) {
            match is_it(system, device, candidate) {
                Some(true) => called_so.push(candidate.node.clone()),
                Some(false) => looked_at.push(candidate.node.clone()),
                // It may be readable the next time.
                None => {}
            }
        }
        let mut called_so = called_so.into_iter();
        if let Some(node) = called_so.next() {
            let others = called_so.collect();
            return Ok(Found { node, others });
        }
        known.extend(looked_at);
        let waited = system.elapsed().saturating_sub(begun);
        if waited >= patience {
            return Err(DeviceError::Missing {
                device: device.to_string(),
                waited,
                seen: candidates.into_iter().map(|it| it.node).collect(),
            });
        }
        system.sleep(INTERVAL);
    }
}

/// Whether the candidate is the device; `None` if it can't be looked at yet.
fn is_it(system: &dyn System, device: &Device, candidate: &Candidate) -> Option<bool> {
    let source = |node: &Path| system.look_into(node).ok();
    match device {
        Device::Path(path) => Some(*path == candidate.node),
        Device::Wwn(_) | Device::Serial(..) => candidate.identity.carries(device),
        Device::Uuid(uuid) => {
            let found = superblock(&*source(&candidate.node)?);
            Some(found.is_some_and(|it| it.uuid.eq_ignore_ascii_case(uuid)))
        }
        Device::Label(label) => {
            let found = superblock(&*source(&candidate.node)?);
            Some(found.is_some_and(|it| it.label.as_ref() == Some(label)))
        }
        Device::PartUuid(_) | Device::PartLabel(_) => {
            let Some((disk, partition)) = &candidate.partition else {
                return Some(false);
            };
            let disk = source(disk)?;
            let names = gpt::names(
                &*disk,
                partition.block_size,
                partition.number,
                partition.start,
            );
            Some(names.is_some_and(|names| match device {
                Device::PartUuid(uuid) => names.uuid.eq_ignore_ascii_case(uuid),
                Device::PartLabel(label) => names.label.as_ref() == Some(label),
                _ => false,
            }))
        }
    }
}
