//! The devices of a btrfs that is spread over several: all must be there, and the kernel be told of them, before one of
//! them is mounted.

use crate::probe::{Superblock, superblock};
use crate::system::{Candidate, System};
use crate::wait::is_same_disk;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The time between two looks for devices.
const INTERVAL: Duration = Duration::from_millis(50);

/// Why a file system's devices can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MembersError {
    /// Some didn't appear.
    #[error(
        "of the {of} devices of the file system {uuid} only {} came up within {} s; check the disks, or allow it to be mounted without one by the option \"degraded\"",
        .found.len(), .waited.as_secs()
    )]
    Missing {
        /// The file system's identifier.
        uuid: String,
        /// How many it has.
        of: u64,
        /// Those that are there.
        found: Vec<PathBuf>,
        /// How long the wait was.
        waited: Duration,
    },
    /// It can't be told which of two is the file system's.
    #[error(
        "{} and {} are the same device of the file system {uuid}: one of them is a copy, and to write to the wrong one damages both; remove the copy",
        .first.display(), .second.display()
    )]
    Copied {
        /// The file system's identifier.
        uuid: String,
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

/// The superblock on a device that has appeared, if it is one of several of a btrfs.
///
/// # Errors
/// When it gives no answer.
pub fn spread(system: &dyn System, node: &Path) -> io::Result<Option<Superblock>> {
    let found = superblock(&*system.look_into(node)?)?;
    Ok(found.filter(|it| it.member.is_some()))
}

/// Waits for all devices of the file system that one of them is from. With `degraded`, some may be missing when the time is
/// over. Returns their nodes.
///
/// # Errors
/// When one is missing, or there twice.
pub fn wait_for(
    system: &dyn System,
    one: &Superblock,
    degraded: bool,
    timeout: Duration,
) -> Result<Vec<PathBuf>, MembersError> {
    let of = one.member.as_ref().map_or(1, |member| member.of);
    let begun = system.elapsed();
    let mut members = BTreeMap::new();
    let mut others = HashSet::new();
    loop {
        look(system, &one.uuid, &mut members, &mut others)?;
        let found: Vec<PathBuf> = members.values().cloned().collect();
        let waited = system.elapsed().saturating_sub(begun);
        if found.len() as u64 >= of || (waited >= timeout && degraded) {
            return Ok(found);
        }
        if waited >= timeout {
            return Err(MembersError::Missing {
                uuid: one.uuid.clone(),
                of,
                found,
                waited,
            });
        }
        system.sleep(INTERVAL);
    }
}

/// Sorts the devices that have appeared since the last look into those of the file system, by their own identifiers, and
/// others. Those that give no answer are looked at again the next time.
fn look(
    system: &dyn System,
    uuid: &str,
    members: &mut BTreeMap<String, PathBuf>,
    others: &mut HashSet<PathBuf>,
) -> Result<(), MembersError> {
    let candidates = system.devices().unwrap_or_default();
    for candidate in &candidates {
        let node = candidate.node.clone();
        if others.contains(&node) || members.values().any(|it| *it == node) {
            continue;
        }
        let Ok(found) = spread(system, &node) else {
            continue;
        };
        let own = found.filter(|it| it.uuid == uuid).and_then(|it| it.member);
        let Some(own) = own else {
            others.insert(node);
            continue;
        };
        if let Some(first) = members.get(&own.uuid) {
            let is_first = |it: &&Candidate| it.node == *first;
            let known = candidates.iter().find(is_first);
            if known.is_some_and(|known| is_same_disk(known, candidate, &candidates)) {
                others.insert(node);
                continue;
            }
            return Err(MembersError::Copied {
                uuid: uuid.to_owned(),
                first: first.clone(),
                second: node,
            });
        }
        members.insert(own.uuid, node);
    }
    Ok(())
}
