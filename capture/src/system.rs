//! What is asked of the machine. Tests have one of their own.

use crate::config::{Device, FileSystem, Finally, MountOptions};
use crate::storage::{Storage, Writable};
use baton_kdump::Source;
use baton_sys::block::{BlockDevice, Partition};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A block device, as far as finding one needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its node.
    pub node: PathBuf,
    /// Of a partition: its disk's node, and where it is there.
    pub partition: Option<(PathBuf, Partition)>,
    /// Of a whole disk: what tells it from others.
    pub identity: Identity,
}

/// What tells a whole disk from others; what the kernel doesn't say is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// [`BlockDevice::wwid`](baton_sys::block::BlockDevice::wwid)
    pub wwid: Option<String>,
    /// [`BlockDevice::serial`](baton_sys::block::BlockDevice::serial)
    pub serial: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
}

impl Identity {
    /// That of a device.
    #[must_use]
    pub fn of(device: &BlockDevice) -> Identity {
        Identity {
            wwid: device.wwid(),
            serial: device.serial(),
            size: device.size(),
        }
    }

    /// Whether a disk is called so; `None` where the kernel doesn't say what it would be known by.
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
    /// How many bytes it has.
    ///
    /// # Errors
    /// When the kernel doesn't say.
    fn size(&self) -> io::Result<u64>;

    /// Reads it from the disk, and not from memory.
    ///
    /// # Errors
    /// When it can't be opened once more.
    fn reopen(&self) -> io::Result<Arc<dyn Source>>;
}

/// A machine.
pub trait System: Send + Sync {
    /// Shows a line to whoever watches. Never waits for long.
    fn say(&self, line: &str);

    /// Keeps a kernel log that no target took as well as it can, and shows it. Doesn't wait for long.
    fn keep_log(&self, log: &str);

    /// Loads a kernel module.
    ///
    /// # Errors
    /// What the kernel says.
    fn load_module(&self, file: &Path) -> io::Result<()>;

    /// The block devices that are there now.
    ///
    /// # Errors
    /// When they can't be listed.
    fn devices(&self) -> io::Result<Vec<Candidate>>;

    /// Opens a device to see what it is.
    ///
    /// # Errors
    /// What the kernel says.
    fn look_into(&self, node: &Path) -> io::Result<Arc<dyn Source>>;

    /// Mounts a file system for writing.
    ///
    /// # Errors
    /// What the kernel says.
    fn mount(
        &self,
        node: &Path,
        filesystem: FileSystem,
        options: &MountOptions,
    ) -> io::Result<Box<dyn Storage>>;

    /// Unmounts what was mounted.
    ///
    /// # Errors
    /// What the kernel says.
    fn unmount(&self) -> io::Result<()>;

    /// Opens a partition for writing.
    ///
    /// # Errors
    /// What the kernel says; a partition that is in use can't be had.
    fn open_volume(&self, node: &Path) -> io::Result<Box<dyn Volume>>;

    /// Time since the program began.
    fn elapsed(&self) -> Duration;

    /// Seconds since 1970, by the machine's clock.
    fn clock(&self) -> u64;

    /// Waits.
    fn sleep(&self, time: Duration);

    /// Bytes that could still be had, and the most that the program has held.
    fn memory(&self) -> (Option<u64>, Option<u64>);

    /// Takes the final action, in order.
    fn finish(&self, finally: Finally);

    /// Takes the final action, whatever state the machine is in.
    fn force(&self, finally: Finally);
}
