//! The other devices of a btrfs that is spread over several. A capture waits for all of them, and needs their drivers.

use super::FoundFilesystem;
use crate::crash::assembled::assembled;
use crate::crash::target::device::check_writable;
use crate::crash::{names, probe};
use crate::failure::Result;
use crate::failure::problem::Problem;
use baton_capture::device::Device;
use baton_capture::file_system::FileSystem;
use baton_capture::probe::{Member, Superblock};
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use std::fs::read_dir;

/// The other devices of the target's file system; none if it is whole on one.
///
/// # Errors
/// When a capture couldn't use one, or one is missing.
pub fn others(root: &Root, found: &FoundFilesystem, target: &str) -> Result<Vec<BlockDevice>> {
    if found.config.filesystem != FileSystem::Btrfs {
        return Ok(Vec::new());
    }
    let block = probe::contents(root, &found.device);
    let member = block.as_ref().and_then(|it| it.member.as_ref());
    let others = match listed(root, &found.device)? {
        Some(listed) => listed,
        None => by_superblock(root, &found.device, block.as_ref())?,
    };
    if others.is_empty() && member.is_none() {
        return Ok(Vec::new());
    }
    check(found, &others, member, target)?;
    Ok(others)
}

/// As the kernel lists them (`/sys/fs/btrfs/UUID/devices`), of a file system that is mounted.
fn listed(root: &Root, device: &BlockDevice) -> Result<Option<Vec<BlockDevice>>> {
    let entries = |directory| read_dir(directory).into_iter().flatten().flatten();
    for filesystem in entries(root.join("sys/fs/btrfs")) {
        let names: Vec<String> = entries(filesystem.path().join("devices"))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        if !names.contains(&device.name) {
            continue;
        }
        let mut found = Vec::new();
        for name in names.iter().filter(|name| **name != device.name) {
            found.extend(BlockDevice::by_name(root, name)?);
        }
        return Ok(Some(found));
    }
    Ok(None)
}

/// As their superblocks say, of one that isn't.
fn by_superblock(
    root: &Root,
    device: &BlockDevice,
    block: Option<&Superblock>,
) -> Result<Vec<BlockDevice>> {
    let Some(block) = block.filter(|it| it.member.is_some()) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for name in names::others(root, device, &Device::Uuid(block.uuid.clone()))? {
        found.extend(BlockDevice::by_name(root, &name)?);
    }
    Ok(found)
}

fn check(
    found: &FoundFilesystem,
    others: &[BlockDevice],
    member: Option<&Member>,
    target: &str,
) -> std::result::Result<(), Problem> {
    let count = others.len() + 1;
    let spread = |why: String| Problem::Spread {
        target: target.to_owned(),
        count: member.map_or(count, |it| usize::try_from(it.of).unwrap_or(usize::MAX)),
        why,
    };
    for device in others.iter().chain([&found.device]) {
        if let Some(kind) = assembled(&device.disk()) {
            return Err(spread(format!(
                "{} is {kind}, and a capture uses disks and partitions alone for that",
                device.name
            )));
        }
        check_writable(device, target)?;
    }
    let is_whole = member.is_none_or(|it| it.of == count as u64);
    if is_whole || found.config.options.has("degraded") {
        return Ok(());
    }
    Err(spread(format!(
        "{count} can be found, so that one is missing, or is a seed device; add it, or allow the capture to go without by \
         kind = \"filesystem\" with options = \"degraded\""
    )))
}
