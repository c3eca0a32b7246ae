//! Block devices, as `/sys` describes them (Documentation/ABI/stable/sysfs-block).

use crate::file::names_in;
use crate::{ReadError, Root};
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A disk or a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockDevice {
    /// The kernel's name for the device, such as `sda1`.
    pub name: String,
    /// The device's directory below `sys/devices`, with symbolic links resolved.
    directory: PathBuf,
    /// `sys/devices`, with symbolic links resolved.
    devices: PathBuf,
}

/// The place of a partition on its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// The partition's number, from 1.
    pub number: u32,
    /// The offset at which the partition begins, in bytes.
    pub start: u64,
    /// The size of the disk's logical blocks, in bytes.
    pub block_size: u64,
}

/// Drivers whose devices (this name and a number) hold no lasting data or block whoever reads them.
const IGNORED_DRIVERS: [&str; 5] = ["loop", "ram", "zram", "sr", "fd"];

impl BlockDevice {
    /// The device with these numbers; `None` if there is none.
    ///
    /// # Errors
    /// When `/sys` can't be read.
    pub fn by_number(
        root: &Root,
        (major, minor): (u32, u32),
    ) -> Result<Option<BlockDevice>, ReadError> {
        BlockDevice::at(root, &format!("sys/dev/block/{major}:{minor}"))
    }

