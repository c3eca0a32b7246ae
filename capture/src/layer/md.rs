//! A RAID array of the kernel (md). It is assembled again after a crash from what its members' superblocks say, without
//! mdadm: from those members that are there and up to date.

use super::base::NotFound;
use super::{Base, LayerError, Name, SetUp};
use crate::probe::md::{self, ArrayId, Member, Minor, Role, feature};
use crate::system::System;
use crate::wait::DeviceError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// An array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Keys", into = "Keys")]
pub struct Array {
    /// Its name when the capture was loaded.
    pub name: Name,
    /// Its identifier.
    pub uuid: ArrayId,
    /// Its level.
    pub level: Level,
    /// Where its superblocks are.
    pub metadata: Minor,
    /// The devices that belonged to it when the capture was loaded.
    pub member: Vec<Base>,
}

/// The keys of an array, each valid by itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    name: Name,
    uuid: ArrayId,
    level: Level,
    metadata: Minor,
    member: Vec<Base>,
}

/// The levels of arrays that are assembled: those that the kernel starts after a crash as they are. Others it starts only
/// if they are whole, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// One member after the other.
    Linear,
    /// Striped over all members.
    Raid0,
    /// The same on each member.
    Raid1,
    /// Striped, and each stripe on several members.
    Raid10,
}

impl Level {
    /// All.
    pub const ALL: [Level; 4] = [Level::Linear, Level::Raid0, Level::Raid1, Level::Raid10];

    /// What the kernel calls it in `md/level` of sysfs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Linear => "linear",
            Level::Raid0 => "raid0",
            Level::Raid1 => "raid1",
            Level::Raid10 => "raid10",
        }
    }

    /// Whether it may go without one of its members.
    #[must_use]
    pub fn is_redundant(self) -> bool {
        matches!(self, Level::Raid1 | Level::Raid10)
    }

    /// How superblocks number it.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Level::Linear => -1,
            Level::Raid0 => 0,
            Level::Raid1 => 1,
            Level::Raid10 => 10,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An array has no members.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an array has at least one member")]
pub struct NoMembers;

impl TryFrom<Keys> for Array {
    type Error = NoMembers;

    fn try_from(keys: Keys) -> Result<Array, NoMembers> {
        let Keys {
            name,
            uuid,
            level,
            metadata,
            member,
        } = keys;
        if member.is_empty() {
            return Err(NoMembers);
        }
        Ok(Array {
            name,
            uuid,
            level,
            metadata,
            member,
        })
    }
}

impl From<Array> for Keys {
    fn from(array: Array) -> Keys {
        Keys {
            name: array.name,
            uuid: array.uuid,
            level: array.level,
            metadata: array.metadata,
            member: array.member,
        }
    }
}

/// A member that is there.
struct Found<'a> {
    base: &'a Base,
    node: PathBuf,
    superblock: Member,
}

/// Why a member isn't used.
#[derive(Debug, thiserror::Error)]
enum LeftOut {
    #[error("{0}")]
    Missing(#[from] DeviceError),
    #[error("it can't be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("{0}; {help}", help = .0.help())]
    Superblock(#[from] md::MdError),
    #[error("it belongs to the array {0}")]
    OtherArray(ArrayId),
    #[error("its superblock says that the array is another one than when the capture was loaded")]
    OtherKind,
    #[error(
        "it isn't up to date (its superblock was written {0} times, and another one {1} times)"
    )]
    Stale(u64, u64),
    #[error("it was taken out of the array, or failed")]
    Inactive,
    #[error("the array is being reshaped, which a capture doesn't go on with")]
    Reshaped,
}

