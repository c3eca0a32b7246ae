//! What the kinds of targets that are on a block device have in common.

use crate::crash::assembled::assembled;
use crate::crash::{names, probe};
use crate::failure::Result;
use crate::failure::problem::Problem;
use baton_capture::device::Device;
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use baton_sys::mounts::Mount;
use std::path::{Path, PathBuf};

/// The device of the target that is called `target` in messages.
pub fn find(root: &Root, device: &Device, target: &str) -> Result<BlockDevice> {
    let found = names::find(root, device)?;
    Ok(found.ok_or_else(|| Problem::NoDevice {
        target: target.to_owned(),
    })?)
}

/// The last mount of the file system on a device.
pub fn mount_of<'m>(mounts: &'m [Mount], device: &BlockDevice) -> Option<&'m Mount> {
    mounts.iter().rev().find(|mount| is_mount_of(mount, device))
}

/// The last mount that shows a directory of the file system on a device, and the path of the directory below it.
pub fn shown<'m>(
    mounts: &'m [Mount],
    device: &BlockDevice,
    directory: &Path,
) -> Option<(&'m Mount, PathBuf)> {
    let own = mounts.iter().filter(|mount| is_mount_of(mount, device));
    own.rev().find_map(|mount| {
        let below = directory.strip_prefix(&mount.root).ok()?;
        Some((mount, below.to_owned()))
    })
}

/// Whether a mount is of the file system on a device.
pub fn is_mount_of(mount: &Mount, device: &BlockDevice) -> bool {
    let (major, minor) = mount.device;
    // btrfs has numbers of its own, and names its device as the device mapper does.
    let is_source = || {
        let mapped = device.attribute("dm/name");
        mount.source == format!("/dev/{}", device.name)
            || mapped.is_some_and(|name| mount.source == format!("/dev/mapper/{name}"))
    };
    device.number().as_deref() == Some(&format!("{major}:{minor}")) || (major == 0 && is_source())
}

/// Checks that a capture can find a device by its name, with nothing to be assembled first.
pub fn check(
    root: &Root,
    device: &BlockDevice,
    called: &Device,
    target: &str,
) -> std::result::Result<(), Problem> {
    let disk = device.disk();
    if let Some(kind) = assembled(&disk) {
        return Err(Problem::stacked(target, &disk.name, &kind));
    }
    check_name(root, device, called, target)
}

/// Checks that a capture can find a device by its name.
pub fn check_name(
    root: &Root,
    device: &BlockDevice,
    called: &Device,
    target: &str,
) -> std::result::Result<(), Problem> {
    match probe::carries(root, device, called) {
        Some(false) => Err(Problem::NotFound {
            target: target.to_owned(),
            device: device.name.clone(),
            called: called.to_string(),
        }),
        _ => Ok(()),
    }
}

/// Checks that a device can be written to.
pub fn check_writable(device: &BlockDevice, target: &str) -> std::result::Result<(), Problem> {
    if device.is_read_only() {
        Err(Problem::ReadOnly {
            target: target.to_owned(),
            device: device.name.clone(),
        })
    } else {
        Ok(())
    }
}
