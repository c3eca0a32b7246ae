//! A volume of the device mapper. Its table is recorded when the capture is loaded, and given to the kernel again after a
//! crash, without the programs that made it.

mod table;

pub use table::{
    Cipher, CipherError, Description, Extent, Image, Key, KeyKind, Mapping, Mirror, MirrorLevel,
    Segment, TableError, check,
};

use super::base::NotFound;
use super::{Base, LayerError, Name, SetUp};
use crate::probe::luks::{self, LuksId};
use crate::probe::lvm::{self, Id, VolumeGroup};
use crate::system::System;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
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
    /// For an encrypted volume: the identifier in the LUKS header on its leg.
    pub luks: Option<LuksId>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    luks: Option<LuksId>,
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
    /// Nothing would tell after a crash that a part of it lies elsewhere by then.
    #[error(
        "it consists of several parts and isn't LVM's, so that nothing shows after a crash whether all of them are what they were"
    )]
    Unchecked,
    /// Either all legs are physical volumes of a group, or none is.
    #[error("a volume with a group has a physical volume in each leg, and one without has none")]
    Group,
    /// Nothing would tell after a crash that the encrypted volume was made anew.
    #[error(
        "an encrypted volume is one segment of the type crypt with the LUKS identifier of its only leg, and no other volume has one"
    )]
    Luks,
    /// A mirror lies on what nothing shows the changes of.
    #[error("a mirror is one segment, whose legs are volumes that are set up before")]
    Mirror,
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
            luks: keys.luks,
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
            luks: volume.luks,
        }
    }
}

