//! From a target as it is asked for to one that the capture program finds, and the device that it needs.

use super::problem::Problem;
use super::settings::Wanted;
use super::{names, probe, trial, usable};
use crate::failure::Result;
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
    /// How the capture program finds it.
    pub called: Device,
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
    let mut target = match wanted {
        Wanted::Mounted { directory } => mounted(root, mounts, directory)?,
        Wanted::Filesystem {
            device,
            filesystem,
            options,
            directory,
        } => {
            let (found, called) = find(root, device, &name)?;
            let mount = mount_of(mounts, &found);
            let known = filesystem_of(root, mount, &found);
            let filesystem =
                filesystem
                    .clone()
                    .or(known)
                    .ok_or_else(|| Problem::UnknownFileSystem {
                        target: name.clone(),
                    })?;
            let (called, notes) = stable(called, &found, names::uuid(root, &found));
            Target {
                told: config::Target::Filesystem {
                    device: called.to_string(),
                    filesystem: driver_of(&filesystem).to_owned(),
                    options: options.clone(),
                    directory: directory.clone(),
                },
                filesystem: Some(driver_of(&filesystem).to_owned()),
                mounted_at: mount.map(|mount| mount.point.clone()),
                device: found,
                called,
                notes,
            }
        }
        Wanted::Raw { device } => raw(root, mounts, device, &name)?,
    };
    usable::check(root, &target, &name)?;
    let others = names::others(root, &target.device, &target.called)?;
    target.notes.extend(ambiguous(&target, &name, &others)?);
    let notes = trial::run(root, mounts, &target, &name)?;
    target.notes.extend(notes);
    Ok(target)
}

/// What to say where the name isn't one device's alone: a copy of a disk has it, too, or there is another way to the
/// same. A capture takes the first file system that it finds, and overwrites none.
fn ambiguous(
    target: &Target,
    name: &str,
    others: &[String],
) -> std::result::Result<Option<String>, Problem> {
    if others.is_empty() {
        return Ok(None);
    }
    let (device, others) = (target.device.name.clone(), others.join(", "));
    match target.told {
        config::Target::Raw { .. } => Err(Problem::Ambiguous {
            target: name.to_owned(),
            device,
            called: target.called.to_string(),
            others,
        }),
        config::Target::Filesystem { .. } => Ok(Some(format!(
            "{} is the name of {device} and of {others}: a capture takes the one that it finds first; give each a name of its own",
            target.called
        ))),
    }
}

/// The device of a target of this name, and how it was asked for.
pub(super) fn find(root: &Root, device: &str, name: &str) -> Result<(BlockDevice, Device)> {
    // A link of udev's is a good name here, and is told to the capture program as what it leads to.
    let called = match device.starts_with("/dev/") {
        true => Device::Path(device.into()),
        false => Device::parse(device).map_err(|problem| Problem::BadDevice {
            target: name.to_owned(),
            problem: problem.to_string(),
        })?,
    };
    let found = names::find(root, &called)?.ok_or_else(|| Problem::NoDevice {
        target: name.to_owned(),
    })?;
    Ok((found, called))
}

/// A name that the device has after a crash, too, in place of a path, which another disk may have then.
fn stable(called: Device, device: &BlockDevice, better: Option<Device>) -> (Device, Vec<String>) {
    if !matches!(called, Device::Path(_)) {
        return (called, Vec::new());
    }
    if let Some(better) = better {
        return (better, Vec::new());
    }
    let path = Device::Path(format!("/dev/{}", device.name).into());
    let note = format!(
        "{path} is a name that another disk may have after a crash; name the target by UUID= or PARTUUID= if it has one"
    );
    (path, vec![note])
}

/// As it is mounted, or as it says itself.
fn filesystem_of(root: &Root, mount: Option<&Mount>, device: &BlockDevice) -> Option<String> {
    if let Some(mount) = mount {
        return Some(mount.filesystem.clone());
    }
    let found = probe::contents(root, device)?;
    Some(probe::filesystem(&found)?.name().to_owned())
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
    let path = Device::Path(format!("/dev/{}", device.name).into());
    let (called, mut notes) = stable(path, &device, names::uuid(root, &device));
    if mount.read_only {
        notes.push(format!(
            "{} is mounted read-only here; a capture mounts it for writing",
            mount.point.display()
        ));
    }
    Ok(Target {
        told: config::Target::Filesystem {
            device: called.to_string(),
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
        called,
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
    Ok(match mount.device.0 {
        0 if mount.source.starts_with("/dev/") => {
            BlockDevice::by_path(root, Path::new(&mount.source))?
        }
        _ => BlockDevice::by_number(root, mount.device)?,
    })
}

fn mount_of<'m>(mounts: &'m [Mount], device: &BlockDevice) -> Option<&'m Mount> {
    mounts.iter().rev().find(|mount| is_of(mount, device))
}

/// Whether a mount is of the file system on a device.
pub(super) fn is_of(mount: &Mount, device: &BlockDevice) -> bool {
    let (major, minor) = mount.device;
    device.number().as_deref() == Some(&format!("{major}:{minor}"))
        || (major == 0 && mount.source == format!("/dev/{}", device.name))
}

/// ext4's driver takes what was made as ext2 and ext3, too.
fn driver_of(filesystem: &str) -> &str {
    match filesystem {
        "ext2" | "ext3" => "ext4",
        other => other,
    }
}

fn raw(root: &Root, mounts: &[Mount], device: &str, name: &str) -> Result<Target> {
    let (found, called) = find(root, device, name)?;
    if let Some(why) = usable::in_use(root, mount_of(mounts, &found), &found)? {
        return Err(Problem::InUse {
            target: name.to_owned(),
            device: found.name,
            why,
        }
        .into());
    }
    // Another disk that has this one's path after a crash would be overwritten.
    let called = match called {
        Device::Path(_) => lasting(root, &found)?.ok_or_else(|| Problem::NoIdentity {
            target: name.to_owned(),
            device: found.name.clone(),
        })?,
        named => named,
    };
    Ok(Target {
        told: config::Target::Raw {
            device: called.to_string(),
        },
        filesystem: None,
        mounted_at: None,
        device: found,
        called,
        notes: Vec::new(),
    })
}

/// What a partition or a whole disk is called after a crash, too, whatever is written to it.
fn lasting(root: &Root, device: &BlockDevice) -> Result<Option<Device>> {
    match names::part_uuid(root, device) {
        Some(name) => Ok(Some(name)),
        None => names::identity(root, device),
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
