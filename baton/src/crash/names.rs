//! From what a target is called to the device, and back: by the links that udev keeps in `/dev/disk`, and
//! where there is no udev by what is on the devices.

use super::assembled::assembled;
use super::probe;
use crate::failure::Result;
use baton_capture::device::Device;
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use baton_sys::file::names_in;
use std::path::Path;

/// The device with this name; `None` where there is none.
///
/// # Errors
/// When `/dev` or `/sys` can't be read.
pub fn find(root: &Root, device: &Device) -> Result<Option<BlockDevice>> {
    let (directory, value) = match device {
        Device::Path(path) => return by_path(root, path),
        Device::Uuid(value) => ("by-uuid", value),
        Device::Label(value) => ("by-label", value),
        Device::PartUuid(value) => ("by-partuuid", value),
        Device::PartLabel(value) => ("by-partlabel", value),
        Device::Wwn(_) | Device::Serial(..) => return by_contents(root, device),
    };
    let link = Path::new("/dev/disk").join(directory).join(escaped(value));
    match by_path(root, &link)? {
        Some(found) => Ok(Some(found)),
        None => by_contents(root, device),
    }
}

fn by_path(root: &Root, path: &Path) -> Result<Option<BlockDevice>> {
    Ok(BlockDevice::by_path(root, path)?)
}

