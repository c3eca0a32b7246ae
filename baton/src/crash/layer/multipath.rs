//! Disks that are reached by several paths. A capture takes any path: nothing is assembled, and no daemon looks after the
//! others.

use super::Finder;
use crate::failure::Result;
use crate::failure::problem::Problem;
use baton_capture::layer::Base;
use baton_sys::Root;
use baton_sys::block::BlockDevice;

/// How the UUIDs of such disks begin (libmultipath/devmapper.h of multipath-tools); after it comes the WWID as udev has it.
const UUID: &str = "mpath-";

/// The paths to a disk; `None` if it isn't one that the device mapper has several to.
///
/// # Errors
/// When `/sys` can't be read.
pub fn paths(root: &Root, disk: &BlockDevice) -> Result<Option<Vec<BlockDevice>>> {
    let uuid = disk.attribute("dm/uuid").unwrap_or_default();
    if !uuid.starts_with(UUID) {
        return Ok(None);
    }
    let mut paths = Vec::new();
    for name in disk.slaves() {
        paths.extend(BlockDevice::by_name(root, &name)?);
    }
    Ok(Some(paths))
}

/// Adds the paths to a disk; `None` if it isn't one with several.
pub fn add(finder: &mut Finder<'_>, disk: &BlockDevice) -> Result<Option<()>> {
    let Some(paths) = paths(finder.root, disk)? else {
        return Ok(None);
    };
    if paths.is_empty() {
        return Err(problem(
            finder,
            disk,
            "no path leads to it",
            "check it with `multipath -ll`",
        ));
    }
    let names: Vec<&str> = paths.iter().map(|path| path.name.as_str()).collect();
    let name = disk
        .attribute("dm/name")
        .unwrap_or_else(|| disk.name.clone());
    finder
        .words
        .push(format!("{name} is reached by {}", names.join(" and by ")));
    finder.disks.extend(paths);
    Ok(Some(()))
}

/// The name that a disk with several paths has after a crash; `None` if it isn't one.
pub fn base(finder: &Finder<'_>, disk: &BlockDevice) -> Result<Option<Base>> {
    let Some(paths) = paths(finder.root, disk)? else {
        return Ok(None);
    };
    let mut found = paths.iter().map(BlockDevice::wwid);
    let wwid = found.next().flatten();
    let wwid = wwid.filter(|wwid| found.all(|other| other.as_ref() == Some(wwid)));
    let base = wwid.and_then(|wwid| Base::try_from(format!("PATHS={wwid}")).ok());
    let Some(base) = base else {
        return Err(problem(
            finder,
            disk,
            "its paths have no WWID that they share",
            "name a target on another disk",
        ));
    };
    Ok(Some(base))
}

/// Whether a device is one of the paths below, or a partition that is seen on one.
pub fn is_path(disks: &[BlockDevice], name: &str, root: &Root) -> bool {
    let device = BlockDevice::by_name(root, name).ok().flatten();
    device.is_some_and(|device| {
        let disk = device.disk();
        disks.iter().any(|path| *path == device || *path == disk)
    })
}

fn problem(
    finder: &Finder<'_>,
    disk: &BlockDevice,
    why: &str,
    help: &'static str,
) -> crate::failure::Failure {
    Problem::Volume {
        target: finder.target.to_owned(),
        volume: disk
            .attribute("dm/name")
            .unwrap_or_else(|| disk.name.clone()),
        why: why.to_owned(),
        help,
    }
    .into()
}
