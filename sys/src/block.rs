//! Block devices, as `/sys` describes them (Documentation/ABI/stable/sysfs-block).

use crate::Root;
use crate::file::names_in;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A disk or a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockDevice {
    /// The kernel's name for it, as `sda1`.
    pub name: String,
    /// Its folder below `sys/devices`, without links.
    folder: PathBuf,
    /// `sys/devices`, without links.
    devices: PathBuf,
}

/// Where a partition is on its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 1.
    pub number: u32,
    /// Where it begins, in bytes.
    pub start: u64,
    /// The disk's logical block, in bytes.
    pub block_size: u64,
}

/// Devices whose drivers' names these are, with a number, are of no use to anyone who looks for data.
const PASSED_OVER: [&str; 5] = ["loop", "ram", "zram", "sr", "fd"];

impl BlockDevice {
    /// The one with these numbers; `None` where there is none.
    ///
    /// # Errors
    /// When `/sys` can't be read.
    pub fn by_number(root: &Root, (major, minor): (u32, u32)) -> io::Result<Option<BlockDevice>> {
        BlockDevice::at(root, &format!("sys/dev/block/{major}:{minor}"))
    }

    /// The one with this name of the kernel's; `None` where there is none.
    ///
    /// # Errors
    /// When `/sys` can't be read.
    pub fn by_name(root: &Root, name: &str) -> io::Result<Option<BlockDevice>> {
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Ok(None);
        }
        BlockDevice::at(root, &format!("sys/class/block/{name}"))
    }

    /// The one whose node this path (as `/dev/sda1`, or a link to it) is; `None` where there is no such
    /// path, or it is no block device.
    ///
    /// # Errors
    /// When the path or `/sys` can't be read.
    pub fn by_path(root: &Root, path: &Path) -> io::Result<Option<BlockDevice>> {
        let below = path.strip_prefix("/").unwrap_or(path);
        let Some(whole) = found(fs::canonicalize(root.join(below)))? else {
            return Ok(None);
        };
        let metadata = fs::metadata(&whole)?;
        if metadata.file_type().is_block_device() {
            let number = metadata.rdev();
            let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
            return BlockDevice::by_number(root, (major, minor));
        }
        // A described machine has no nodes: there the name counts.
        match whole.file_name().filter(|_| !root.is_system()) {
            Some(name) => BlockDevice::by_name(root, &name.to_string_lossy()),
            None => Ok(None),
        }
    }

    fn at(root: &Root, link: &str) -> io::Result<Option<BlockDevice>> {
        let Some(folder) = found(fs::canonicalize(root.join(link)))? else {
            return Ok(None);
        };
        let name = folder.file_name().unwrap_or_default();
        Ok(Some(BlockDevice {
            name: name.to_string_lossy().into_owned(),
            devices: fs::canonicalize(root.join("sys/devices"))?,
            folder,
        }))
    }

    /// The disk that it is a partition of; itself if it is none.
    #[must_use]
    pub fn disk(&self) -> BlockDevice {
        match self.folder.parent().filter(|_| self.is_partition()) {
            Some(folder) => BlockDevice {
                name: folder
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                folder: folder.to_owned(),
                devices: self.devices.clone(),
            },
            None => self.clone(),
        }
    }

    /// Whether it is a partition.
    #[must_use]
    pub fn is_partition(&self) -> bool {
        self.folder.join("partition").exists()
    }

    /// The names of its partitions.
    #[must_use]
    pub fn partitions(&self) -> Vec<String> {
        let mut names = names_in(&self.folder);
        names.retain(|name| self.folder.join(name).join("partition").exists());
        names
    }

    /// The names of the devices that are made of it: device mapper, md.
    #[must_use]
    pub fn holders(&self) -> Vec<String> {
        names_in(&self.folder.join("holders"))
    }

    /// A file of its folder, as text without the line end; `None` where it isn't there.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.folder.join(name)).ok()?;
        Some(text.trim_end().to_owned())
    }

    /// Whether its folder has a file or folder of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    /// Its size in bytes: `size` counts sectors of 512, whatever the device's own are.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.attribute("size")?
            .parse::<u64>()
            .ok()?
            .checked_mul(512)
    }

    /// Whether it can't be written to, or its disk can't.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let read_only = |device: &BlockDevice| device.attribute("ro").as_deref() == Some("1");
        read_only(self) || read_only(&self.disk())
    }

    /// What tells a disk from all others wherever it is found: the kernel's `wwid`, of SCSI, SATA and NVMe
    /// disks. `None` where it has none, and for partitions.
    #[must_use]
    pub fn wwid(&self) -> Option<String> {
        self.own_name(&["wwid", "device/wwid"])
    }

    /// A disk's serial number, or its CID if it is a memory card; only makers' own disks differ by it.
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

    /// Its node, as devtmpfs makes it.
    #[must_use]
    pub fn node(&self) -> Option<PathBuf> {
        let uevent = self.attribute("uevent")?;
        let name = uevent.lines().find_map(|it| it.strip_prefix("DEVNAME="))?;
        Some(Path::new("/dev").join(name))
    }

    /// What it is of its disk, if it is a partition.
    #[must_use]
    pub fn partition(&self) -> Option<Partition> {
        let number = |name: &str| self.attribute(name)?.parse::<u64>().ok();
        let block_size = self.disk().attribute("queue/logical_block_size")?;
        Some(Partition {
            number: u32::try_from(number("partition")?).ok()?,
            // In sectors of 512 bytes, as the size.
            start: number("start")?.checked_mul(512)?,
            block_size: block_size.parse().ok()?,
        })
    }

    /// `MAJOR:MINOR`.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        self.attribute("dev")
    }

    /// Whether it lies below this folder of `sys/devices`.
    #[must_use]
    pub fn is_below(&self, folder: &str) -> bool {
        self.folder.starts_with(self.devices.join(folder))
    }

    /// Every device on the way to it, the outermost first, by their folders. A disk that several NVMe
    /// controllers lead to (drivers/nvme/host/multipath.c) has the way to each of them.
    #[must_use]
    pub fn way(&self) -> Vec<PathBuf> {
        let mut way = self.ancestors(&self.folder);
        if self.is_below("virtual/nvme-subsystem") {
            let subsystem = self.disk().folder.parent().map(Path::to_owned);
            let subsystem = subsystem.unwrap_or_default();
            let controllers = names_in(&subsystem)
                .into_iter()
                .filter(|name| name.starts_with("nvme"));
            for name in controllers {
                let link = subsystem.join(&name);
                let is_link = link.symlink_metadata().is_ok_and(|m| m.is_symlink());
                if let Some(folder) = fs::canonicalize(link).ok().filter(|_| is_link) {
                    way.extend(self.ancestors(&folder));
                }
            }
        }
        way
    }

    fn ancestors(&self, folder: &Path) -> Vec<PathBuf> {
        let below = |folder: &&Path| folder.starts_with(&self.devices) && *folder != self.devices;
        let mut way: Vec<PathBuf> = folder
            .ancestors()
            .take_while(below)
            .map(Path::to_owned)
            .collect();
        way.reverse();
        way
    }
}