    /// The device that the kernel gives this name; `None` if there is none.
    ///
    /// # Errors
    /// When `/sys` can't be read.
    pub fn by_name(root: &Root, name: &str) -> Result<Option<BlockDevice>, ReadError> {
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Ok(None);
        }
        BlockDevice::at(root, &format!("sys/class/block/{name}"))
    }

    /// The device whose node this path names (`/dev/sda1`, or a link to it); `None` if the path doesn't exist or
    /// isn't a block device.
    ///
    /// # Errors
    /// When the path or `/sys` can't be read.
    pub fn by_path(root: &Root, path: &Path) -> Result<Option<BlockDevice>, ReadError> {
        let below = path.strip_prefix("/").unwrap_or(path);
        let Some(whole) = canonical(&root.join(below))? else {
            return Ok(None);
        };
        let metadata = fs::metadata(&whole).map_err(|e| ReadError::new(&whole, e))?;
        if metadata.file_type().is_block_device() {
            let number = metadata.rdev();
            let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
            return BlockDevice::by_number(root, (major, minor));
        }
        // A machine described by files has no device nodes, so the name decides.
        match whole.file_name().filter(|_| !root.is_system()) {
            Some(name) => BlockDevice::by_name(root, &name.to_string_lossy()),
            None => Ok(None),
        }
    }

    fn at(root: &Root, link: &str) -> Result<Option<BlockDevice>, ReadError> {
        let Some(directory) = canonical(&root.join(link))? else {
            return Ok(None);
        };
        let devices = root.join("sys/devices");
        let name = directory.file_name().unwrap_or_default();
        Ok(Some(BlockDevice {
            name: name.to_string_lossy().into_owned(),
            devices: fs::canonicalize(&devices).map_err(|e| ReadError::new(&devices, e))?,
            directory,
        }))
    }

    /// The disk that the partition is on; the device itself if it isn't a partition.
    #[must_use]
    pub fn disk(&self) -> BlockDevice {
        match self.directory.parent().filter(|_| self.is_partition()) {
            Some(directory) => BlockDevice {
                name: directory
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                directory: directory.to_owned(),
                devices: self.devices.clone(),
            },
            None => self.clone(),
        }
    }

    /// Whether the device is a partition.
    #[must_use]
    pub fn is_partition(&self) -> bool {
        self.directory.join("partition").exists()
    }

    /// The names of the device's partitions.
    #[must_use]
    pub fn partitions(&self) -> Vec<String> {
        let mut names = names_in(&self.directory);
        names.retain(|name| self.directory.join(name).join("partition").exists());
        names
    }

    /// The names of the devices that are built on this one by the device mapper or md.
    #[must_use]
    pub fn holders(&self) -> Vec<String> {
        names_in(&self.directory.join("holders"))
    }

    /// The names of the devices that this one is built on by the device mapper or md.
    #[must_use]
    pub fn slaves(&self) -> Vec<String> {
        names_in(&self.directory.join("slaves"))
    }

    /// A file of the device's directory, as text without trailing whitespace; `None` if it doesn't exist.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.directory.join(name)).ok()?;
        Some(text.trim_end().to_owned())
    }

    /// Whether the device's directory has an entry of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.directory.join(name).exists()
    }

    /// The device's size in bytes. (`size` in sysfs counts sectors of 512 bytes, whatever the device's own size is.)
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.attribute("size")?
            .parse::<u64>()
            .ok()?
            .checked_mul(512)
    }

    /// Whether the device or its disk is read-only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let read_only = |device: &BlockDevice| device.attribute("ro").as_deref() == Some("1");
        read_only(self) || read_only(&self.disk())
    }

    /// The kernel's `wwid`, which identifies a SCSI, SATA or NVMe disk worldwide. `None` if the disk has none, and
    /// for partitions.
    #[must_use]
    pub fn wwid(&self) -> Option<String> {
        self.own_name(&["wwid", "device/wwid"])
    }

    /// A disk's serial number, or the CID of a memory card. It is unique only among disks of one maker.
    #[must_use]
    pub fn serial(&self) -> Option<String> {
        self.own_name(&["serial", "device/serial", "device/cid"])
    }

    fn own_name(&self, attributes: &[&str]) -> Option<String> {
        if self.is_partition() {
            return None;
        }
        let mut names = attributes.iter().filter_map(|name| self.attribute(name));
        let name = names.find(|name| !name.trim().is_empty())?;
        Some(name.trim().to_owned())
    }

    /// The device's node in devtmpfs.
    #[must_use]
    pub fn node(&self) -> Option<PathBuf> {
        let uevent = self.attribute("uevent")?;
        let name = uevent.lines().find_map(|it| it.strip_prefix("DEVNAME="))?;
        Some(Path::new("/dev").join(name))
    }

    /// The place on the disk, if the device is a partition.
    #[must_use]
    pub fn partition(&self) -> Option<Partition> {
        let number = |name: &str| self.attribute(name)?.parse::<u64>().ok();
        let block_size = self.disk().attribute("queue/logical_block_size")?;
        Some(Partition {
            number: u32::try_from(number("partition")?).ok()?,
            // In sectors of 512 bytes, like the size.
            start: number("start")?.checked_mul(512)?,
            block_size: block_size.parse().ok()?,
        })
    }

    /// The device's numbers as `MAJOR:MINOR`.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        self.attribute("dev")
    }

    /// Whether the device lies below this directory of `sys/devices`.
    #[must_use]
    pub fn is_below(&self, directory: &str) -> bool {
        self.directory.starts_with(self.devices.join(directory))
    }

    /// The directories of the device and all devices above it, the outermost first. If several NVMe controllers
    /// lead to a disk (drivers/nvme/host/multipath.c), the devices above each of them are included.
    #[must_use]
    pub fn ancestors(&self) -> Vec<PathBuf> {
        let mut ancestors = self.path_to(&self.directory);
        if self.is_below("virtual/nvme-subsystem") {
            let subsystem = self.disk().directory.parent().map(Path::to_owned);
            let subsystem = subsystem.unwrap_or_default();
            let controllers = names_in(&subsystem)
                .into_iter()
                .filter(|name| name.starts_with("nvme"));
            for name in controllers {
                let link = subsystem.join(&name);
                let is_link = link.symlink_metadata().is_ok_and(|m| m.is_symlink());
                if let Some(directory) = fs::canonicalize(link).ok().filter(|_| is_link) {
                    ancestors.extend(self.path_to(&directory));
                }
            }
        }
        ancestors
    }

    fn path_to(&self, directory: &Path) -> Vec<PathBuf> {
        let below =
            |directory: &&Path| directory.starts_with(&self.devices) && *directory != self.devices;
        let mut ancestors: Vec<PathBuf> = directory
            .ancestors()
            .take_while(below)
            .map(Path::to_owned)
            .collect();
        ancestors.reverse();
        ancestors
    }
}

/// All disks and partitions that may hold lasting data, sorted by name. Devices that appear or disappear during
/// the call may be missing.
///
/// # Errors
/// When `/sys` can't be read.
pub fn all(root: &Root) -> Result<Vec<BlockDevice>, ReadError> {
    let mut found = Vec::new();
    for name in names_in(&root.join("sys/class/block")) {
        if !is_ignored(&name) {
            found.extend(BlockDevice::by_name(root, &name)?);
        }
    }
    found.retain(|device| device.size().is_some_and(|size| size > 0));
    Ok(found)
}

fn is_ignored(name: &str) -> bool {
    let start = name.trim_end_matches(|c: char| c.is_ascii_digit());
    start.len() < name.len() && IGNORED_DRIVERS.contains(&start)
}

