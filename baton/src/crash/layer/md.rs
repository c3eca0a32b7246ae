//! RAID arrays of the kernel (md).

use super::{Finder, device_mapper};
use crate::crash::needs::Needs;
use crate::crash::probe;
use crate::failure::Result;
use crate::failure::problem::Problem;
use baton_capture::layer::md::{Array, Level};
use baton_capture::layer::{Layer, Name};
use baton_capture::probe::md::{ArrayId, Member, Minor, feature};
use baton_sys::block::BlockDevice;

#[cfg(test)]
mod tests;

/// Adds an array, after what is below it, and the partition of it that the device is; `None` if the disk is no array.
/// Returns the name of what was added last.
pub fn add(finder: &mut Finder<'_>, device: &BlockDevice) -> Result<Option<Name>> {
    let disk = device.disk();
    if !disk.has("md") {
        return Ok(None);
    }
    let mut look = Look {
        finder,
        disk: &disk,
    };
    let name = look.name()?;
    if look.finder.layers.iter().all(|layer| *layer.name() != name) {
        let (array, words) = look.array(&name)?;
        look.finder.layers.push(Layer::Md(array));
        look.finder.words.push(words);
    }
    if device.is_partition() {
        return device_mapper::add_partition(finder, device, name).map(Some);
    }
    Ok(Some(name))
}

/// Adds the modules that an array needs.
pub fn require(array: &Array, needs: &mut Needs<'_>) -> std::result::Result<(), Problem> {
    let purpose = format!("to assemble the array {}", array.name);
    needs.must("md_mod", &purpose)?;
    // MODULE_ALIAS of drivers/md/raid1.c and those beside it
    needs.must(&format!("md-{}", array.level), &purpose)
}

/// A look at one array.
struct Look<'l, 'r> {
    finder: &'l mut Finder<'r>,
    disk: &'l BlockDevice,
}

impl Look<'_, '_> {
    fn problem(&self, why: impl ToString, help: &'static str) -> Problem {
        Problem::Volume {
            target: self.finder.target.to_owned(),
            volume: self.disk.name.clone(),
            why: why.to_string(),
            help,
        }
    }

    fn refused(&self, kind: &str, help: &'static str) -> Problem {
        Problem::Stacked {
            target: self.finder.target.to_owned(),
            device: self.disk.name.clone(),
            kind: kind.to_owned(),
            help,
        }
    }

    fn attribute(&self, name: &str) -> String {
        let value = self.disk.attribute(&format!("md/{name}"));
        value.unwrap_or_default()
    }

    fn name(&self) -> Result<Name> {
        let name = Name::try_from(self.disk.name.clone());
        Ok(name.map_err(|error| self.problem(error, OTHER))?)
    }

    /// The array, and what it consists of in words.
    fn array(&mut self, name: &Name) -> Result<(Array, String)> {
        let level = self.level()?;
        let metadata = self.metadata()?;
        if !matches!(self.attribute("reshape_position").as_str(), "" | "none") {
            return Err(self.problem("it is being reshaped", RESHAPED).into());
        }
        let devices = self.devices()?;
        let mut uuid: Option<ArrayId> = None;
        let mut member = Vec::new();
        for device in &devices {
            let found = self.superblock(device, metadata)?;
            match &uuid {
                Some(uuid) if *uuid != found.array => {
                    let why = format!(
                        "the superblock on {} is of the array {}, and others are of {uuid}",
                        device.name, found.array
                    );
                    return Err(self.problem(why, EXAMINE).into());
                }
                _ => uuid = Some(found.array),
            }
            member.push(self.finder.base(device, &self.disk.name, None)?);
        }
        let Some(uuid) = uuid else {
            return Err(self.problem("all of its members failed", EXAMINE).into());
        };
        let on: Vec<&str> = devices.iter().map(|it| it.name.as_str()).collect();
        let degraded = match self.attribute("degraded").as_str() {
            "" | "0" => String::new(),
            missing => format!(", of which {missing} more are missing (degraded)"),
        };
        let words = format!("{name} is {level} on {}{degraded}", on.join(", "));
        let array = Array {
            name: name.clone(),
            uuid,
            level,
            metadata,
            member,
        };
        Ok((array, words))
    }

    fn level(&self) -> Result<Level> {
        let level = self.attribute("level");
        let known = Level::ALL.into_iter().find(|it| it.name() == level);
        Ok(known.ok_or_else(|| {
            let kind = format!("a RAID array of level {level} (md)");
            self.refused(&kind, OTHER_LEVEL)
        })?)
    }

    fn metadata(&self) -> Result<Minor> {
        let version = self.attribute("metadata_version");
        Ok(match version.as_str() {
            "1.0" => Minor::End,
            "1.1" => Minor::Beginning,
            "1.2" => Minor::Behind,
            "0.90" => {
                let kind = "a RAID array with superblocks of version 0.90 (md)";
                return Err(self.refused(kind, OLD).into());
            }
            other if other.starts_with("external:") => {
                let kind = format!("a RAID array that mdmon keeps the metadata of ({other})");
                return Err(self.refused(&kind, OTHER).into());
            }
            other => {
                let kind = format!("a RAID array without superblocks (md, metadata {other:?})");
                return Err(self.refused(&kind, OTHER).into());
            }
        })
    }

    /// The members that haven't failed: also those that are being rebuilt, or wait for that. They may be in sync when the
    /// kernel crashes, and nobody is told when they are.
    fn devices(&self) -> Result<Vec<BlockDevice>> {
        let mut devices = Vec::new();
        for name in self.disk.slaves() {
            let state = self.attribute(&format!("dev-{name}/state"));
            if state.split(',').any(|it| it == "faulty") {
                continue;
            }
            let device = BlockDevice::by_name(self.finder.root, &name)?;
            let why = || format!("its member {name} isn't there");
            devices.push(device.ok_or_else(|| self.problem(why(), EXAMINE))?);
        }
        Ok(devices)
    }

    /// What a member says, if a capture can do with it.
    fn superblock(&self, device: &BlockDevice, metadata: Minor) -> Result<Member> {
        let found = probe::member(self.finder.root, device);
        let found = found.ok_or_else(|| {
            let why = format!("{} can't be read to find its superblock", device.name);
            self.problem(why, "check the disk")
        })?;
        let found = found
            .map_err(|error| self.problem(format!("{}: {error}", device.name), error.help()))?;
        if found.version != metadata {
            let why = format!("the superblock on {} is in another place", device.name);
            return Err(self.problem(why, EXAMINE).into());
        }
        if found.features & feature::CLUSTERED != 0 {
            return Err(self.refused("a RAID array of a cluster (md)", OTHER).into());
        }
        if found.features & (feature::JOURNAL | feature::PPL) != 0 {
            return Err(self
                .refused("a RAID array with a journal (md)", OTHER)
                .into());
        }
        if found.features & feature::RESHAPE != 0 {
            return Err(self.problem("it is being reshaped", RESHAPED).into());
        }
        Ok(found)
    }
}

const OTHER: &str = "a capture can't assemble that, so name a target on a disk, a partition, or a RAID array of level 0, 1 or 10 with superblocks of version 1";
const OTHER_LEVEL: &str = "a capture can't assemble that yet, so name a target on a disk, a partition, or a RAID array of level 0, 1 or 10";
const OLD: &str =
    "convert it while it is stopped (`mdadm --assemble --update=metadata`), or name another target";
const RESHAPED: &str = "load again once that is done (`baton crash load`)";
const EXAMINE: &str = "check the array (`mdadm --detail`, `mdadm --examine`)";
