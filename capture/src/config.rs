//! What the capture program is told: TOML in its initramfs, written by `baton crash load`.

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
    /// Modules in the initramfs, in the order in which they are loaded.
    #[serde(default)]
    pub modules: Vec<String>,
    /// What of memory is written, and how.
    pub dump: Dump,
    /// Where to; the next is tried if one fails.
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
        /// `UUID=…`, `LABEL=…` or a device's path.
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
