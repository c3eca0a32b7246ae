//! What lies between the disks and a target's file system: looked up here, and recorded so that a capture can set it up
//! again. Each kind of layer has a file; what the capture program does is in `capture/src/layer`.

mod device_mapper;
mod md;
mod multipath;

#[cfg(test)]
mod tests;

use super::assembled::assembled;
use super::needs::Needs;
use super::{names, probe};
use crate::failure::problem::Problem;
use crate::failure::{Cause, Failure, Result};
use baton_capture::device::Device;
use baton_capture::layer::{Base, Layer, Layers, Name};
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is below a file system.
#[derive(Debug, Default)]
pub struct Stack {
    /// The layers, as the capture program reads them; none if a disk or partition has the file system.
    pub layers: Layers,
    /// The disks and partitions below all of them.
    disks: Vec<BlockDevice>,
    /// What each layer consists of, in words.
    words: Vec<String>,
}

impl Stack {
    /// Looks up what is below the device of the target that is called `target` in messages.
    ///
    /// # Errors
    /// When a capture couldn't set it up.
    pub fn below(root: &Root, device: &BlockDevice, target: &str) -> Result<Stack> {
        let begun = Instant::now();
        loop {
            match Stack::look(root, device, target) {
                Err(failure) if is_changing(&failure) && begun.elapsed() < PATIENCE => {
                    sleep(INTERVAL);
                }
                found => return found,
            }
        }
    }

    fn look(root: &Root, device: &BlockDevice, target: &str) -> Result<Stack> {
        let mut finder = Finder {
            root,
            target,
            layers: Vec::new(),
            disks: Vec::new(),
            words: Vec::new(),
            way: Vec::new(),
        };
        finder.add(device)?;
        let layers = Layers::try_from(finder.layers).map_err(|error| Problem::Volume {
            target: target.to_owned(),
            volume: device.name.clone(),
            why: error.to_string(),
            help: "name a target on fewer layers",
        })?;
        Ok(Stack {
            layers,
            disks: finder.disks,
            words: finder.words,
        })
    }

    /// What has the file system, in words: the name of the last layer, or of the device where there is none.
    #[must_use]
    pub fn top(&self, device: &BlockDevice) -> String {
        let top = self.layers.iter().last();
        top.map_or_else(|| device.name.clone(), |it| it.name().to_string())
    }

    /// What the layers consist of, in words, the last one first; empty if there is none.
    #[must_use]
    pub fn describe(&self) -> String {
        let words = self.words.iter().rev().map(|it| format!("; {it}"));
        words.collect()
    }

    /// Whether a device is one of several paths to a disk here, or a partition that is seen on one: a capture takes any.
    #[must_use]
    pub fn is_path(&self, root: &Root, name: &str) -> bool {
        multipath::is_path(&self.disks, name, root)
    }

    /// The file system is spread over other disks and partitions, too.
    pub fn spread_over(&mut self, others: Vec<BlockDevice>) {
        let names: Vec<&str> = others.iter().map(|it| it.name.as_str()).collect();
        self.words.push(format!("also on {}", names.join(", ")));
        self.disks.extend(others);
    }

    /// Adds the modules that the layers and disks need.
    ///
    /// # Errors
    /// Names the first that is missing, and what needs it.
    pub fn require(&self, needs: &mut Needs<'_>) -> std::result::Result<(), Problem> {
        for layer in self.layers.iter() {
            match layer {
                Layer::DeviceMapper(volume) => device_mapper::require(volume, needs)?,
                Layer::Md(array) => md::require(array, needs)?,
            }
        }
        let mut disks = self.disks.iter();
        disks.try_for_each(|disk| needs.device(disk))
    }
}

/// How long a volume that is being changed is waited for, and how often it is looked at: a command of LVM's suspends a
/// volume, and writes what it is to one disk after the other, within a second or so. Its first write may be what has a
/// capture loaded anew.
const PATIENCE: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_millis(50);

fn is_changing(failure: &Failure) -> bool {
    matches!(
        *failure.cause,
        Cause::Capture(Problem::VolumeChanging { .. })
    )
}

/// What is found on the way down.
struct Finder<'r> {
    root: &'r Root,
    target: &'r str,
    layers: Vec<Layer>,
    disks: Vec<BlockDevice>,
    words: Vec<String>,
    /// The devices above. A machine that is described may have one that lies on itself.
    way: Vec<String>,
}

impl Finder<'_> {
    /// Adds a device after all that is below it. Returns its name if it is a layer.
    fn add(&mut self, device: &BlockDevice) -> Result<Option<Name>> {
        let disk = device.disk();
        if self.way.contains(&disk.name) {
            return Err(self.stacked(&disk, "a part of itself"));
        }
        self.way.push(disk.name.clone());
        if multipath::add(self, &disk)?.is_some() {
            self.way.pop();
            return Ok(None);
        }
        let layer = match device_mapper::add(self, &disk)? {
            None => md::add(self, device)?,
            volume => volume,
        };
        self.way.pop();
        if layer.is_none() {
            if let Some(kind) = assembled(&disk) {
                return Err(self.stacked(&disk, &kind));
            }
            self.disks.push(device.clone());
        }
        Ok(layer)
    }

    /// The name that a device of the volume or array has after a crash. It may also be known by what is on it.
    fn base(
        &mut self,
        device: &BlockDevice,
        volume: &str,
        contents: Option<Device>,
    ) -> Result<Base> {
        if let Some(name) = self.add(device)? {
            return Ok(Base::Layer(name));
        }
        if let Some(paths) = multipath::base(self, device)? {
            return Ok(paths);
        }
        let root = self.root;
        let own = if device.is_partition() {
            names::part_uuid(root, device)
        } else {
            names::identity(root, device)?
        };
        let help = own.as_ref().filter(|_| device.is_partition()).map_or(
            "lay the volume on a partition of a GPT",
            Device::when_shared,
        );
        for name in [own, contents].into_iter().flatten() {
            let is_right = probe::carries(root, device, &name) != Some(false);
            if is_right && names::others(root, device, &name)?.is_empty() {
                return Ok(Base::Device(name));
            }
        }
        let why = format!(
            "{} has no name that it alone has, also after a crash (PARTUUID, WWN or serial number)",
            device.name
        );
        Err(Problem::Volume {
            target: self.target.to_owned(),
            volume: volume.to_owned(),
            why,
            help,
        }
        .into())
    }

    fn stacked(&self, disk: &BlockDevice, kind: &str) -> Failure {
        Problem::stacked(self.target, &disk.name, kind).into()
    }
}
