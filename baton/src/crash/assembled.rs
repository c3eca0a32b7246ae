//! Devices that a capture would have to assemble before it can write to them.

use baton_sys::block::BlockDevice;

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
