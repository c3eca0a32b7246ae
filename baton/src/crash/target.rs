//! From a target as it is asked for to one that the capture program finds, and the device that it needs.

use super::names;
use super::problem::Problem;
use super::settings::Wanted;
use crate::failure::{Failure, Result};
use baton_capture::config::{self, Device};
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use baton_sys::mounts::{self, Mount};
use std::path::{Path, PathBuf};

/// A target with all that is known of it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As the capture program is told.
    pub told: config::Target,
    /// Where it lies.
    pub device: BlockDevice,
    /// The type of its file system.
    pub filesystem: Option<String>,
    /// Where that file system is mounted here, if it is.
    pub mounted_at: Option<PathBuf>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl Target {
    /// In words: the place and its device.
    #[must_use]
    pub fn described(&self) -> String {
        match &self.told {
            config::Target::Filesystem {
                device,
                filesystem,
                directory,
                ..
            } => format!(
                "{directory} of {filesystem} on {} ({device})",
                self.device.name
            ),
            config::Target::Raw { device } => format!("raw on {} ({device})", self.device.name),
        }
    }
}

/// Looks for a target on this machine.
///
/// # Errors
/// When it isn't here, or can't be used in a capture.
pub fn resolve(root: &Root, mounts: &[Mount], wanted: &Wanted) -> Result<Target> {
    let name = wanted.to_string();
    let target = match wanted {
        Wanted::Mounted { directory } => mounted(root, mounts, directory)?,
        Wanted::Filesystem {
            device,
            filesystem,
            options,
            directory,
        } => {
            let found = find(root, device, &name)?;
            let mount = mount_of(mounts, &found);
            let filesystem = filesystem
                .clone()
                .or_else(|| mount.map(|mount| mount.filesystem.clone()))
                .ok_or_else(|| Problem::UnknownFileSystem {
                    target: name.clone(),
                })?;
            Target {
                told: config::Target::Filesystem {
                    device: device.clone(),
                    filesystem: driver_of(&filesystem).to_owned(),
                    options: options.clone(),
                    directory: directory.clone(),
                },
                filesystem: Some(driver_of(&filesystem).to_owned()),
                mounted_at: mount.map(|mount| mount.point.clone()),
                notes: names_by_path(device),
                device: found,
            }
        }
        Wanted::Raw { device } => raw(root, mounts, device, &name)?,
    };
    check_plain(&target.device, &name)?;
    check_btrfs(root, &target, &name)?;
    match target.device.is_read_only() {
        true => Err(Problem::ReadOnly {
            target: name,
            device: target.device.name,
        }
        .into()),
        false => Ok(target),
    }
}

fn find(root: &Root, device: &str, name: &str) -> Result<BlockDevice> {
    let missing = || Problem::NoDevice {
        target: name.to_owned(),
    };
    // What a device may be called is the capture program's to judge, when it is told.
    let parsed = Device::parse(device)
        .map_err(|problem| Failure::failed(format!("{name}: the device {problem}")))?;
    names::find(root, &parsed)?.ok_or_else(|| missing().into())
}

fn mounted(root: &Root, mounts: &[Mount], directory: &str) -> Result<Target> {
    let nowhere = || Problem::NotMounted {
        directory: directory.to_owned(),
    };
    let path = real(root, Path::new(directory)).ok_or_else(nowhere)?;
    let mount = mounts::holding(mounts, &path).ok_or_else(nowhere)?;
    let device = device_of(root, mount)?.ok_or_else(|| Problem::NoBlockDevice {
        directory: directory.to_owned(),
        filesystem: mount.filesystem.clone(),
        origin: mount.source.clone(),
    })?;
    let within = path.strip_prefix(&mount.point).unwrap_or(&path);
    let filesystem = driver_of(&mount.filesystem).to_owned();
    let named = names::uuid(root, &device);
    let mut notes = Vec::new();
    let named = named.unwrap_or_else(|| {
        let path = Device::Path(format!("/dev/{}", device.name).into());
        notes.extend(names_by_path(&path.to_string()));
        path
    });
    if mount.read_only {
        notes.push(format!(
            "{} is mounted read-only here; a capture mounts it for writing",
            mount.point.display()
        ));
    }
    Ok(Target {
        told: config::Target::Filesystem {
            device: named.to_string(),
            // A path in a subvolume is told from the file system's top, which has the number 5
            // (BTRFS_FS_TREE_OBJECTID of include/uapi/linux/btrfs_tree.h).
            options: match filesystem.as_str() {
                "btrfs" => "subvolid=5".to_owned(),
                _ => String::new(),
            },
            directory: mount.root.join(within).display().to_string(),
            filesystem: filesystem.clone(),
        },
        filesystem: Some(filesystem),
        mounted_at: Some(mount.point.clone()),
        device,
        notes,
    })
}

/// A path whose links are followed as far as it is there; what isn't there yet is made by the first dump.
fn real(root: &Root, path: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix("/").ok()?;
    let base = std::fs::canonicalize(root.join("")).ok()?;
    below.ancestors().find_map(|there| {
        let whole = std::fs::canonicalize(root.join(there)).ok()?;
        let missing = below.strip_prefix(there).ok()?;
        let real = Path::new("/").join(whole.strip_prefix(&base).ok()?);
        Some(match missing.as_os_str().is_empty() {
            true => real,
            false => real.join(missing),
        })
    })
}

