//! What is on a device, read by the code by which the capture program will find it.

use baton_capture::device::Device;
use baton_capture::probe::luks::{self, LuksId};
use baton_capture::probe::lvm::{self, LvmError, PhysicalVolume};
use baton_capture::probe::md::{self, MdError, Member};
use baton_capture::probe::{Occupant, Superblock, gpt, superblock};
use baton_capture::system::Identity;
use baton_kdump::Source;
use baton_sys::block::BlockDevice;
use baton_sys::file::{self, open_as};
use baton_sys::{Root, cache};
use std::fs::File;
use std::io;

/// The unit of `start` in sysfs, whatever the device's own blocks are.
const SECTOR: u64 = 512;

/// A device's bytes. Its length is known to sysfs; that of the node is 0.
struct Node {
    file: File,
    size: u64,
}

impl Source for Node {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buffer)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }
}

/// `None` where it can't be read: not by this user, or not at all.
fn open(root: &Root, device: &BlockDevice) -> Option<Node> {
    // A described machine has plain files where others have nodes.
    let kinds = if root.is_system() {
        [file::FileKind::Block].as_slice()
    } else {
        &[file::FileKind::Block, file::FileKind::Regular]
    };
    let node = Node {
        file: open_as(&root.join("dev").join(&device.name), kinds).ok()?.0,
        size: device.size()?,
    };
    let mut first = [0; 512];
    node.read_at(0, &mut first).ok()?;
    Some(node)
}

/// What owns a device; `None` where nothing known does, or it can't be read.
#[must_use]
pub fn contents(root: &Root, device: &BlockDevice) -> Option<Superblock> {
    superblock(&open(root, device)?).ok().flatten()
}

/// The physical volume of LVM on a device; `None` if the device can't be read.
#[must_use]
pub fn physical_volume(
    root: &Root,
    device: &BlockDevice,
) -> Option<Result<PhysicalVolume, LvmError>> {
    let node = open(root, device)?;
    // LVM writes past the page cache, which may have what was there before.
    cache::forget(&node.file).ok()?;
    Some(lvm::physical_volume(&node))
}

/// The identifier in the LUKS header on a device, if there is one; `None` if the device can't be read.
#[must_use]
pub fn luks(root: &Root, device: &BlockDevice) -> Option<Option<LuksId>> {
    let node = open(root, device)?;
    // cryptsetup writes past the page cache.
    cache::forget(&node.file).ok()?;
    luks::id(&node).ok()
}

/// The member of a RAID array on a device; `None` if the device can't be read.
#[must_use]
pub fn member(root: &Root, device: &BlockDevice) -> Option<Result<Member, MdError>> {
    let node = open(root, device)?;
    // The kernel writes superblocks past the page cache.
    cache::forget(&node.file).ok()?;
    Some(md::member(&node))
}

/// What occupies a device, so that no raw dump may overwrite it; `None` where nothing does, or it can't be read.
#[must_use]
pub fn occupant(root: &Root, device: &BlockDevice) -> Option<Occupant> {
    let node = open(root, device)?;
    baton_capture::probe::occupant(&node).unwrap_or(Some(Occupant::Unknown))
}

/// What the partition table calls a partition; `None` where it is none, or the disk can't be read.
#[must_use]
pub fn partition(root: &Root, device: &BlockDevice) -> Option<gpt::Names> {
    let number = |name: &str| device.attribute(name)?.parse::<u64>().ok();
    let which = u32::try_from(number("partition")?).ok()?;
    let start = number("start")?.checked_mul(SECTOR)?;
    let disk = device.disk();
    let block = disk.attribute("queue/logical_block_size")?.parse().ok()?;
    gpt::names(&open(root, &disk)?, block, which, start)
        .ok()
        .flatten()
}

/// Whether the capture program would take a device for the one that is called so; `None` where it can't be
/// read here.
#[must_use]
pub fn carries(root: &Root, device: &BlockDevice, name: &Device) -> Option<bool> {
    match name {
        Device::Path(path) => Some(path.to_str() == Some(&format!("/dev/{}", device.name))),
        Device::Wwn(_) | Device::Serial(..) => Identity::of(device).carries(name),
        Device::Uuid(_) | Device::Label(_) => {
            let found = superblock(&open(root, device)?).ok()?;
            Some(found.is_some_and(|found| found.is_called(name)))
        }
        Device::PartUuid(_) | Device::PartLabel(_) => {
            open(root, &device.disk())?;
            let names = partition(root, device);
            Some(names.is_some_and(|names| names.are(name)))
        }
    }
}
