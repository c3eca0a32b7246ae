//! The [`System`] of a running Linux kernel.

mod console;
mod last_resort;
mod vmcore;
mod volume;

pub use vmcore::VmcoreSource;

use crate::cluster::Node;
use crate::file_system::FileSystem;
use crate::mount_options::MountOptions;
use crate::storage::{DirectoryStorage, Storage, Writable};
use crate::system::{Candidate, Feeder, Finally, Identity, System, Volume};
use baton_kdump::Source;
use baton_kdump::write::{FileOutput, Output};
use baton_sys::device_mapper::Target;
use baton_sys::file::{FileKind, open_as};
use baton_sys::watchdog::{self, OpenWatchdog, Watchdog};
use baton_sys::{Root, block, cache, crash_keys, md, memory, module, mount, power};
use console::Console;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::net::UdpSocket;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Where the target's file system is mounted.
const MOUNT_POINT: &str = "/target";

/// The kernel's pseudo file systems and their mount points.
const KERNEL: [(&str, &str); 3] = [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")];

/// `O_EXCL` of include/uapi/asm-generic/fcntl.h: opening a block device that is in use fails.
const EXCLUSIVE: i32 = 0o200;

/// The running kernel.
pub struct Linux {
    root: Root,
    begun: Instant,
    console: Console,
}

impl Linux {
    /// Mounts what an empty initramfs lacks. Failures are printed, since the capture may succeed without.
    #[must_use]
    pub fn set_up() -> Linux {
        let begun = Instant::now();
        let mut problems = Vec::new();
        for (kind, place) in KERNEL {
            if let Err(error) = mount::kernel_file_system(kind, Path::new(place)) {
                problems.push(format!("{place} can't be mounted: {error}"));
            }
        }
        let linux = Linux {
            root: Root::system(),
            begun,
            console: Console::open(),
        };
        for problem in problems {
            linux.say(&problem);
        }
        linux.protect();
        linux
    }

    /// If this program dies, the kernel panics: makes it reboot then. Also exempts the program from the OOM killer.
    fn protect(&self) {
        for (path, text) in [
            ("/proc/sys/kernel/panic", "10"),
            ("/proc/sys/kernel/panic_on_oops", "1"),
            ("/proc/self/oom_score_adj", "-1000"),
        ] {
            if let Err(error) = std::fs::write(path, text) {
                self.say(&format!("{path} can't be set: {error}"));
            }
        }
    }
}

impl System for Linux {
    fn say(&self, line: &str) {
        self.console.say(line);
    }

    fn keep_log(&self, log: &str) {
        match last_resort::to_pstore(&self.root, log) {
            Ok(Some((backend, length))) => self.say(&format!(
                "the last {length} bytes of the kernel log go to pstore ({backend})"
            )),
            Ok(None) => self.say("there is no pstore to keep the kernel log"),
            Err(error) => self.say(&format!("pstore can't keep the kernel log: {error}")),
        }
        self.console.show(&format!(
            "no target took the kernel log, which ends as follows:\n{}",
            last_resort::shown(log)
        ));
    }

    fn load_module(&self, file: &Path) -> io::Result<()> {
        module::load(file)
    }

    fn watchdogs(&self) -> Vec<Watchdog> {
        watchdog::all(&self.root)
    }

    fn open_watchdog(&self, node: &Path) -> io::Result<Box<dyn Feeder>> {
        Ok(Box::new(OpenWatchdog::open(node)?))
    }

    fn tell(&self, node: &Node, message: &[u8]) -> io::Result<()> {
        let Node { address, card, hop } = node;
        hop.set_up(&self.root, *card, address.ip())?;
        UdpSocket::bind((hop.source, 0))?.send_to(message, address)?;
        Ok(())
    }

    fn devices(&self) -> io::Result<Vec<Candidate>> {
        let devices = block::all(&self.root)?;
        let candidates = devices.iter().filter_map(|device| {
            let disk = device.disk().node();
            Some(Candidate {
                node: device.node()?,
                partition: disk.zip(device.partition()),
                identity: Identity::of(device),
            })
        });
        Ok(candidates.collect())
    }

    fn look_into(&self, node: &Path) -> io::Result<Arc<dyn Source>> {
        Ok(Arc::new(OpenDevice::open(node)?))
    }

    fn make_volume(&self, name: &str, uuid: &str, table: &[Target]) -> io::Result<PathBuf> {
        volume::make(&self.root, name, uuid, table)
    }

    fn restore_keys(&self) -> io::Result<()> {
        crash_keys::restore(&self.root)
    }

    fn remove_volume(&self, name: &str) -> io::Result<()> {
        volume::remove(name)
    }

    fn assemble_array(&self, minor_version: u8, members: &[PathBuf]) -> io::Result<PathBuf> {
        md::assemble(&self.root, minor_version, members)
    }

    fn stop_array(&self, node: &Path) -> io::Result<()> {
        md::stop(node)
    }

    fn mount(
        &self,
        node: &Path,
        filesystem: FileSystem,
        options: &MountOptions,
    ) -> io::Result<Box<dyn Storage>> {
        let place = PathBuf::from(MOUNT_POINT);
        std::fs::create_dir_all(&place)?;
        mount::data(
            node,
            &place,
            filesystem.name(),
            &options.flags,
            &options.data,
        )?;
        Ok(Box::new(DirectoryStorage::at(place)))
    }

    fn unmount(&self) -> io::Result<()> {
        mount::unmount(Path::new(MOUNT_POINT))
    }

    fn open_volume(&self, node: &Path) -> io::Result<Box<dyn Volume>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(EXCLUSIVE)
            .open(node)?;
        Ok(Box::new(OpenPartition {
            node: node.to_owned(),
            size: size(&file)?,
            output: FileOutput::new(file)?,
        }))
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn clock(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn memory(&self) -> (Option<u64>, Option<u64>) {
        let available = memory::available(&self.root).ok().flatten();
        (available, memory::peak_resident(&self.root).ok().flatten())
    }

    fn finish(&self, finally: Finally) {
        self.console.flush();
        let error = match finally {
            Finally::Reboot => power::restart(),
            Finally::Halt => power::halt(),
            Finally::Poweroff => power::power_off(),
        };
        self.say(&format!("that failed: {error}"));
        self.force(finally);
    }

    fn force(&self, finally: Finally) {
        let keys: &[char] = match finally {
            Finally::Reboot => &['b'],
            Finally::Poweroff => &['o', 'b'],
            Finally::Halt => &[],
        };
        for key in keys {
            self.say(&format!("sysrq-{key}"));
            self.console.flush();
            if let Err(error) = power::sysrq(*key) {
                self.say(&format!("that failed: {error}"));
            }
            // The key for power-off hands it to another kernel thread, so that write(2) returns at once.
            self.sleep(Duration::from_secs(5));
        }
    }
}

/// A block device open for reading. Its size isn't in its node's metadata.
struct OpenDevice {
    file: File,
    size: u64,
}

impl OpenDevice {
    fn open(node: &Path) -> io::Result<OpenDevice> {
        let (file, _) = open_as(node, &[FileKind::Block])?;
        Ok(OpenDevice {
            size: size(&file)?,
            file,
        })
    }
}

impl Source for OpenDevice {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }
}

fn size(mut file: &File) -> io::Result<u64> {
    file.seek(SeekFrom::End(0))
}

/// A partition open for writing.
struct OpenPartition {
    node: PathBuf,
    size: u64,
    output: FileOutput,
}

impl Output for OpenPartition {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.output.write_at(offset, bytes)
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        self.output.read_back(offset, buffer)
    }

    fn begins_empty(&self) -> bool {
        false
    }
}

impl Writable for OpenPartition {
    fn sync(&self) -> io::Result<()> {
        self.output.sync()
    }
}

impl Volume for OpenPartition {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn reopen(&self) -> io::Result<Arc<dyn Source>> {
        let device = OpenDevice::open(&self.node)?;
        cache::forget(&device.file)?;
        Ok(Arc::new(device))
    }
}