/// The driver that a device is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// The driver's name.
    pub name: String,
    /// The name of the driver's module; `None` if the driver is built in.
    pub module: Option<String>,
}

/// The driver of the device with this directory; `None` if none is bound.
#[must_use]
pub fn driver(device: &Path) -> Option<Driver> {
    let last = |path: PathBuf| Some(path.file_name()?.to_string_lossy().into_owned());
    let driver = fs::canonicalize(device.join("driver")).ok()?;
    // A built-in driver may have a directory in /sys/module, too, but without initstate (kernel/module/sysfs.c).
    let is_loaded = |module: &PathBuf| module.join("initstate").exists();
    let module = fs::canonicalize(driver.join("module"))
        .ok()
        .filter(is_loaded);
    let module = module.and_then(last);
    Some(Driver {
        module,
        name: last(driver)?,
    })
}

/// The alias by which modprobe finds the module for the device with this directory.
#[must_use]
pub fn modalias(device: &Path) -> Option<String> {
    let text = fs::read_to_string(device.join("modalias")).ok()?;
    let alias = text.trim_end();
    (!alias.is_empty()).then(|| alias.to_owned())
}

/// The path without links; `None` if nothing is there.
fn canonical(path: &Path) -> Result<Option<PathBuf>, ReadError> {
    match fs::canonicalize(path) {
        Ok(whole) => Ok(Some(whole)),
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(ReadError::new(path, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    const DISK: &str = "sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda";

    fn machine() -> TestRoot {
        TestRoot::new()
            .with(&format!("{DISK}/size"), "2048\n")
            .with(&format!("{DISK}/ro"), "1\n")
            .with(&format!("{DISK}/dev"), "254:0\n")
            .with(&format!("{DISK}/queue/logical_block_size"), "4096\n")
            .with(&format!("{DISK}/vda1/partition"), "1\n")
            .with(&format!("{DISK}/vda1/start"), "2048\n")
            .with(&format!("{DISK}/vda1/uevent"), "MAJOR=254\nDEVNAME=vda1\n")
            .with(&format!("{DISK}/vda1/size"), "1024\n")
            .with(&format!("{DISK}/vda1/dev"), "254:1\n")
            .with("sys/module/virtio_blk/initstate", "live\n")
            .with("dev/vda1", "")
            .with(
                "sys/devices/pci0000:00/0000:00:04.0/modalias",
                "pci:v00001AF4\n",
            )
            .link(
                "sys/bus/virtio/drivers/virtio_blk/module",
                "../../../../module/virtio_blk",
            )
            .link(
                "sys/devices/pci0000:00/0000:00:04.0/virtio1/driver",
                "../../../../bus/virtio/drivers/virtio_blk",
            )
            .link("sys/dev/block/254:1", &format!("../../../{DISK}/vda1"))
            .link("sys/class/block/vda1", &format!("../../../{DISK}/vda1"))
            .link("dev/disk/by-uuid/1234", "../../vda1")
    }

    #[test]
    fn a_device_is_found_by_number_by_name_and_by_path() {
        let t = machine();
        let root = t.root();
        let device = BlockDevice::by_number(&root, (254, 1)).unwrap().unwrap();
        assert_eq!(device.name, "vda1");
        assert_eq!(
            BlockDevice::by_name(&root, "vda1").unwrap().unwrap(),
            device
        );
        let path = Path::new("/dev/disk/by-uuid/1234");
        assert_eq!(BlockDevice::by_path(&root, path).unwrap().unwrap(), device);
        assert!(
            BlockDevice::by_path(&root, Path::new("/dev/vdb"))
                .unwrap()
                .is_none()
        );
        assert!(BlockDevice::by_name(&root, "../..").unwrap().is_none());
    }

    #[test]
    fn a_partition_is_as_writable_as_its_disk() {
        let t = machine();
        let device = BlockDevice::by_name(&t.root(), "vda1").unwrap().unwrap();
        assert!(device.is_partition());
        assert_eq!(device.size(), Some(512 << 10));
        assert_eq!(device.disk().name, "vda");
        assert_eq!(device.disk().partitions(), ["vda1"]);
        assert!(device.is_read_only());
    }

    #[test]
    fn a_disk_has_names_of_its_own_and_a_partition_has_none() {
        let t = machine()
            .with(&format!("{DISK}/device/wwid"), "naa.5000c500a1b2c3d4\n")
            .with(&format!("{DISK}/serial"), "  \n")
            .with(&format!("{DISK}/device/serial"), " S3Z1  \n")
            .with(&format!("{DISK}/vda1/serial"), "x\n");
        let partition = BlockDevice::by_name(&t.root(), "vda1").unwrap().unwrap();
        let disk = partition.disk();
        assert_eq!(disk.wwid().as_deref(), Some("naa.5000c500a1b2c3d4"));
        assert_eq!(disk.serial().as_deref(), Some("S3Z1"));
        assert_eq!((partition.wwid(), partition.serial()), (None, None));
        let bare = machine();
        let disk = BlockDevice::by_name(&bare.root(), "vda1")
            .unwrap()
            .unwrap()
            .disk();
        assert_eq!((disk.wwid(), disk.serial()), (None, None));
    }

    #[test]
    fn a_partition_says_where_it_is_on_its_disk() {
        let t = machine();
        let device = BlockDevice::by_name(&t.root(), "vda1").unwrap().unwrap();
        assert_eq!(device.node().unwrap(), Path::new("/dev/vda1"));
        assert_eq!(
            device.partition(),
            Some(Partition {
                number: 1,
                start: 2048 * 512,
                block_size: 4096
            })
        );
        assert_eq!(device.disk().partition(), None);
    }

    #[test]
    fn all_devices_are_those_with_a_size() {
        let t = machine()
            .with("sys/devices/virtual/block/loop0/size", "8\n")
            .with("sys/devices/virtual/block/sdb/size", "0\n")
            .link("sys/class/block/vda", &format!("../../../{DISK}"))
            .link("sys/class/block/gone", "../../devices/nowhere")
            .link("sys/class/block/loop0", "../../devices/virtual/block/loop0")
            .link("sys/class/block/sdb", "../../devices/virtual/block/sdb");
        let names: Vec<String> = all(&t.root())
            .unwrap()
            .into_iter()
            .map(|it| it.name)
            .collect();
        assert_eq!(names, ["vda", "vda1"]);
    }

    #[test]
    fn only_whole_names_with_numbers_are_ignored() {
        for name in ["loop0", "ram15", "zram0", "sr0", "fd0"] {
            assert!(is_ignored(name), "{name}");
        }
        for name in ["sda", "sda1", "vda", "nvme0n1p1", "md0", "fda1", "mmcblk0"] {
            assert!(!is_ignored(name), "{name}");
        }
    }

    #[test]
    fn the_ancestors_of_a_device_begin_at_the_bus_and_name_drivers() {
        let t = machine();
        let device = BlockDevice::by_name(&t.root(), "vda1").unwrap().unwrap();
        let ancestors = device.ancestors();
        assert_eq!(ancestors.len(), 6);
        assert_eq!(
            ancestors.first().unwrap().file_name().unwrap(),
            "pci0000:00"
        );
        let drivers: Vec<Driver> = ancestors
            .iter()
            .filter_map(|device| driver(device))
            .collect();
        assert_eq!(
            drivers,
            [Driver {
                name: "virtio_blk".into(),
                module: Some("virtio_blk".into())
            }]
        );
        let aliases: Vec<String> = ancestors
            .iter()
            .filter_map(|device| modalias(device))
            .collect();
        assert_eq!(aliases, ["pci:v00001AF4"]);
    }

    #[test]
    fn a_disk_of_several_controllers_has_the_ancestors_of_each() {
        let subsystem = "sys/devices/virtual/nvme-subsystem/nvme-subsys0";
        let t = TestRoot::new()
            .with(&format!("{subsystem}/nvme0n1/size"), "8\n")
            .with("sys/devices/pci0/1/nvme/nvme0/x", "")
            .with("sys/devices/pci0/2/nvme/nvme1/x", "")
            .link(&format!("{subsystem}/nvme0"), "../../../pci0/1/nvme/nvme0")
            .link(&format!("{subsystem}/nvme1"), "../../../pci0/2/nvme/nvme1")
            .link(
                "sys/class/block/nvme0n1",
                &format!("../../../{subsystem}/nvme0n1"),
            );
        let device = BlockDevice::by_name(&t.root(), "nvme0n1").unwrap().unwrap();
        let ancestors = device.ancestors();
        let ends = |end: &str| ancestors.iter().any(|directory| directory.ends_with(end));
        assert!(ends("pci0/1/nvme/nvme0") && ends("pci0/2/nvme/nvme1"));
    }
}
