//! What lies between the disks and a target's file system, and is set up after a crash before the file system can be
//! used. Each kind of layer has a file, with its keys in the configuration and what sets it up.

mod base;
pub mod device_mapper;
mod error;
pub mod md;
mod name;

#[cfg(test)]
mod tests;

pub use base::{Base, BaseError};
pub use device_mapper::Volume;
pub use error::LayerError;
pub use md::Array;
pub use name::{Name, NameError};

use crate::device::Device;
use crate::system::System;
use crate::wait::{self, DeviceError, FoundDevice};
use serde::{Deserialize, Serialize, Serializer};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// A volume of the device mapper.
    DeviceMapper(Volume),
    /// A RAID array of the kernel.
    Md(Array),
}

impl Layer {
    /// Its name, by which layers above call it.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Layer::DeviceMapper(volume) => &volume.name,
            Layer::Md(array) => &array.name,
        }
    }

    /// The layers and devices that it lies on.
    fn bases(&self) -> Vec<&Base> {
        match self {
            Layer::DeviceMapper(volume) => volume.leg.iter().map(|leg| &leg.device).collect(),
            Layer::Md(array) => array.member.iter().collect(),
        }
    }

    /// Whether it may go without one of those that it lies on.
    fn is_redundant(&self) -> bool {
        match self {
            Layer::DeviceMapper(volume) => volume.is_mirror(),
            Layer::Md(array) => array.level.is_redundant(),
        }
    }

    /// Sets it up. Returns its node, and what a person should know.
    fn set_up(
        &self,
        system: &dyn System,
        below: &SetUp<'_>,
        timeout: Duration,
    ) -> Result<(PathBuf, Vec<String>), LayerError> {
        match self {
            Layer::DeviceMapper(volume) => volume.set_up(system, below, timeout),
            Layer::Md(array) => array.set_up(system, below, timeout),
        }
    }

    /// Takes it down.
    fn take_down(&self, system: &dyn System, node: &Path) -> io::Result<()> {
        match self {
            Layer::DeviceMapper(volume) => system.remove_volume(volume.name.as_str()),
            Layer::Md(_) => system.stop_array(node),
        }
    }
}

/// The layers of a target, in the order in which they are set up; the last one has the file system. None if a disk or
/// partition has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Layer>")]
pub struct Layers(Vec<Layer>);

/// How many layers there may be.
const MOST: usize = 16;

/// Why layers don't fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayersError {
    /// A name is given twice.
    #[error("two layers are called {0}")]
    Twice(Name),
    /// A layer lies on one that doesn't come before it.
    #[error("{0} lies on {1}, which isn't set up before it")]
    Order(Name, Name),
    /// There are too many.
    #[error("there are {0} layers, and at most {MOST} are set up")]
    Many(usize),
}

impl TryFrom<Vec<Layer>> for Layers {
    type Error = LayersError;

    fn try_from(layers: Vec<Layer>) -> Result<Layers, LayersError> {
        if layers.len() > MOST {
            return Err(LayersError::Many(layers.len()));
        }
        let mut before: Vec<&Name> = Vec::new();
        for layer in &layers {
            for base in layer.bases() {
                if let Base::Layer(below) = base
                    && !before.contains(&below)
                {
                    return Err(LayersError::Order(layer.name().clone(), below.clone()));
                }
            }
            if before.contains(&layer.name()) {
                return Err(LayersError::Twice(layer.name().clone()));
            }
            before.push(layer.name());
        }
        Ok(Layers(layers))
    }
}

impl Serialize for Layers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        baton_toml::write_variants(&self.0, serializer)
    }
}

impl Layers {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, in the order in which they are set up.
    pub fn iter(&self) -> impl Iterator<Item = &Layer> {
        self.0.iter()
    }

