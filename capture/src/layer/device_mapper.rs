//! A volume of the device mapper. Its table is recorded when the capture is loaded, and given to the kernel again after a
//! crash, without the programs that made it.

mod table;

pub use table::{Extent, Mapping, Segment, TableError, check};

use super::{Base, LayerError, Name, SetUp};
use crate::device::Device;
use crate::probe::lvm::{self, Id, VolumeGroup};
use crate::system::System;
use crate::wait;
use baton_sys::device_mapper::Target;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// A volume of the device mapper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Keys", into = "Keys")]
pub struct Volume {
    /// Its name.
    pub name: Name,
    /// Its UUID, which says what made it; may be empty.
    pub uuid: String,
    /// The devices that it lies on.
    pub leg: Vec<Leg>,
    /// What it consists of; devices are numbers of legs, from 0.
    pub table: Vec<Segment<usize>>,
    /// For a logical volume of LVM: its volume group when the capture was loaded.
    pub group: Option<VolumeGroup>,
}

/// A device that a volume lies on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Leg {
    /// The device.
    pub device: Base,
    /// For a logical volume of LVM: the identifier of the physical volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_volume: Option<Id>,
}

/// The keys of a volume, each valid by itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    name: Name,
    #[serde(default)]
    uuid: String,
    table: Vec<Segment<usize>>,
    leg: Vec<Leg>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<VolumeGroup>,
}

/// Why the keys of a volume don't fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// The UUID isn't one of the device mapper's.
    #[error("{0:?} is no UUID of the device mapper, which has at most 128 bytes on one line")]
    Uuid(String),
    /// The table is wrong.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A segment names a leg that isn't there.
    #[error("the table names the leg {0}, and there are {1}, counted from 0")]
    Leg(usize, usize),
    /// Either all legs are physical volumes of a group, or none is.
    #[error("a volume with a group has a physical volume in each leg, and one without has none")]
    Group,
}

impl TryFrom<Keys> for Volume {
    type Error = VolumeError;

    fn try_from(keys: Keys) -> Result<Volume, VolumeError> {
        let volume = Volume {
            name: keys.name,
            uuid: keys.uuid,
            leg: keys.leg,
            table: keys.table,
            group: keys.group,
        };
        volume.checked()
    }
}

impl From<Volume> for Keys {
    fn from(volume: Volume) -> Keys {
        Keys {
            name: volume.name,
            uuid: volume.uuid,
            table: volume.table,
            leg: volume.leg,
            group: volume.group,
        }
    }
}

impl Volume {
    /// The volume, if its parts fit together.
    ///
    /// # Errors
    /// When they don't.
    pub fn checked(self) -> Result<Volume, VolumeError> {
        // DM_UUID_LEN of include/uapi/linux/dm-ioctl.h
        if self.uuid.len() > 128 || self.uuid.contains(char::is_control) {
            return Err(VolumeError::Uuid(self.uuid));
        }
        check(&self.table)?;
        let legs = self.leg.len();
        for leg in self.table.iter().flat_map(Segment::devices) {
            if *leg >= legs {
                return Err(VolumeError::Leg(*leg, legs));
            }
        }
        let in_group = |leg: &Leg| leg.physical_volume.is_some() == self.group.is_some();
        if !self.leg.iter().all(in_group) {
            return Err(VolumeError::Group);
        }
        Ok(self)
    }

    /// Sets the volume up, if what it lies on is still what it was. Returns its node.
    pub(super) fn set_up(
        &self,
        system: &dyn System,
        below: &SetUp<'_>,
        timeout: Duration,
    ) -> Result<PathBuf, LayerError> {
        let nodes = self.wait_for_legs(system, below, timeout)?;
        if let Some(group) = &self.group {
            self.check_group(system, &nodes, group)?;
        }
        let made = system.make_volume(self.name.as_str(), &self.uuid, &self.targets(&nodes));
        made.map_err(|error| LayerError::Kernel {
            volume: self.name.clone(),
            error,
        })
    }

    /// The legs' nodes.
    fn wait_for_legs(
        &self,
        system: &dyn System,
        below: &SetUp<'_>,
        timeout: Duration,
    ) -> Result<Vec<PathBuf>, LayerError> {
        let begun = system.elapsed();
        let nodes = self.leg.iter().map(|leg| {
            let left = timeout.saturating_sub(system.elapsed().saturating_sub(begun));
            match &leg.device {
                Base::Device(device) => self.wait_for(system, device, left),
                Base::Layer(name) => below.node(name).ok_or_else(|| LayerError::Below {
                    volume: self.name.clone(),
                    missing: name.clone(),
                }),
            }
        });
        nodes.collect()
    }

    fn wait_for(
        &self,
        system: &dyn System,
        device: &Device,
        timeout: Duration,
    ) -> Result<PathBuf, LayerError> {
        let found = wait::for_device(system, device, timeout);
        let found = found.map_err(|missing| LayerError::Leg {
            volume: self.name.clone(),
            missing,
        })?;
        match found.ambiguity(device) {
            Some(ambiguity) => Err(LayerError::Ambiguous {
                volume: self.name.clone(),
                ambiguity,
            }),
            None => Ok(found.node),
        }
    }

    /// Checks that LVM hasn't changed its volume group.
    fn check_group(
        &self,
        system: &dyn System,
        nodes: &[PathBuf],
        then: &VolumeGroup,
    ) -> Result<(), LayerError> {
        let volume = || self.name.clone();
        let mut found = None;
        for (leg, node) in self.leg.iter().zip(nodes) {
            let device = || leg.device.clone();
            let source = system.look_into(node);
            let source = source.map_err(|error| LayerError::Unreadable {
                volume: volume(),
                leg: device(),
                error,
            })?;
            let now = lvm::physical_volume(&*source);
            let now = now.map_err(|error| LayerError::Lvm {
                volume: volume(),
                leg: device(),
                error,
            })?;
            if Some(&now.id) != leg.physical_volume.as_ref() {
                return Err(LayerError::OtherPhysicalVolume {
                    volume: volume(),
                    leg: device(),
                });
            }
            if let Some(now) = now.group {
                self.compare(then, &now)?;
                found = Some(now);
            }
        }
        let found = found.map(drop);
        found.ok_or_else(|| LayerError::NoGroup { volume: volume() })
    }

    fn compare(&self, then: &VolumeGroup, now: &VolumeGroup) -> Result<(), LayerError> {
        let volume = self.name.clone();
        let (then, now) = (Box::new(then.clone()), Box::new(now.clone()));
        if then.id != now.id {
            Err(LayerError::OtherGroup { volume, then, now })
        } else if then.seqno != now.seqno {
            Err(LayerError::Changed { volume, then, now })
        } else {
            Ok(())
        }
    }

    /// The table as the kernel takes it, with the legs' nodes.
    fn targets(&self, nodes: &[PathBuf]) -> Vec<Target> {
        let name = |leg: &usize| {
            let node = nodes.get(*leg);
            node.map(|node| node.display().to_string())
                .unwrap_or_default()
        };
        let segments = self.table.iter().map(|segment| segment.with(name));
        segments.map(|segment| segment.target()).collect()
    }
}
