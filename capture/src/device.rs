//! The names of block devices.

use crate::path;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The name of a block device, in the form of the first field of fstab(5): a property that doesn't depend on the
/// order in which devices are found, or a path below `/dev`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// The file system's identifier, as blkid shows it.
    Uuid(String),
    /// The file system's label.
    Label(String),
    /// The partition's identifier, as blkid shows it.
    PartUuid(String),
    /// The name of a GPT partition.
    PartLabel(String),
    /// The `wwid` that the kernel shows for a whole disk.
    Wwn(String),
    /// The serial number of a whole disk, and its size in bytes.
    Serial(String, u64),
    /// A path such as `/dev/nvme0n1p2`.
    Path(PathBuf),
}

/// Why a text can't be the name of a target's device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceNameError {
    /// The text has an unknown form, or nothing follows the equals sign.
    #[error("\"{found}\" is no name of a device; use {known}")]
    Form {
        /// The text.
        found: String,
        /// The forms that are allowed.
        known: &'static str,
    },
    /// The device is named by the file system that the dump would overwrite.
    #[error(
        "\"{0}\" names the file system that a raw dump overwrites, so that the device couldn't be found again; use \
         PARTUUID=…, PARTLABEL=… or a path"
    )]
    Overwritten(String),
}

const ANY: &str = "UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or a path such as /dev/nvme0n1p2";
const RAW: &str = "PARTUUID=…, PARTLABEL=…, WWN=…, SERIAL=…,BYTES or a path such as /dev/nvme0n1p2";

/// Paths made by udev, LVM or cryptsetup, none of which runs in the initramfs.
const NOT_IN_INITRAMFS: [&str; 3] = ["/dev/disk/", "/dev/mapper/", "/dev/dm-"];

impl Device {
    /// Whether the name is a path that doesn't exist while a crash is captured.
    #[must_use]
    pub fn is_made_by_udev(&self) -> bool {
        let Device::Path(path) = self else {
            return false;
        };
        let path = path.to_string_lossy();
        NOT_IN_INITRAMFS.iter().any(|it| path.starts_with(it))
    }

    /// What helps where several devices have this name.
    #[must_use]
    pub fn when_shared(&self) -> &'static str {
        match self {
            // A GUID; those of an MBR are made of the disk's signature. Only one partition gets another: a new GUID for the
            // disk and all of its partitions (`sgdisk -G`) would take their names away from everything else there.
            Device::PartUuid(uuid) if uuid.len() == 36 => {
                "give one of the partitions another GUID (`sgdisk -u NUMBER:R DISK`; what names it by PARTUUID, as fstab may, \
                 has to follow), or take the copy out"
            }
            Device::PartLabel(_) => "name it by PARTUUID=, or take the copy out",
            _ => "take the copy out",
        }
    }

    fn parse(text: String, known: &'static str) -> Result<Device, DeviceNameError> {
        match parse(&text) {
            Some(device) => Ok(device),
            None => Err(DeviceNameError::Form { found: text, known }),
        }
    }
}

fn parse(text: &str) -> Option<Device> {
    if text.starts_with('/') {
        let is_below_dev = text.starts_with("/dev/") && path::check(text).is_ok();
        return is_below_dev.then(|| Device::Path(PathBuf::from(text)));
    }
    let (tag, value) = text.split_once('=')?;
    if value.is_empty() || value.contains(char::is_control) {
        return None;
    }
    let text = value.to_owned();
    Some(match tag {
        "UUID" => Device::Uuid(text),
        "LABEL" => Device::Label(text),
        "PARTUUID" => Device::PartUuid(text),
        "PARTLABEL" => Device::PartLabel(text),
        "WWN" => Device::Wwn(text),
        "SERIAL" => {
            let (serial, size) = value.rsplit_once(',').filter(|(it, _)| !it.is_empty())?;
            Device::Serial(serial.to_owned(), size.parse().ok()?)
        }
        _ => return None,
    })
}

