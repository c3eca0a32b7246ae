//! How a target names its device.

use super::error::Problem;
use super::plan::check_path;
use std::fmt;
use std::path::PathBuf;

/// The name of a block device: a property that doesn't depend on the order in which devices are found, or a
/// path.
#[derive(Debug, Clone, PartialEq, Eq)]
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

const ANY: &str = "UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=… or a path such as /dev/nvme0n1p2";
const RAW: &str = "PARTUUID=…, PARTLABEL=…, WWN=…, SERIAL=…,BYTES or a path such as /dev/nvme0n1p2";

/// Paths made by udev, LVM or cryptsetup, none of which runs in the initramfs.
const NOT_THERE: [&str; 3] = ["/dev/disk/", "/dev/mapper/", "/dev/dm-"];

impl Device {
    /// Parses a name in the form of the first field of fstab(5).
    ///
    /// # Errors
    /// When the form is unknown, or nothing follows the equals sign.
    pub fn parse(text: &str) -> Result<Device, Problem> {
        Device::parse_of(text, ANY)
    }

    /// As [`Device::parse`], for a device whose contents will be overwritten.
    ///
    /// # Errors
    /// Also when the device is named by those contents.
    pub fn parse_raw(text: &str) -> Result<Device, Problem> {
        match Device::parse_of(text, RAW)? {
            Device::Uuid(_) | Device::Label(_) => Err(Problem::Vanishes(text.to_owned())),
            device => Ok(device),
        }
    }

    fn parse_of(text: &str, known: &'static str) -> Result<Device, Problem> {
        let unknown = || Problem::Device {
            found: text.to_owned(),
            known,
        };
        if text.starts_with('/') {
            if NOT_THERE.iter().any(|it| text.starts_with(it)) {
                return Err(Problem::NotThere(text.to_owned()));
            }
            return match check_path(text).is_ok() && text.starts_with("/dev/") {
                true => Ok(Device::Path(PathBuf::from(text))),
                false => Err(unknown()),
            };
        }
        let (tag, value) = text.split_once('=').ok_or_else(unknown)?;
        if value.is_empty() || value.contains(char::is_control) {
            return Err(unknown());
        }
        match tag {
            "UUID" => Ok(Device::Uuid(value.to_owned())),
            "LABEL" => Ok(Device::Label(value.to_owned())),
            "PARTUUID" => Ok(Device::PartUuid(value.to_owned())),
            "PARTLABEL" => Ok(Device::PartLabel(value.to_owned())),
            "WWN" => Ok(Device::Wwn(value.to_owned())),
            "SERIAL" => {
                let (serial, size) = value.rsplit_once(',').ok_or_else(unknown)?;
                let size = size.parse().map_err(|_| unknown())?;
                match serial.is_empty() {
                    true => Err(unknown()),
                    false => Ok(Device::Serial(serial.to_owned(), size)),
                }
            }
            _ => Err(unknown()),
        }
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
