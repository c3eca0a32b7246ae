//! Whether a capture can write to a device, and whether it may.

use super::probe;
use super::problem::Problem;
use super::target::Target;
use crate::failure::Result;
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use baton_sys::mounts::Mount;
use std::path::PathBuf;

/// Sees that a capture can find a target's device as it is, and write to it.
///
/// # Errors
/// Why it couldn't.
pub fn check(root: &Root, target: &Target, name: &str) -> Result<()> {
    check_plain(&target.device, name)?;
    check_contents(root, target, name)?;
    check_btrfs(root, target, name)?;
    match target.device.is_read_only() {
        true => Err(Problem::ReadOnly {
            target: name.to_owned(),
            device: target.device.name.clone(),
        }
        .into()),
        false => Ok(()),
    }
}

/// What would be lost if a device were overwritten, as far as the running system shows it.
///
/// # Errors
/// When `/proc/swaps` can't be read.
pub fn in_use(root: &Root, mount: Option<&Mount>, device: &BlockDevice) -> Result<Option<String>> {
    if let Some(mount) = mount {
        return Ok(Some(format!("is mounted at {}", mount.point.display())));
    }
    if let Some(holder) = device.holders().first() {
        return Ok(Some(format!("is a part of {holder}")));
    }
    if let Some(partition) = device.partitions().first() {
        return Ok(Some(format!("has partitions ({partition})")));
    }
    let swaps = root.read_text("proc/swaps")?;
    let path = format!("/dev/{}", device.name);
    let swaps = swaps.unwrap_or_default();
    let is_swap = swaps
        .lines()
        .any(|line| line.split_whitespace().next() == Some(&path));
    if is_swap {
        return Ok(Some("is used as swap".to_owned()));
    }
    let occupant = probe::occupant(root, device);
    Ok(occupant.map(|occupant| format!("holds {occupant}")))
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

/// What makes a device that has no hardware of its own; `None` of a disk.
#[must_use]
pub fn assembled(disk: &BlockDevice) -> Option<String> {
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

/// What the capture program would find on the device, where it can be read here.
fn check_contents(root: &Root, target: &Target, name: &str) -> Result<()> {
    if probe::carries(root, &target.device, &target.called) == Some(false) {
        return Err(Problem::NotFound {
            target: name.to_owned(),
            device: target.device.name.clone(),
            called: target.called.to_string(),
        }
        .into());
    }
    let (Some(said), Some(found)) = (&target.filesystem, probe::contents(root, &target.device))
    else {
        return Ok(());
    };
    if let Some(part) = found.elsewhere {
        return Err(Problem::Elsewhere {
            target: name.to_owned(),
            device: target.device.name.clone(),
            part: part.to_string(),
        }
        .into());
    }
    let is_that = probe::filesystem(&found).is_some_and(|it| it.name() == said);
    match is_that {
        true => Ok(()),
        false => Err(Problem::OtherFileSystem {
            target: name.to_owned(),
            said: said.clone(),
            device: target.device.name.clone(),
            found: found.owner.to_string(),
        }
        .into()),
    }
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
