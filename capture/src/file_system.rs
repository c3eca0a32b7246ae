//! The types of file systems that dumps are written to.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The driver of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum FileSystem {
    /// ext4, also for file systems made as ext2 or ext3.
    Ext4,
    /// XFS.
    Xfs,
    /// Btrfs.
    Btrfs,
    /// FAT with long names; its files are smaller than 4 GiB.
    Vfat,
}

/// Dumps aren't written to file systems of this type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "dumps aren't written to file systems of the type \"{0}\"; use \"ext4\" (also for ext2 and ext3), \"xfs\", \
     \"btrfs\" or \"vfat\""
)]
pub struct UnknownFileSystem(String);

impl FileSystem {
    /// The name that mount(2) takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FileSystem::Ext4 => "ext4",
            FileSystem::Xfs => "xfs",
            FileSystem::Btrfs => "btrfs",
            FileSystem::Vfat => "vfat",
        }
    }
}

impl TryFrom<String> for FileSystem {
    type Error = UnknownFileSystem;

    fn try_from(word: String) -> Result<FileSystem, UnknownFileSystem> {
        match word.as_str() {
            "ext2" | "ext3" | "ext4" => Ok(FileSystem::Ext4),
            "xfs" => Ok(FileSystem::Xfs),
            "btrfs" => Ok(FileSystem::Btrfs),
            "vfat" => Ok(FileSystem::Vfat),
            _ => Err(UnknownFileSystem(word)),
        }
    }
}

impl From<FileSystem> for String {
    fn from(filesystem: FileSystem) -> String {
        filesystem.name().to_owned()
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
