//! From what a target is called to the device, and back: the links that udev keeps in `/dev/disk`.

use crate::failure::{Failure, Result};
use baton_capture::config::Device;
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use std::path::Path;

/// The device with this name; `None` where there is none.
///
/// # Errors
/// When `/dev` or `/sys` can't be read.
pub fn find(root: &Root, device: &Device) -> Result<Option<BlockDevice>> {
    let (folder, value) = match device {
        Device::Path(path) => return by_path(root, path),
        Device::Uuid(value) => ("by-uuid", value),
        Device::Label(value) => ("by-label", value),
        Device::PartUuid(value) => ("by-partuuid", value),
        Device::PartLabel(value) => ("by-partlabel", value),
    };
    let link = Path::new("/dev/disk").join(folder).join(escaped(value));
    by_path(root, &link)
}

fn by_path(root: &Root, path: &Path) -> Result<Option<BlockDevice>> {
    BlockDevice::by_path(root, path).map_err(|e| Failure::system(&e))
}

/// The `UUID=…` of what a device holds, by which it is found after a reboot, too; `None` where udev has no
/// link to it.
#[must_use]
pub fn uuid(root: &Root, device: &BlockDevice) -> Option<Device> {
    let links = std::fs::read_dir(root.join("dev/disk/by-uuid")).ok()?;
    let mut links: Vec<String> = links
        .flatten()
        .filter_map(|link| link.file_name().into_string().ok())
        .collect();
    links.sort();
    let leads_here = |link: &String| {
        let path = Path::new("/dev/disk/by-uuid").join(link);
        BlockDevice::by_path(root, &path).is_ok_and(|found| found.as_ref() == Some(device))
    };
    links.into_iter().find(leads_here).map(Device::Uuid)
}

/// udev writes all but letters, digits, what is above ASCII and `#+-.:=@_/` as `\xNN`, and there is no
/// slash in a name (encode_devnode_name of systemd's src/shared/device-nodes.c).
fn escaped(value: &str) -> String {
    let mut name = String::new();
    for c in value.chars() {
        match c.is_ascii() && !c.is_ascii_alphanumeric() && !"#+-.:=@_".contains(c) {
            true => name.push_str(&format!("\\x{:02x}", u32::from(c))),
            false => name.push(c),
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
    fn a_label_with_a_space_or_a_slash_is_looked_for_as_udev_writes_it() {
        assert_eq!(escaped("my disk"), "my\\x20disk");
        assert_eq!(escaped("../x"), "..\\x2fx");
        assert_eq!(escaped("größe-1"), "größe-1");
    }
}
