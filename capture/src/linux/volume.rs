//! Volumes of the device mapper.

use baton_sys::Root;
use baton_sys::block::BlockDevice;
use baton_sys::device_mapper::{Control, Target};
use std::io;
use std::path::PathBuf;

/// Makes a volume and returns its node, which the kernel makes itself.
pub fn make(root: &Root, name: &str, uuid: &str, table: &[Target]) -> io::Result<PathBuf> {
    let control = control()?;
    let number = control.create(name, uuid)?;
    let made = start(root, &control, name, number, table);
    if made.is_err() {
        // What isn't whole is of no use to anyone. The first error is the one that says why.
        let _ = control.remove(name);
    }
    made
}

fn start(
    root: &Root,
    control: &Control,
    name: &str,
    number: (u32, u32),
    table: &[Target],
) -> io::Result<PathBuf> {
    control.load(name, table)?;
    control.resume(name)?;
    if table.iter().any(|target| target.kind == "raid") {
        // What must be made the same again is left to the next start: nothing is written but the dump (raid_message of
        // drivers/md/dm-raid.c). If it isn't stopped, that only takes time from the dump.
        let _ = control.message(name, "frozen");
    }
    let device = BlockDevice::by_number(root, number)?;
    let node = device.and_then(|device| device.node());
    node.ok_or_else(|| io::Error::other("the kernel made no device for it"))
}

/// Removes a volume.
pub fn remove(name: &str) -> io::Result<()> {
    control()?.remove(name)
}

fn control() -> io::Result<Control> {
    Control::open().map_err(|error| {
        let why = format!("the kernel has no device mapper ({error}): `modules` lacks dm_mod");
        io::Error::new(error.kind(), why)
    })
}