    /// Waits for the device that is called so, once the layers are set up: with layers, it is the last of them. They stay
    /// until [`SetUp::take_down`] is called.
    ///
    /// # Errors
    /// When the device doesn't appear before the timeout, or a layer can't be set up. Nothing is left set up then.
    pub fn reach<'s>(
        &self,
        system: &'s dyn System,
        device: &Device,
        timeout: Duration,
    ) -> Result<(FoundDevice, SetUp<'s>), LayerError> {
        let mut set_up = SetUp {
            system,
            layers: Vec::new(),
            warnings: Vec::new(),
        };
        let found = self.reach_with(&mut set_up, device, timeout);
        if found.is_err() {
            for problem in set_up.take_down() {
                system.say(&problem);
            }
        }
        Ok((found?, set_up))
    }

    /// Whether what lies on this layer goes on without it.
    fn is_dispensable(&self, name: &Name) -> bool {
        let lies_on = |layer: &&Layer| {
            let mut bases = layer.bases().into_iter();
            bases.any(|base| matches!(base, Base::Layer(below) if below == name))
        };
        let mut above = self.0.iter().filter(lies_on).peekable();
        above.peek().is_some()
            && above.all(|layer| layer.is_redundant() || self.is_dispensable(layer.name()))
    }

    fn reach_with(
        &self,
        set_up: &mut SetUp<'_>,
        device: &Device,
        timeout: Duration,
    ) -> Result<FoundDevice, LayerError> {
        let system = set_up.system;
        let begun = system.elapsed();
        for layer in &self.0 {
            let left = timeout.saturating_sub(system.elapsed().saturating_sub(begun));
            // Whatever goes on without it may have to wait for others, too.
            let is_dispensable = self.is_dispensable(layer.name());
            let left = if is_dispensable { left / 2 } else { left };
            let (node, warnings) = match layer.set_up(system, set_up, left) {
                Err(error) if is_dispensable && error.is_absence() => {
                    set_up.warnings.push(error.to_string());
                    continue;
                }
                done => done?,
            };
            system.say(&format!("{} is set up", layer.name()));
            set_up.warnings.extend(warnings);
            set_up.layers.push((layer.clone(), node));
        }
        let Some((layer, node)) = set_up.layers.last() else {
            return Ok(wait::for_device(system, device, timeout)?);
        };
        let name = layer.name();
        match wait::carries(system, device, node) {
            Ok(true) => Ok(FoundDevice {
                node: node.clone(),
                others: Vec::new(),
                paths: Vec::new(),
            }),
            Ok(false) => Err(LayerError::OtherFileSystem {
                volume: name.clone(),
                device: device.clone(),
            }),
            Err(error) => Err(LayerError::Silent {
                volume: name.clone(),
                error,
            }),
        }
    }
}

/// Layers that are set up, each with its node.
pub struct SetUp<'s> {
    system: &'s dyn System,
    layers: Vec<(Layer, PathBuf)>,
    /// What a person should know of them.
    pub warnings: Vec<String>,
}

impl SetUp<'_> {
    /// The node of a layer. Those that others lie on come before them ([`Layers`]).
    fn node(&self, name: &Name) -> Result<&Path, DeviceError> {
        let mut layers = self.layers.iter();
        let found = layers.find(|(it, _)| it.name() == name);
        found.map(|(_, node)| node.as_path()).ok_or_else(|| {
            let nodes = self.layers.iter().map(|(_, node)| node.clone());
            DeviceError::Missing {
                device: Base::Layer(name.clone()).to_string(),
                waited: Duration::ZERO,
                seen: nodes.collect(),
                silent: Vec::new(),
            }
        })
    }

    /// Takes the layers down, the last one first. Returns what is wrong with those that stay.
    pub fn take_down(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        while let Some((layer, node)) = self.layers.pop() {
            if let Err(error) = layer.take_down(self.system, &node) {
                problems.push(format!("{} can't be taken down: {error}", layer.name()));
            }
        }
        problems
    }
}
