//! The configuration of the capture program: TOML in its initramfs, written by `baton crash load`.
//!
//! Every value has a type that can hold nothing else than what can be carried out; these types are also those of
//! `/etc/baton/crash.toml`.

#[cfg(test)]
mod tests;

use crate::device::Device;
use crate::dump::Dump;
use crate::path::InitramfsFile;
use crate::system::Finally;
use crate::target::Target;
use baton_toml::Problem;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::time::Duration;

/// The path of the configuration in the initramfs.
pub const PATH: &str = "/etc/baton/capture.toml";

/// The configuration of the capture program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The time that the whole capture may take; then the final action is taken.
    pub deadline: Deadline,
    /// The final action, taken with or without a dump.
    pub finally: Finally,
    /// Whether the dump is read back before the final action.
    pub read_back: bool,
    /// How many dumps a directory keeps.
    pub keep: Keep,
    /// The files of kernel modules, in the order in which they are loaded.
    #[serde(default)]
    pub modules: Vec<InitramfsFile>,
    /// Which memory is dumped, and how.
    pub dump: Dump,
    /// The targets, at least one; each is tried if those before it fail.
    #[serde(default, serialize_with = "baton_toml::write_variants")]
    pub target: Vec<Target>,
}

/// The time that the whole capture may take, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Deadline(u32);

/// The deadlines that are allowed, in seconds.
const DEADLINES: RangeInclusive<u32> = 10..=86400;

/// The deadline is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} seconds are no deadline; give from {min} to {max}", min = DEADLINES.start(), max = DEADLINES.end())]
pub struct NoDeadline(u32);

impl Deadline {
    /// The deadline where none is configured.
    pub const DEFAULT: Deadline = Deadline(1800);

    /// The time.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl TryFrom<u32> for Deadline {
    type Error = NoDeadline;

    fn try_from(seconds: u32) -> Result<Deadline, NoDeadline> {
        match DEADLINES.contains(&seconds) {
            true => Ok(Deadline(seconds)),
            false => Err(NoDeadline(seconds)),
        }
    }
}

impl From<Deadline> for u32 {
    fn from(deadline: Deadline) -> u32 {
        deadline.0
    }
}

/// How many dumps a directory keeps, including the new one; the oldest are removed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Keep(u32);

/// No dump would be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("keeping 0 dumps would remove the one that was just taken; give 1 or more")]
pub struct KeepsNothing;

impl Keep {
    /// The number of dumps where none is configured.
    pub const DEFAULT: Keep = Keep(3);

    /// The number of dumps.
    #[must_use]
    pub fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl TryFrom<u32> for Keep {
    type Error = KeepsNothing;

    fn try_from(count: u32) -> Result<Keep, KeepsNothing> {
        match count {
            0 => Err(KeepsNothing),
            count => Ok(Keep(count)),
        }
    }
}

impl From<Keep> for u32 {
    fn from(keep: Keep) -> u32 {
        keep.0
    }
}

/// Why a configuration is rejected: one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The text isn't TOML, doesn't have the keys of a configuration, or a value is wrong.
    #[error("the capture configuration: {0}; docs/capture.md lists the keys")]
    Text(Problem),
    /// There is no target.
    #[error(
        "`target` in the capture configuration names no place for a dump; add a [[target]] with kind = \"filesystem\" \
         or \"raw\""
    )]
    NoTarget,
    /// A target's device has a path that doesn't exist while a crash is captured.
    #[error(
        "`target[{number}].device` in the capture configuration is \"{device}\", which udev or the device mapper \
         makes, and neither runs while a crash is captured; use UUID=…, PARTUUID=… or the device's own path, on a \
         disk or partition without LVM and encryption"
    )]
    NotThere {
        /// The target, counted from 0.
        number: usize,
        /// The device.
        device: Device,
    },
    /// The configuration can't be serialised.
    #[error("the capture configuration can't be written as TOML: {0}; report this as a bug")]
    Unwritable(String),
}

impl Config {
    /// Parses and validates a configuration.
    ///
    /// # Errors
    /// Names the line and the key, what is wrong with the value, and the fix.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let config: Config = baton_toml::read(text).map_err(ConfigError::Text)?;
        config.validate()?;
        Ok(config)
    }

    /// The configuration as text that [`Config::parse`] reads.
    ///
    /// # Errors
    /// As [`Config::validate`], since an invalid configuration isn't written.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        self.validate()?;
        toml::to_string(self).map_err(|e| ConfigError::Unwritable(e.to_string()))
    }

    /// Checks what the types of the values don't say.
    ///
    /// # Errors
    /// Names the key, what is wrong with it, and the fix.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.target.is_empty() {
            return Err(ConfigError::NoTarget);
        }
        for (target, number) in self.target.iter().zip(0..) {
            if let Some(device) = target.device().filter(|it| it.is_made_by_udev()) {
                let device = device.clone();
                return Err(ConfigError::NotThere { number, device });
            }
        }
        Ok(())
    }
}
