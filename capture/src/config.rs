//! The configuration of the capture program: TOML in its initramfs, written by `baton crash load`.
//!
//! [`Config`] mirrors the text. [`Config::plan`] interprets it in one place for both sides: the capture program
//! runs the [`Plan`], and `baton crash load` makes one to check the configuration.

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

/// The path of the configuration in the initramfs.
pub const PATH: &str = "/etc/baton/capture.toml";

/// The configuration of the capture program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The seconds that the whole capture may take; then the final action is taken.
    pub deadline: u32,
    /// The final action, taken with or without a dump.
    pub finally: Finally,
    /// Whether the dump is read back before the final action.
    pub read_back: bool,
    /// How many dumps a directory keeps, including the new one; the oldest are removed first.
    pub keep: u32,
    /// The files of kernel modules in the initramfs, in the order in which they are loaded.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Which memory is dumped, and how.
    pub dump: Dump,
    /// The targets; each is tried if those before it fail.
    #[serde(default)]
    pub target: Vec<Target>,
}

/// The final action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finally {
    /// Reboot through the firmware.
    Reboot,
    /// Halt, so that someone can look at the machine.
    Halt,
    /// Power off.
    Poweroff,
}

/// Which memory is dumped, and how.
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

/// A place for a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum Target {
    /// A directory of a file system.
    #[serde(rename_all = "kebab-case")]
    Filesystem {
        /// `UUID=…`, `LABEL=…`, `PARTUUID=…`, `PARTLABEL=…` or a device's path.
        device: String,
        /// The type of file system: `ext4`, `xfs`, `btrfs` or `vfat`.
        filesystem: String,
        /// Mount options, as mount(8) takes them after `-o`.
        #[serde(default)]
        options: String,
        /// The directory for dumps, as an absolute path within the file system.
        directory: String,
    },
    /// A whole partition, whose contents are overwritten.
    #[serde(rename_all = "kebab-case")]
    Raw {
        /// `PARTUUID=…`, `PARTLABEL=…` or a device's path.
        device: String,
    },
}

impl Config {
    /// Parses and validates a configuration.
    ///
    /// # Errors
    /// Names the line or the key, what is wrong with it, and the fix.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|e| ConfigError::toml(text, &e))?;
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

    /// Checks that the configuration can be carried out.
    ///
    /// # Errors
    /// Names the key, what is wrong with it, and the fix.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.plan().map(drop)
    }

    /// The plan that the configuration describes.
    ///
    /// # Errors
    /// As [`Config::validate`].
    pub fn plan(&self) -> Result<Plan, ConfigError> {
        Plan::of(self)
    }
}
