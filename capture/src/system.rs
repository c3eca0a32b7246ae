//! The operations that a capture needs from the machine. Tests implement them on a simulated one.

use crate::cluster::Node;
use crate::device::Device;
use crate::file_system::FileSystem;
use crate::mount_options::MountOptions;
use crate::storage::{Storage, Writable};
use baton_kdump::Source;
use baton_sys::block::{BlockDevice, Partition};
use baton_sys::device_mapper::Target;
use baton_sys::watchdog::{OpenWatchdog, Watchdog};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The final action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finally {
    /// Reboot through the firmware.
    Reboot,
    /// Halt, so that someone can look at the machine.
    Halt,
    /// Power off.
    Poweroff,
}

/// A block device, with the properties by which a target's device is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The device's node.
    pub node: PathBuf,
    /// For a partition: the disk's node, and the partition's place on it.
    pub partition: Option<(PathBuf, Partition)>,
    /// For a whole disk: what distinguishes it from other disks.
    pub identity: Identity,
}

/// What distinguishes a whole disk from others. Fields that the kernel doesn't report are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// [`BlockDevice::wwid`](baton_sys::block::BlockDevice::wwid)
    pub wwid: Option<String>,
    /// [`BlockDevice::serial`](baton_sys::block::BlockDevice::serial)
    pub serial: Option<String>,
    /// The disk's size in bytes.
    pub size: Option<u64>,
}

impl Identity {
    /// The identity of a device.
    #[must_use]
    pub fn of(device: &BlockDevice) -> Identity {
        Identity {
            wwid: device.wwid(),
            serial: device.serial(),
            size: device.size(),
        }
    }

    /// Whether a disk has this name; `None` if the kernel doesn't report the property that the name is about.
    #[must_use]
    pub fn carries(&self, device: &Device) -> Option<bool> {
        match device {
            Device::Wwn(wwid) => self.wwid.as_ref().map(|found| found == wwid),
            Device::Serial(serial, size) => {
                let (found, found_size) = (self.serial.as_ref()?, self.size?);
                Some(found == serial && found_size == *size)
            }
            _ => Some(false),
        }
    }
}

/// A partition that is written to as a whole.
pub trait Volume: Writable {
    /// The partition's size in bytes.
    ///
    /// # Errors
    /// When it can't be determined.
    fn size(&self) -> io::Result<u64>;

    /// Opens the partition again, to be read from the disk rather than the page cache.
    ///
    /// # Errors
    /// When it can't be opened again.
    fn reopen(&self) -> io::Result<Arc<dyn Source>>;
}

/// A watchdog that is open.
pub trait Feeder: Send {
    /// Feeds it.
    ///
    /// # Errors
    /// The error of its driver.
    fn feed(&mut self) -> io::Result<()>;

    /// Stops it, if that is possible.
    ///
    /// # Errors
    /// The error of its driver.
    fn stop(&mut self) -> io::Result<()>;
}

impl Feeder for OpenWatchdog {
    fn feed(&mut self) -> io::Result<()> {
        OpenWatchdog::feed(self)
    }

    fn stop(&mut self) -> io::Result<()> {
        OpenWatchdog::stop(self)
    }
}

/// A machine.
pub trait System: Send + Sync {
    /// Prints a line on the console. Never blocks for long.
    fn say(&self, line: &str);

    /// Saves a kernel log that no target took, as well as the machine can, and prints it. Never blocks for long.
    fn keep_log(&self, log: &str);

    /// Loads a kernel module.
    ///
    /// # Errors
    /// The error of the kernel.
    fn load_module(&self, file: &Path) -> io::Result<()>;

    /// The watchdogs that there are now.
    fn watchdogs(&self) -> Vec<Watchdog>;

    /// Opens a watchdog, which starts it.
    ///
    /// # Errors
    /// The error of the kernel.
    fn open_watchdog(&self, node: &Path) -> io::Result<Box<dyn Feeder>>;

    /// Sends a message to a node, setting up the network as far as it isn't yet. Never blocks for long.
    ///
    /// # Errors
    /// When the network card isn't there (yet), or the kernel refuses.
    fn tell(&self, node: &Node, message: &[u8]) -> io::Result<()>;

    /// The block devices that exist now.
    ///
    /// # Errors
    /// When they can't be listed.
    fn devices(&self) -> io::Result<Vec<Candidate>>;

    /// Opens a device to identify its contents.
    ///
    /// # Errors
    /// The error of the kernel.
    fn look_into(&self, node: &Path) -> io::Result<Arc<dyn Source>>;

    /// Makes a volume of the device mapper, in whose table devices are nodes. Returns its node.
    ///
    /// # Errors
    /// The error of the kernel; nothing is left of the volume then.
    fn make_volume(&self, name: &str, uuid: &str, table: &[Target]) -> io::Result<PathBuf>;

    /// Has the kernel put those keys of encrypted volumes into a keyring that it kept when the capture was loaded. They are
    /// there once this was called, however often.
    ///
    /// # Errors
    /// When the kernel can't, or kept none.
    fn restore_keys(&self) -> io::Result<()>;

    /// Removes a volume that was made.
    ///
    /// # Errors
    /// The error of the kernel.
    fn remove_volume(&self, name: &str) -> io::Result<()>;

    /// Assembles and starts a RAID array of the members with these nodes, whose superblocks have version 1 and this minor
    /// version. Nothing is written to it before something is written through it. Returns its node.
    ///
    /// # Errors
    /// The error of the kernel; nothing is left of the array then.
    fn assemble_array(&self, minor_version: u8, members: &[PathBuf]) -> io::Result<PathBuf>;

    /// Stops an array that was assembled.
    ///
    /// # Errors
    /// The error of the kernel.
    fn stop_array(&self, node: &Path) -> io::Result<()>;

    /// Mounts a file system for writing.
    ///
    /// # Errors
    /// The error of the kernel.
    fn mount(
        &self,
        node: &Path,
        filesystem: FileSystem,
        options: &MountOptions,
    ) -> io::Result<Box<dyn Storage>>;

    /// Unmounts what was mounted.
    ///
    /// # Errors
    /// The error of the kernel.
    fn unmount(&self) -> io::Result<()>;

    /// Opens a partition for writing.
    ///
    /// # Errors
    /// The error of the kernel, also if the partition is in use.
    fn open_volume(&self, node: &Path) -> io::Result<Box<dyn Volume>>;

    /// The time since the program started.
    fn elapsed(&self) -> Duration;

    /// Seconds since 1970, by the machine's clock.
    fn clock(&self) -> u64;

    /// Waits for this time.
    fn sleep(&self, time: Duration);

    /// The bytes of memory available, and the program's peak resident memory.
    fn memory(&self) -> (Option<u64>, Option<u64>);

    /// Takes the final action in an orderly manner.
    fn finish(&self, finally: Finally);

    /// Takes the final action, whatever state the machine is in.
    fn force(&self, finally: Finally);
}