fn by_contents(root: &Root, device: &Device) -> Result<Option<BlockDevice>> {
    for found in all(root) {
        let found = found?;
        if probe::carries(root, &found, device) == Some(true) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The devices that can be opened. A path to an NVMe disk of several controllers is a device, too, and can't be.
fn all(root: &Root) -> impl Iterator<Item = Result<BlockDevice>> {
    let names = names_in(&root.join("sys/class/block")).into_iter();
    let devices = names.filter_map(|name| BlockDevice::by_name(root, &name).transpose());
    let is_hidden = |it: &BlockDevice| it.attribute("hidden").as_deref() == Some("1");
    devices
        .filter(move |found| !found.as_ref().is_ok_and(is_hidden))
        .map(|found| Ok(found?))
}

/// The other devices that a capture would find by the same name, too. What must be assembled first
/// doesn't exist in a capture: snapshots have the names of what they are of.
///
/// # Errors
/// When `/sys` can't be read.
pub fn others(root: &Root, device: &BlockDevice, called: &Device) -> Result<Vec<String>> {
    let all = called_so(root, called)?.into_iter();
    let others = all.filter(|it| it != device && assembled(&it.disk()).is_none());
    Ok(others.map(|it| it.name).collect())
}

fn called_so(root: &Root, called: &Device) -> Result<Vec<BlockDevice>> {
    let mut found = Vec::new();
    for device in all(root) {
        let device = device?;
        if probe::carries(root, &device, called) == Some(true) {
            found.push(device);
        }
    }
    Ok(found)
}

/// The `UUID=…` of what a device holds, by which it is found when disks have other names.
#[must_use]
pub fn uuid(root: &Root, device: &BlockDevice) -> Option<Device> {
    let linked = || linked(root, "by-uuid", device).map(Device::Uuid);
    let found = probe::contents(root, device).map(|found| found.uuid);
    found
        .filter(|uuid| !uuid.is_empty())
        .map(Device::Uuid)
        .or_else(linked)
}

/// The `PARTUUID=…` of a partition, likewise.
#[must_use]
pub fn part_uuid(root: &Root, device: &BlockDevice) -> Option<Device> {
    let linked = || linked(root, "by-partuuid", device).map(Device::PartUuid);
    let names = probe::partition(root, device);
    names
        .map(|names| Device::PartUuid(names.uuid))
        .or_else(linked)
}

/// A name of a whole disk that no other disk here has.
///
/// # Errors
/// When `/sys` can't be read.
pub fn identity(root: &Root, device: &BlockDevice) -> Result<Option<Device>> {
    let names = [
        device.wwid().map(Device::Wwn),
        device
            .serial()
            .zip(device.size())
            .map(|(serial, size)| Device::Serial(serial, size)),
    ];
    for name in names.into_iter().flatten() {
        // What is read back must also be the same name: a line end in it would not.
        let reads = Device::try_from(name.to_string()).as_ref() == Ok(&name);
        if reads && called_so(root, &name)? == std::slice::from_ref(device) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// What udev's link to a device in this directory is called.
fn linked(root: &Root, directory: &str, device: &BlockDevice) -> Option<String> {
    let leads_here = |link: &String| {
        let path = Path::new("/dev/disk").join(directory).join(link);
        BlockDevice::by_path(root, &path).is_ok_and(|found| found.as_ref() == Some(device))
    };
    let links = names_in(&root.join("dev/disk").join(directory));
    links.into_iter().find(leads_here)
}

/// udev writes all but letters, digits, what is above ASCII and `#+-.:=@_/` as `\xNN`, and there is no
/// slash in a name (encode_devnode_name of systemd's src/shared/device-nodes.c).
fn escaped(value: &str) -> String {
    let mut name = String::new();
    for c in value.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"#+-.:=@_".contains(c) {
            name.push_str(&format!("\\x{:02x}", u32::from(c)))
        } else {
            name.push(c)
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    #[test]
    fn a_device_is_found_by_its_uuid_and_the_uuid_by_it() {
        let fake = Fake::new().with_virtio_blk();
        let uuid_text = Device::Uuid("5f1d9a3c-0c1e-4f5c-9d55-000000000001".into());
        let device = find(&fake.root(), &uuid_text).unwrap().unwrap();
        assert_eq!(device.name, "vda1");
        assert_eq!(uuid(&fake.root(), &device), Some(uuid_text));
        assert_eq!(uuid(&fake.root(), &device.disk()), None);
    }

    #[test]
    fn without_udev_a_device_is_found_by_what_is_on_it() {
        let fake = Fake::new()
            .with_nvme()
            .with_sata()
            .with_ext4_on("sda1", [0x5a; 16]);
        let name = Device::Uuid("5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a".into());
        let device = find(&fake.root(), &name).unwrap().unwrap();
        assert_eq!(device.name, "sda1");
        assert_eq!(uuid(&fake.root(), &device), Some(name));
        let label = Device::Label("dumps".into());
        assert_eq!(find(&fake.root(), &label).unwrap().unwrap(), device);
        let other = Device::Label("other".into());
        assert_eq!(find(&fake.root(), &other).unwrap(), None);
    }

    #[test]
    fn a_path_to_an_nvme_disk_that_nobody_can_open_is_not_taken_for_the_disk() {
        // As the kernel numbers them, the path comes before the disk (nvme_mpath_alloc_disk, nvme_mpath_set_disk_name).
        let path = "sys/devices/pci0000:00/0000:00:1c.0/0000:01:00.0/nvme/nvme0/nvme0c0n1";
        let fake = Fake::new()
            .with_nvme()
            .file(&format!("{path}/hidden"), "1\n")
            .file(&format!("{path}/wwid"), "eui.1\n")
            .file(&format!("{path}/serial"), "S1\n")
            .file(&format!("{path}/size"), "2048\n")
            .link("sys/class/block/nvme0c0n1", path);
        fake.set("sys/class/block/nvme0n1/wwid", "eui.1\n");
        fake.set("sys/class/block/nvme0n1/serial", "S1\n");
        fake.set("sys/class/block/nvme0n1/size", "2048\n");
        for name in [
            Device::Wwn("eui.1".into()),
            Device::Serial("S1".into(), 1 << 20),
        ] {
            let found = find(&fake.root(), &name).unwrap().unwrap();
            assert_eq!(found.name, "nvme0n1", "{name}");
        }
    }

    #[test]
    fn a_label_with_a_space_or_a_slash_is_looked_for_as_udev_writes_it() {
        assert_eq!(escaped("my disk"), "my\\x20disk");
        assert_eq!(escaped("../x"), "..\\x2fx");
        assert_eq!(escaped("größe-1"), "größe-1");
    }
}