impl TryFrom<String> for Device {
    type Error = DeviceNameError;

    fn try_from(text: String) -> Result<Device, DeviceNameError> {
        Device::parse(text, ANY)
    }
}

impl From<Device> for String {
    fn from(device: Device) -> String {
        device.to_string()
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Uuid(value) => write!(f, "UUID={value}"),
            Device::Label(value) => write!(f, "LABEL={value}"),
            Device::PartUuid(value) => write!(f, "PARTUUID={value}"),
            Device::PartLabel(value) => write!(f, "PARTLABEL={value}"),
            Device::Wwn(value) => write!(f, "WWN={value}"),
            Device::Serial(value, size) => write!(f, "SERIAL={value},{size}"),
            Device::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The name of a device whose contents are overwritten, and which isn't named by these contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RawDevice(Device);

impl RawDevice {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &Device {
        &self.0
    }
}

impl TryFrom<Device> for RawDevice {
    type Error = DeviceNameError;

    fn try_from(device: Device) -> Result<RawDevice, DeviceNameError> {
        match device {
            Device::Uuid(_) | Device::Label(_) => {
                Err(DeviceNameError::Overwritten(device.to_string()))
            }
            device => Ok(RawDevice(device)),
        }
    }
}

impl TryFrom<String> for RawDevice {
    type Error = DeviceNameError;

    fn try_from(text: String) -> Result<RawDevice, DeviceNameError> {
        RawDevice::try_from(Device::parse(text, RAW)?)
    }
}

impl From<RawDevice> for String {
    fn from(device: RawDevice) -> String {
        device.0.to_string()
    }
}

impl fmt::Display for RawDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(text: &str) -> Result<Device, DeviceNameError> {
        Device::try_from(text.to_owned())
    }

    fn raw(text: &str) -> Result<RawDevice, DeviceNameError> {
        RawDevice::try_from(text.to_owned())
    }

    #[test]
    fn a_device_is_named_by_a_tag_with_a_value_or_by_a_path_below_dev() {
        for bad in [
            "UUID=",
            "LABEL=a\nb",
            "",
            "/",
            "/etc/passwd",
            "/dev/../etc",
            "ID=1",
            "uuid=1",
            "WWN=",
            "SERIAL=S1",
            "SERIAL=,1",
            "SERIAL=S1,",
            "SERIAL=S1,-1",
        ] {
            assert!(device(bad).is_err(), "{bad}");
            assert!(raw(bad).is_err(), "{bad}");
        }
        for good in [
            "UUID=1",
            "LABEL=a=b",
            "PARTUUID=1",
            "PARTLABEL=a b",
            "WWN=t10.ATA     X  1",
            "SERIAL=a,b,1024",
            "/dev/sda1",
        ] {
            assert_eq!(device(good).unwrap().to_string(), good);
        }
    }

    #[test]
    fn where_several_devices_have_a_name_no_advice_renames_more_than_one_of_them() {
        let advice = |name: &str| device(name).unwrap().when_shared();
        let guid = advice("PARTUUID=0fc63daf-8483-4772-8e79-3d69d8477de4");
        assert!(guid.contains("sgdisk -u NUMBER:R DISK"), "{guid}");
        for name in [
            "PARTUUID=0fc63daf-01",
            "WWN=naa.1",
            "SERIAL=a,1",
            "/dev/sda1",
        ] {
            assert_eq!(advice(name), "take the copy out", "{name}");
        }
        assert!(advice("PARTLABEL=dumps").contains("PARTUUID="));
    }

    #[test]
    fn a_raw_device_is_not_named_by_what_the_dump_overwrites() {
        for bad in ["UUID=1", "LABEL=a"] {
            let overwritten = DeviceNameError::Overwritten(bad.to_owned());
            assert_eq!(raw(bad), Err(overwritten));
        }
        assert_eq!(raw("PARTUUID=1").unwrap().to_string(), "PARTUUID=1");
    }
}