/// ENOKEY, EKEYEXPIRED, EKEYREVOKED and EKEYREJECTED (include/uapi/asm-generic/errno.h).
fn is_about_a_key(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(126..=129))
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
        let is_mirror = self.is_mirror();
        let are_layers = || {
            self.leg
                .iter()
                .all(|leg| matches!(leg.device, Base::Layer(_)))
        };
        if is_mirror && !(self.table.len() == 1 && are_layers() && self.group.is_none()) {
            return Err(VolumeError::Mirror);
        }
        // Of one part, the file system's UUID is at its beginning, and the rest follows.
        let parts = self.table.iter().flat_map(Segment::devices).count();
        if self.group.is_none() && parts > 1 && !is_mirror {
            return Err(VolumeError::Unchecked);
        }
        let is_encrypted = self.table.iter().any(|segment| segment.cipher().is_some());
        let is_whole = legs == 1 && self.table.len() == 1 && self.group.is_none();
        if self.luks.is_some() != is_encrypted || (is_encrypted && !is_whole) {
            return Err(VolumeError::Luks);
        }
        Ok(self)
    }

    /// Whether it is kept on several devices, and can go without one of them.
    #[must_use]
    pub fn is_mirror(&self) -> bool {
        self.table.iter().any(|segment| segment.mirror().is_some())
    }

    /// The keys that it is encrypted with.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        let ciphers = self.table.iter().filter_map(Segment::cipher);
        ciphers.map(|cipher| &cipher.key)
    }

    /// Sets the volume up, if what it lies on is still what it was. Returns its node, and what it goes without.
    pub(super) fn set_up(
        &self,
        system: &dyn System,
        below: &SetUp<'_>,
        timeout: Duration,
    ) -> Result<(PathBuf, Vec<String>), LayerError> {
        if self.is_mirror() {
            return self.set_up_mirror(system, below);
        }
        let nodes = self.wait_for_legs(system, below, timeout)?;
        if let Some(group) = &self.group {
            self.check_group(system, &nodes, group)?;
        }
        if let Some(luks) = &self.luks {
            self.check_luks(system, &nodes, luks)?;
            let restored = system.restore_keys();
            restored.map_err(|error| LayerError::Keys {
                volume: self.name.clone(),
                error,
            })?;
        }
        let node = self.make(system, &self.table, |leg| {
            nodes.get(leg).map(PathBuf::as_path)
        })?;
        Ok((node, Vec::new()))
    }

    /// Sets a mirror up from those copies whose volumes are set up. They were found to be what they were.
    fn set_up_mirror(
        &self,
        system: &dyn System,
        below: &SetUp<'_>,
    ) -> Result<(PathBuf, Vec<String>), LayerError> {
        let node = |leg: usize| match &self.leg.get(leg)?.device {
            Base::Layer(name) => below.node(name).ok(),
            Base::Device(_) | Base::Paths(_) => None,
        };
        let remaining = self.table.iter().map(|segment| {
            let mirror = segment.mirror()?;
            let mirror = mirror.without(|leg| node(*leg).is_some())?;
            Some(Segment {
                mapping: Mapping::Mirror(mirror),
                ..segment.clone()
            })
        });
        let remaining = remaining.collect::<Option<Vec<_>>>();
        let remaining = remaining.ok_or_else(|| LayerError::NoCopy {
            volume: self.name.clone(),
        })?;
        let node = self.make(system, &remaining, node)?;
        let warning = format!("the volume {} goes without one of its copies", self.name);
        let is_whole = remaining == self.table;
        Ok((node, Vec::from_iter((!is_whole).then_some(warning))))
    }

    /// Has the kernel make the volume with a table whose legs have these nodes.
    fn make<'n>(
        &self,
        system: &dyn System,
        table: &[Segment<usize>],
        node: impl Fn(usize) -> Option<&'n Path>,
    ) -> Result<PathBuf, LayerError> {
        let name = |leg: &usize| {
            let node = node(*leg).ok_or(VolumeError::Leg(*leg, self.leg.len()))?;
            Ok::<_, VolumeError>(node.display().to_string())
        };
        let segments = table.iter().map(|segment| segment.try_with(name));
        let targets = segments.map(|segment| Ok(segment?.target()));
        let targets: Result<Vec<_>, _> = targets.collect();
        let targets = targets.map_err(|error| LayerError::Volume {
            volume: self.name.clone(),
            error,
        })?;
        let made = system.make_volume(self.name.as_str(), &self.uuid, &targets);
        made.map_err(|error| {
            let volume = self.name.clone();
            match self.keys().next().filter(|_| is_about_a_key(&error)) {
                Some(key) => LayerError::NoKey {
                    volume,
                    key: key.description.clone(),
                    error,
                },
                None => LayerError::Kernel { volume, error },
            }
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
            let found = leg.device.wait_for(system, below, left);
            found.map_err(|error| match error {
                NotFound::Missing(missing) => LayerError::Leg {
                    volume: self.name.clone(),
                    missing,
                },
                NotFound::Twice(ambiguity) => LayerError::Ambiguous {
                    volume: self.name.clone(),
                    ambiguity,
                },
            })
        });
        nodes.collect()
    }

    /// Checks that the encrypted volume wasn't made anew.
    fn check_luks(
        &self,
        system: &dyn System,
        nodes: &[PathBuf],
        then: &LuksId,
    ) -> Result<(), LayerError> {
        for (leg, node) in self.leg.iter().zip(nodes) {
            let source = system.look_into(node);
            let now = source.and_then(|source| luks::id(&*source));
            let now = now.map_err(|error| LayerError::Unreadable {
                volume: self.name.clone(),
                leg: leg.device.clone(),
                error,
            })?;
            if now.as_ref() != Some(then) {
                return Err(LayerError::OtherLuks {
                    volume: self.name.clone(),
                    leg: leg.device.clone(),
                    then: then.clone(),
                });
            }
        }
        Ok(())
    }

    /// Checks that LVM hasn't changed its volume group.
    fn check_group(
        &self,
        system: &dyn System,
        nodes: &[PathBuf],
        then: &VolumeGroup,
    ) -> Result<(), LayerError> {
        let volume = || self.name.clone();
        let mut is_in_group = false;
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
                self.compare(then, &leg.device, &now)?;
                is_in_group = true;
            }
        }
        if is_in_group {
            Ok(())
        } else {
            Err(LayerError::NoGroup { volume: volume() })
        }
    }

    /// Compares the group as it was with what a leg says of it.
    fn compare(&self, then: &VolumeGroup, leg: &Base, now: &VolumeGroup) -> Result<(), LayerError> {
        let (volume, leg) = (self.name.clone(), leg.clone());
        let (then, now) = (Box::new(then.clone()), Box::new(now.clone()));
        if then.id != now.id {
            Err(LayerError::OtherGroup {
                volume,
                leg,
                then,
                now,
            })
        } else if then.seqno != now.seqno {
            Err(LayerError::Changed {
                volume,
                leg,
                then,
                now,
            })
        } else {
            Ok(())
        }
    }
}
