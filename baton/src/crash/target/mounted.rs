//! A directory as it is mounted here. The capture program gets it as a directory of its file system.

use super::filesystem::{self, FoundFilesystem};
use super::{FindTarget, FoundTarget};
use crate::crash::layer::Stack;
use crate::crash::names;
use crate::failure::Result;
use crate::failure::problem::Problem;
use baton_capture::device::Device;
use baton_capture::file_system::FileSystem;
use baton_capture::layer::Layers;
use baton_capture::mount_options::MountOptions;
use baton_capture::path::Directory;
use baton_capture::target::FilesystemTarget;
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use baton_sys::mounts::{self, Mount};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A directory that is mounted now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mounted {
    /// The path of the directory here.
    pub directory: Directory,
}

impl FindTarget for Mounted {
    fn find(&self, root: &Root, mounts: &[Mount]) -> Result<Box<dyn FoundTarget>> {
        let nowhere = || Problem::NotMounted {
            directory: self.directory.to_string(),
        };
        let path = real(root, self.directory.below_root()).ok_or_else(nowhere)?;
        let mount = mounts::holding(mounts, &path).ok_or_else(nowhere)?;
        let device = device_of(root, mount)?.ok_or_else(|| Problem::NoBlockDevice {
            directory: self.directory.to_string(),
            filesystem: mount.filesystem.clone(),
            origin: mount.source.clone(),
        })?;
        let path_of_device = Device::Path(format!("/dev/{}", device.name).into());
        let uuid = names::uuid(root, &device);
        let (called, mut notes) = filesystem::stable(path_of_device, &device, uuid);
        if mount.read_only {
            notes.push(format!(
                "{} is mounted read-only here; a capture mounts it for writing",
                mount.point.display()
            ));
        }
        let found = FoundFilesystem {
            config: self.config(mount, &path, called)?,
            mounted_at: Some(mount.point.clone()),
            device,
            stack: Stack::default(),
            notes,
        };
        found.checked(root, mounts, &self.name())
    }

    fn dumps(&self, _: &Root, _: &[Mount]) -> Result<PathBuf> {
        Ok(self.directory.path())
    }
}

impl Mounted {
    /// The name of the target in messages.
    fn name(&self) -> String {
        format!("target {}", self.directory)
    }

    fn config(&self, mount: &Mount, path: &Path, device: Device) -> Result<FilesystemTarget> {
        let filesystem = filesystem::of_mount(mount, &self.name())?;
        let mut options = MountOptions::default();
        if filesystem == FileSystem::Btrfs {
            // The path below a subvolume's root is a path below the root of the whole file system, which is the
            // subvolume with the number 5 (BTRFS_FS_TREE_OBJECTID of include/uapi/linux/btrfs_tree.h).
            options.push("subvolid=5");
        }
        let below = path.strip_prefix(&mount.point).unwrap_or(path);
        let directory = mount.root.join(below).display().to_string();
        let directory =
            Directory::try_from(directory).map_err(|problem| Problem::BadDirectory {
                target: self.name(),
                problem,
            })?;
        Ok(FilesystemTarget {
            device,
            filesystem,
            options,
            directory,
            layers: Layers::default(),
        })
    }
}

/// A path below `/` whose links are followed as far as it exists; what doesn't exist yet is made by the first dump.
fn real(root: &Root, below: &Path) -> Option<PathBuf> {
    let base = std::fs::canonicalize(root.join("")).ok()?;
    below.ancestors().find_map(|there| {
        let whole = std::fs::canonicalize(root.join(there)).ok()?;
        let missing = below.strip_prefix(there).ok()?;
        let real = Path::new("/").join(whole.strip_prefix(&base).ok()?);
        Some(if missing.as_os_str().is_empty() {
            real
        } else {
            real.join(missing)
        })
    })
}

/// The device of a mount, by its numbers; but btrfs has numbers of its own, and names one of its devices as the
/// source.
fn device_of(root: &Root, mount: &Mount) -> Result<Option<BlockDevice>> {
    Ok(match mount.device.0 {
        0 if mount.source.starts_with("/dev/") => {
            BlockDevice::by_path(root, Path::new(&mount.source))?
        }
        _ => BlockDevice::by_number(root, mount.device)?,
    })
}
