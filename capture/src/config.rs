//! The configuration of the capture program: TOML in its initramfs, written by `baton crash load`.
//!
//! Every value has a type that can hold nothing else than what can be carried out; these types are also those of
//! `/etc/baton/crash.toml`.

#[cfg(test)]
mod tests;

use crate::cluster::FenceKdump;
use crate::device::Device;
use crate::dump::Dump;
use crate::layer::{Layer, Layers, Volume};
use crate::path::InitramfsFile;
use crate::system::Finally;
use crate::target::{FilesystemTarget, Target};
use baton_toml::{Number, TomlError};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;

/// The path of the configuration in the initramfs.
pub const PATH: &str = "/etc/baton/capture.toml";

/// The configuration of the capture program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The time that the whole capture may take; then the final action is taken.
    pub deadline: Deadline,
    /// The time that nothing may be written or read in; then the final action is taken, too.
    pub progress_timeout: ProgressTimeout,
    /// The final action, taken with or without a dump.
    pub finally: Finally,
    /// Whether the dump is read back before the final action.
    pub read_back: bool,
    /// How many dumps a directory keeps.
    pub keep: Keep,
    /// The files of kernel modules, in the order in which they are loaded.
    #[serde(default)]
    pub modules: Vec<InitramfsFile>,
    /// The identities of the watchdogs that are fed: those that run when the kernel crashes.
    #[serde(default)]
    pub watchdogs: Vec<String>,
    /// The nodes of a cluster that are told of the capture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence_kdump: Option<FenceKdump>,
    /// Which memory is dumped, and how.
    pub dump: Dump,
    /// The targets; each is tried if those before it fail. At least one, unless there is a place for the log.
    #[serde(
        default,
        deserialize_with = "targets",
        serialize_with = "baton_toml::write_variants"
    )]
    pub target: Vec<Target>,
    /// Where the kernel log goes if no target takes it.
    #[serde(
        default,
        deserialize_with = "place",
        skip_serializing_if = "Option::is_none"
    )]
    pub log: Option<FilesystemTarget>,
}

/// The time that the whole capture may take, in seconds.
pub type Deadline = Number<10, 86400>;

/// The time without progress after which a capture is given up, in seconds. A disk that is asleep takes half a minute.
pub type ProgressTimeout = Number<60, 86400>;

/// How many dumps a directory keeps, including the new one; the oldest are removed first.
pub type Keep = Number<1, { u32::MAX }>;

/// Why a configuration is rejected: one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The text isn't TOML, doesn't have the keys of a configuration, or a value is wrong.
    #[error("the capture configuration: {0}; docs/capture.md lists the keys")]
    Text(TomlError),
    /// A crash would leave nothing.
    #[error(
        "the capture configuration: there is neither a target nor a place for the log; add a [[target]]"
    )]
    Nowhere,
    /// The configuration can't be serialised.
    #[error("the capture configuration can't be written as TOML: {0}; report this as a bug")]
    Unwritable(String),
}

/// A target whose device can be there while a crash is captured.
#[derive(Deserialize)]
#[serde(try_from = "Target")]
struct Reachable(Target);

/// A target's device is a path that isn't there while a crash is captured.
#[derive(Debug, thiserror::Error)]
#[error(
    "udev or LVM makes {0}, and neither runs while a crash is captured; use UUID=…, PARTUUID=… or the device's own path"
)]
struct MadeByUdev(Device);

impl TryFrom<Target> for Reachable {
    type Error = MadeByUdev;

    fn try_from(target: Target) -> Result<Reachable, MadeByUdev> {
        target.kind().device().map_or(Ok(()), reachable)?;
        Ok(Reachable(target))
    }
}

fn reachable(device: &Device) -> Result<(), MadeByUdev> {
    if device.is_made_by_udev() {
        return Err(MadeByUdev(device.clone()));
    }
    Ok(())
}

fn place<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<FilesystemTarget>, D::Error> {
    let place = FilesystemTarget::deserialize(deserializer)?;
    reachable(&place.device).map_err(D::Error::custom)?;
    Ok(Some(place))
}

fn targets<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<Target>, D::Error> {
    let targets = Vec::<Reachable>::deserialize(deserializer)?;
    Ok(targets.into_iter().map(|it| it.0).collect())
}

impl Config {
    /// All layers of all targets, and of the place for the log.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        let of_targets = self.target.iter().filter_map(Target::layers);
        let of_log = self.log.iter().map(|place| &place.layers);
        of_targets.chain(of_log).flat_map(Layers::iter)
    }

    /// The names of the keys that these are encrypted with, each once.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let volumes = self.layers().filter_map(|layer| match layer {
            Layer::DeviceMapper(volume) => Some(volume),
            Layer::Md(_) => None,
        });
        let keys = volumes.flat_map(Volume::keys);
        let names: BTreeSet<&str> = keys.map(|key| key.description.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Parses a configuration.
    ///
    /// # Errors
    /// Names the line and the key, what is wrong with the value, and the fix.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let config: Config = baton_toml::read(text).map_err(ConfigError::Text)?;
        if config.target.is_empty() && config.log.is_none() {
            return Err(ConfigError::Nowhere);
        }
        Ok(config)
    }

    /// The configuration as text that [`Config::parse`] reads as the same.
    ///
    /// # Errors
    /// When it can't be read as the same, as without a target.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        let text = toml::to_string(self).map_err(|e| ConfigError::Unwritable(e.to_string()))?;
        if Config::parse(&text)? == *self {
            Ok(text)
        } else {
            Err(ConfigError::Unwritable("it reads back differently".into()))
        }
    }
}