/// All disks and partitions that may hold something, sorted by name. What comes or goes meanwhile is left
/// out, and so is what holds nothing for long, or blocks whoever reads it.
///
/// # Errors
/// When `/sys` can't be read.
pub fn all(root: &Root) -> io::Result<Vec<BlockDevice>> {
    let mut found = Vec::new();
    for name in names_in(&root.join("sys/class/block")) {
        if !is_passed_over(&name) {
            found.extend(BlockDevice::by_name(root, &name)?);
        }
    }
    found.retain(|device| device.size().is_some_and(|size| size > 0));
    Ok(found)
}

fn is_passed_over(name: &str) -> bool {
    let start = name.trim_end_matches(|c: char| c.is_ascii_digit());
    start.len() < name.len() && PASSED_OVER.contains(&start)
}

/// The driver that a device is bound to, and the module that it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// The driver's name.
    pub name: String,
    /// The module's name; `None` where the driver is built in.
    pub module: Option<String>,
}

/// The driver of the device with this folder; `None` where none is bound.
#[must_use]
pub fn driver(device: &Path) -> Option<Driver> {
    let last = |path: PathBuf| Some(path.file_name()?.to_string_lossy().into_owned());
    let driver = fs::canonicalize(device.join("driver")).ok()?;
    // What is built in may have a folder in /sys/module, too, but no state (kernel/module/sysfs.c).
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

/// The alias by which a module is found for the device with this folder.
#[must_use]
pub fn modalias(device: &Path) -> Option<String> {
    let text = fs::read_to_string(device.join("modalias")).ok()?;
    let alias = text.trim_end();
    (!alias.is_empty()).then(|| alias.to_owned())
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(e),
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
    fn only_whole_names_with_numbers_are_passed_over() {
        for name in ["loop0", "ram15", "zram0", "sr0", "fd0"] {
            assert!(is_passed_over(name), "{name}");
        }
        for name in ["sda", "sda1", "vda", "nvme0n1p1", "md0", "fda1", "mmcblk0"] {
            assert!(!is_passed_over(name), "{name}");
        }
    }

    #[test]
    fn the_way_to_a_device_begins_at_the_bus_and_names_drivers() {
        let t = machine();
        let device = BlockDevice::by_name(&t.root(), "vda1").unwrap().unwrap();
        let way = device.way();
        assert_eq!(way.len(), 6);
        assert_eq!(way.first().unwrap().file_name().unwrap(), "pci0000:00");
        let drivers: Vec<Driver> = way.iter().filter_map(|device| driver(device)).collect();
        assert_eq!(
            drivers,
            [Driver {
                name: "virtio_blk".into(),
                module: Some("virtio_blk".into())
            }]
        );
        let aliases: Vec<String> = way.iter().filter_map(|device| modalias(device)).collect();
        assert_eq!(aliases, ["pci:v00001AF4"]);
    }

    #[test]
    fn a_disk_of_several_controllers_has_the_way_to_each() {
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
        let way = device.way();
        let ends = |end: &str| way.iter().any(|folder| folder.ends_with(end));
        assert!(ends("pci0/1/nvme/nvme0") && ends("pci0/2/nvme/nvme1"));
    }
}