impl Array {
    /// Assembles the array. Returns its node, and what it goes without.
    pub(super) fn set_up(
        &self,
        system: &dyn System,
        below: &SetUp<'_>,
        timeout: Duration,
    ) -> Result<(PathBuf, Vec<String>), LayerError> {
        // The other half is for what comes after an array that goes without a member.
        let (found, mut without) = self.find(system, below, timeout / 2)?;
        let used = self.current(found, &mut without);
        let warnings: Vec<String> = without
            .iter()
            .map(|(base, why)| format!("the array {} goes without {base}: {why}", self.name))
            .collect();
        if used.is_empty() {
            let why = if warnings.is_empty() {
                "only spares of it are there".to_owned()
            } else {
                warnings.join("; ")
            };
            return Err(LayerError::NoMember {
                array: self.name.clone(),
                why,
            });
        }
        let nodes: Vec<PathBuf> = used.into_iter().map(|it| it.node).collect();
        let made = system.assemble_array(self.metadata.number(), &nodes);
        let node = made.map_err(|error| LayerError::Array {
            array: self.name.clone(),
            error,
            without: warnings.join("; "),
        })?;
        Ok((node, warnings))
    }

    /// The members that are there, and why others aren't used.
    #[allow(clippy::type_complexity)] // two lists
    fn find(
        &self,
        system: &dyn System,
        below: &SetUp<'_>,
        timeout: Duration,
    ) -> Result<(Vec<Found<'_>>, Vec<(&Base, LeftOut)>), LayerError> {
        let begun = system.elapsed();
        let (mut found, mut without) = (Vec::new(), Vec::new());
        for base in &self.member {
            let left = timeout.saturating_sub(system.elapsed().saturating_sub(begun));
            let node = match base.wait_for(system, below, left) {
                Ok(node) => Ok(node),
                Err(NotFound::Missing(missing)) => Err(missing),
                Err(NotFound::Twice(ambiguity)) => {
                    return Err(LayerError::Ambiguous {
                        volume: self.name.clone(),
                        ambiguity,
                    });
                }
            };
            let looked = node.map_err(LeftOut::from).and_then(|node| {
                let superblock = self.look(system, &node)?;
                Ok(Found {
                    base,
                    node,
                    superblock,
                })
            });
            match looked {
                Ok(member) => found.push(member),
                Err(why) => without.push((base, why)),
            }
        }
        Ok((found, without))
    }

    /// The superblock of a device, if it is one of this array.
    fn look(&self, system: &dyn System, node: &std::path::Path) -> Result<Member, LeftOut> {
        let superblock = md::member(&*system.look_into(node)?)?;
        if superblock.array != self.uuid {
            return Err(LeftOut::OtherArray(superblock.array));
        }
        if superblock.version != self.metadata || superblock.level != self.level.number() {
            return Err(LeftOut::OtherKind);
        }
        if superblock.features & feature::RESHAPE != 0 {
            return Err(LeftOut::Reshaped);
        }
        Ok(superblock)
    }

    /// Those that are up to date; why the others aren't is added to what the array goes without. The kernel compares the
    /// numbers in the same way (super_1_validate of drivers/md/md.c), but only since Linux 6.8 asks the newest superblock
    /// what a member is.
    fn current<'a>(
        &'a self,
        found: Vec<Found<'a>>,
        without: &mut Vec<(&'a Base, LeftOut)>,
    ) -> Vec<Found<'a>> {
        let newest = found.iter().max_by_key(|it| it.superblock.events);
        let Some(newest) = newest.map(|it| it.superblock.clone()) else {
            return Vec::new();
        };
        let mut current = Vec::new();
        for member in found {
            let (number, events) = (member.superblock.number, member.superblock.events);
            let is_active = |role| matches!(role, Some(Role::Active(_)));
            // One that waits to take another's place is nothing that the array goes without.
            if member.superblock.role() == Some(Role::Spare) {
                continue;
            }
            if events.saturating_add(1) < newest.events {
                without.push((member.base, LeftOut::Stale(events, newest.events)));
            } else if is_active(member.superblock.role()) && is_active(newest.role_of(number)) {
                current.push(member);
            } else {
                without.push((member.base, LeftOut::Inactive));
            }
        }
        current
    }
}