/// The numbers say it; but btrfs has numbers of its own, and names a device of it as the source.
fn device_of(root: &Root, mount: &Mount) -> Result<Option<BlockDevice>> {
    let system = |e| Failure::system(&e);
    match mount.device.0 {
        0 if mount.source.starts_with("/dev/") => {
            BlockDevice::by_path(root, Path::new(&mount.source)).map_err(system)
        }
        _ => BlockDevice::by_number(root, mount.device).map_err(system),
    }
}

fn mount_of<'m>(mounts: &'m [Mount], device: &BlockDevice) -> Option<&'m Mount> {
    let number = device.number();
    mounts.iter().rev().find(|mount| {
        let (major, minor) = mount.device;
        let same_number = number.as_deref() == Some(&format!("{major}:{minor}"));
        same_number || (major == 0 && mount.source == format!("/dev/{}", device.name))
    })
}

/// ext4's driver takes what was made as ext2 and ext3, too.
fn driver_of(filesystem: &str) -> &str {
    match filesystem {
        "ext2" | "ext3" => "ext4",
        other => other,
    }
}

fn names_by_path(device: &str) -> Vec<String> {
    match device.starts_with("/dev/") && !device.starts_with("/dev/disk/") {
        true => vec![format!(
            "{device} is a name that another disk may have after a crash; name the target by UUID= or PARTUUID="
        )],
        false => Vec::new(),
    }
}

fn raw(root: &Root, mounts: &[Mount], device: &str, name: &str) -> Result<Target> {
    let found = find(root, device, name)?;
    if let Some(why) = in_use(root, mounts, &found)? {
        return Err(Problem::InUse {
            target: name.to_owned(),
            device: found.name,
            why,
        }
        .into());
    }
    Ok(Target {
        told: config::Target::Raw {
            device: device.to_owned(),
        },
        filesystem: None,
        mounted_at: None,
        notes: names_by_path(device),
        device: found,
    })
}

/// What would be lost if a device were overwritten, as far as the running system shows it.
fn in_use(root: &Root, mounts: &[Mount], device: &BlockDevice) -> Result<Option<String>> {
    if let Some(mount) = mount_of(mounts, device) {
        return Ok(Some(format!("is mounted at {}", mount.point.display())));
    }
    if let Some(holder) = device.holders().first() {
        return Ok(Some(format!("is a part of {holder}")));
    }
    if let Some(partition) = device.partitions().first() {
        return Ok(Some(format!("has partitions ({partition})")));
    }
    let swaps = root
        .read_text("proc/swaps")
        .map_err(|e| Failure::system(&e))?;
    let path = format!("/dev/{}", device.name);
    let swaps = swaps.unwrap_or_default();
    let is_swap = swaps
        .lines()
        .any(|line| line.split_whitespace().next() == Some(&path));
    Ok(is_swap.then(|| "is used as swap".to_owned()))
}

/// What a capture would have to assemble before it can write.
fn check_plain(device: &BlockDevice, name: &str) -> Result<()> {
    let disk = device.disk();
    let Some(kind) = assembled(&disk) else {
        return Ok(());
    };
    Err(Problem::Stacked {
        target: name.to_owned(),
        device: disk.name,
        kind,
    }
    .into())
}

fn assembled(disk: &BlockDevice) -> Option<String> {
    if disk.has("dm") {
        // What made it comes first in its UUID (dm_build_dm_uuid of LVM, crypt_storage.c of cryptsetup).
        let uuid = disk.attribute("dm/uuid").unwrap_or_default();
        let kind = match uuid.split('-').next().unwrap_or_default() {
            "LVM" => "a logical volume (LVM)",
            "CRYPT" => "encrypted (dm-crypt)",
            "mpath" => "reached by several paths (multipath)",
            _ => "made by the device mapper",
        };
        return Some(kind.to_owned());
    }
    if disk.has("md") {
        return Some("a RAID array (md)".to_owned());
    }
    if disk.has("loop") || disk.name.starts_with("loop") {
        return Some("a loop device".to_owned());
    }
    let real = !disk.is_below("virtual") || disk.is_below("virtual/nvme-subsystem");
    (!real).then(|| "no disk (it has no hardware below it)".to_owned())
}

/// Btrfs shows the devices of each file system that is mounted in `/sys/fs/btrfs/UUID/devices`.
fn check_btrfs(root: &Root, target: &Target, name: &str) -> Result<()> {
    if target.filesystem.as_deref() != Some("btrfs") {
        return Ok(());
    }
    let entries = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    for filesystem in entries(root.join("sys/fs/btrfs")) {
        let devices: Vec<_> = entries(filesystem.path().join("devices"))
            .map(|entry| entry.file_name())
            .collect();
        let is_it = devices
            .iter()
            .any(|device| device.to_str() == Some(&target.device.name));
        if is_it && devices.len() > 1 {
            return Err(Problem::Spread {
                target: name.to_owned(),
                count: devices.len(),
            }
            .into());
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
