//! What the capture program is told: TOML in its initramfs, written by `baton crash load`.
//!
//! [`Config`] is the text's own shape. [`Config::plan`] understands it, so that what a word means is
//! decided once; the capture program runs on the [`Plan`], and who writes a configuration makes one
//! to see that it would.

mod device;
mod error;
mod options;
mod plan;
#[cfg(test)]
mod tests;

pub use device::Device;
pub use error::{ConfigError, Problem};
pub use options::MountOptions;
pub use plan::{FileSystem, Place, Plan};

use serde::{Deserialize, Serialize};

/// Where it lies in the initramfs.
pub const PATH: &str = "/etc/baton/capture.toml";

/// All that the capture program knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Seconds for everything; when they are over, the final action is taken.
    pub deadline: u32,
    /// What follows, dump or no dump.
    pub finally: Finally,
    /// Reads what was written once more, before the end.
    pub read_back: bool,
    /// How many dumps a directory keeps, this one included; older ones go first.
    pub keep: u32,
    /// Modules' files in the initramfs, in the order in which they are loaded.
    #[serde(default)]
    pub modules: Vec<String>,
    /// What of memory is written, and how.
    pub dump: Dump,
    /// Where to; the next is tried if one fails.
    #[serde(default)]
    pub target: Vec<Target>,
}

/// What the machine does in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finally {
    /// Starts anew, through the firmware.
    Reboot,
    /// Stands still, for someone to look at.
    Halt,
    /// Turns itself off.
    Poweroff,
}

/// What of memory is written, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dump {
    /// makedumpfile's dump level, 0 to 31.
    pub level: u8,
    /// `kdump` or `elf`.
    pub format: String,
    /// `zstd`, `zstd:LEVEL`, `zlib`, `zlib:LEVEL` or `none`.
    pub compression: String,
}

/// One place for a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum Target {
    /// A directory of a file system.
    #[serde(rename_all = "kebab-case")]
    Filesystem {
        /// `UUID=…`, `LABEL=…`, `PARTUUID=…`, `PARTLABEL=…` or a device's path.
        device: String,
        /// Its type: `ext4`, `xfs`, `btrfs`, `vfat`.
        filesystem: String,
        /// Mount options, as mount(8) takes them after `-o`.
        #[serde(default)]
        options: String,
        /// Absolute, within the file system.
        directory: String,
    },
    /// A whole partition, whose contents are replaced.
    #[serde(rename_all = "kebab-case")]
    Raw {
        /// `PARTUUID=…`, `PARTLABEL=…` or a device's path.
        device: String,
    },
}

impl Config {
    /// Reads a configuration and sees that it can be carried out.
    ///
    /// # Errors
    /// Names the line or the key, what is wrong with it, and what is right.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|e| ConfigError::toml(text, &e))?;
        config.validate()?;
        Ok(config)
    }

    /// The configuration as text that [`Config::parse`] reads.
    ///
    /// # Errors
    /// As [`Config::validate`]: what couldn't be read isn't written.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        self.validate()?;
        toml::to_string(self).map_err(|e| ConfigError::Unwritable(e.to_string()))
    }

    /// Sees that it can be carried out.
    ///
    /// # Errors
    /// Names the key, what is wrong with it, and what is right.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.plan().map(drop)
    }

    /// What it says, understood.
    ///
    /// # Errors
    /// As [`Config::validate`].
    pub fn plan(&self) -> Result<Plan, ConfigError> {
        Plan::of(self)
    }
}
