//! A simulated machine: disks are directories and files, and faults occur on demand.

use baton_capture::deadline::End;
use baton_capture::fence_kdump::Node;
use baton_capture::file_system::FileSystem;
use baton_capture::mount_options::MountOptions;
use baton_capture::storage::{DirectoryStorage, PrivateDirectory, Storage, Writable};
use baton_capture::system::{Candidate, Feeder, Finally, Identity, System, Volume};
use baton_kdump::Source;
use baton_kdump::write::Output;
use baton_sys::block::Partition;
use baton_sys::watchdog::Watchdog;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// What goes wrong with a disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// The operation with this number fails, and later ones succeed.
    Once(u32),
    /// The operation with this number fails, and so do all later ones.
    From(u32),
    /// Only this number of bytes can be written.
    Full(u64),
    /// Reading returns other bytes than were written.
    Rotten,
    /// The operation with this number, if it is a write, is reported as done and isn't.
    Loses(u32),
    /// Mounting never returns.
    Hangs,
}

/// Counts the operations on a disk and makes them fail.
#[derive(Default)]
pub struct Faults {
    fault: Mutex<Fault>,
    operations: AtomicU32,
    written: AtomicU64,
}

impl Faults {
    fn step(&self) -> io::Result<()> {
        let number = self.operations.fetch_add(1, Ordering::Relaxed);
        match *self.fault.lock().unwrap() {
            Fault::Once(at) if number == at => Err(io::Error::from_raw_os_error(5)),
            Fault::From(at) if number >= at => Err(io::Error::from_raw_os_error(5)),
            _ => Ok(()),
        }
    }

    /// Whether to do it.
    fn write(&self, length: usize) -> io::Result<bool> {
        let number = self.operations.load(Ordering::Relaxed);
        self.step()?;
        let written = self.written.fetch_add(length as u64, Ordering::Relaxed) + length as u64;
        match *self.fault.lock().unwrap() {
            Fault::Full(limit) if written > limit => Err(io::ErrorKind::StorageFull.into()),
            Fault::Loses(lost) => Ok(number != lost),
            _ => Ok(true),
        }
    }

    fn is(&self, fault: Fault) -> bool {
        *self.fault.lock().unwrap() == fault
    }
}

/// A disk.
pub struct Disk {
    pub node: PathBuf,
    /// The first bytes, which hold the superblock.
    image: Vec<u8>,
    /// The directory with the files on the disk.
    pub directory: PathBuf,
    pub free: u64,
    pub faults: Arc<Faults>,
}

/// The machine.
pub struct Machine {
    root: TempDir,
    pub disks: Vec<Disk>,
    /// A raw partition, by its size.
    pub partition: Option<u64>,
    pub partition_faults: Arc<Faults>,
    /// What distinguishes the raw disk from others.
    pub identity: Identity,
    /// There is a copy of the raw disk, `/dev/copy`, which has the same identity.
    pub is_copied: bool,
    pub bad_modules: Vec<PathBuf>,
    pub watchdogs: Vec<Watchdog>,
    /// When they appear.
    pub watchdogs_after: Duration,
    pub fed: Fed,
    /// To whom what was sent, with or without success.
    pub told: Mutex<Vec<(SocketAddr, Vec<u8>)>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    said: Vec<String>,
    finished: Vec<Finally>,
    forced: Vec<Finally>,
    mounted: u32,
    elapsed: Duration,
    modules: Vec<PathBuf>,
    options: Vec<String>,
    kept_logs: Vec<String>,
    /// How often watchdogs were fed until the log was kept.
    fed_until_kept: usize,
}

impl Machine {
    pub fn new() -> Machine {
        Machine {
            root: tempfile::tempdir().unwrap(),
            disks: Vec::new(),
            partition: None,
            partition_faults: Arc::default(),
            identity: Identity::default(),
            is_copied: false,
            bad_modules: Vec::new(),
            watchdogs: Vec::new(),
            watchdogs_after: Duration::ZERO,
            fed: Fed::default(),
            told: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// With an ext4 file system that has this label.
    pub fn with_disk(mut self, label: &str, fault: Fault) -> Machine {
        let directory = self.root.path().join(label);
        fs::create_dir_all(&directory).unwrap();
        let mut image = vec![0; 68 << 10];
        image[1080..1082].copy_from_slice(&[0x53, 0xef]);
        image[1144..1144 + label.len()].copy_from_slice(label.as_bytes());
        self.disks.push(Disk {
            node: PathBuf::from(format!("/dev/{label}")),
            image,
            directory,
            free: 1 << 40,
            faults: Arc::new(Faults {
                fault: Mutex::new(fault),
                ..Faults::default()
            }),
        });
        self
    }

    /// With a copy of a disk, which has the same label.
    pub fn with_copy_of(self, label: &str) -> Machine {
        let mut machine = self.with_disk("copy", Fault::None);
        machine.disks.last_mut().unwrap().image = machine.disk(label).image.clone();
        machine
    }

    /// With a partition `/dev/raw` of this size, which begins with these bytes.
    pub fn with_partition(mut self, size: u64, start: &[u8], fault: Fault) -> Machine {
        let file = File::create(self.partition_file()).unwrap();
        file.set_len(size).unwrap();
        file.write_all_at(start, 0).unwrap();
        self.partition = Some(size);
        self.partition_faults = Arc::new(Faults {
            fault: Mutex::new(fault),
            ..Faults::default()
        });
        self
    }

    pub fn partition_file(&self) -> PathBuf {
        self.root.path().join("raw")
    }

    pub fn partition_bytes(&self) -> Vec<u8> {
        fs::read(self.partition_file()).unwrap()
    }

    pub fn disk(&self, label: &str) -> &Disk {
        let node = PathBuf::from(format!("/dev/{label}"));
        self.disks.iter().find(|it| it.node == node).unwrap()
    }

    /// How many operations the disk has seen.
    pub fn operations(&self, label: &str) -> u32 {
        self.disk(label).faults.operations.load(Ordering::Relaxed)
    }

    pub fn said(&self) -> String {
        self.state.lock().unwrap().said.join("\n")
    }

    pub fn finished(&self) -> Vec<Finally> {
        self.state.lock().unwrap().finished.clone()
    }

    pub fn forced(&self) -> Vec<Finally> {
        self.state.lock().unwrap().forced.clone()
    }

    pub fn modules(&self) -> Vec<PathBuf> {
        self.state.lock().unwrap().modules.clone()
    }

    pub fn options(&self) -> Vec<String> {
        self.state.lock().unwrap().options.clone()
    }

    /// Kernel logs that no target took.
    pub fn kept_logs(&self) -> Vec<String> {
        self.state.lock().unwrap().kept_logs.clone()
    }

    pub fn fed_until_kept(&self) -> usize {
        self.state.lock().unwrap().fed_until_kept
    }

    pub fn mounted(&self) -> u32 {
        self.state.lock().unwrap().mounted
    }

    /// Waits until a final action was taken.
    pub fn wait_for_end(&self) {
        self.wait_for(|state| !state.finished.is_empty());
    }

    /// Waits until a final action was forced.
    pub fn wait_for_force(&self) {
        self.wait_for(|state| !state.forced.is_empty());
    }

    fn wait_for(&self, reached: impl Fn(&State) -> bool) {
        let state = self.state.lock().unwrap();
        let limit = Duration::from_secs(60);
        let waited = self
            .changed
            .wait_timeout_while(state, limit, |state| !reached(state));
        let (_state, timeout) = waited.unwrap();
        assert!(!timeout.timed_out(), "a minute was not enough");
    }

    pub fn end(self: &Arc<Self>) -> Arc<End> {
        End::new(Arc::clone(self) as Arc<dyn System>)
    }
}

impl System for Machine {
    fn say(&self, line: &str) {
        self.state.lock().unwrap().said.push(line.to_owned());
    }

    fn keep_log(&self, log: &str) {
        // It takes its time, in which watchdogs would be done with if they were told to.
        std::thread::sleep(Duration::from_millis(50));
        let mut state = self.state.lock().unwrap();
        state.kept_logs.push(log.to_owned());
        state.fed_until_kept = self.fed.lock().unwrap().len();
    }

    fn load_module(&self, file: &Path) -> io::Result<()> {
        if self.bad_modules.iter().any(|it| it == file) {
            return Err(io::Error::from_raw_os_error(8));
        }
        self.state.lock().unwrap().modules.push(file.to_owned());
        Ok(())
    }

    fn watchdogs(&self) -> Vec<Watchdog> {
        let are_there = self.elapsed() >= self.watchdogs_after;
        let there = self.watchdogs.iter().filter(|_| are_there);
        there.cloned().collect()
    }

    fn open_watchdog(&self, node: &Path) -> io::Result<Box<dyn Feeder>> {
        if node == Path::new("/dev/busy") {
            return Err(io::Error::from_raw_os_error(16));
        }
        Ok(Box::new(FakeFeeder {
            node: node.to_owned(),
            fed: Arc::clone(&self.fed),
        }))
    }

    fn tell(&self, node: &Node, message: &[u8]) -> io::Result<()> {
        let mut told = self.told.lock().unwrap();
        told.push((node.address, message.to_vec()));
        // The card isn't there yet.
        if told.len() == 1 {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(())
    }

    fn devices(&self) -> io::Result<Vec<Candidate>> {
        let disks = self.disks.iter().map(|disk| Candidate {
            node: disk.node.clone(),
            partition: None,
            identity: Identity::default(),
        });
        let partition = self.partition.map(|_| Candidate {
            node: "/dev/raw".into(),
            partition: Some((
                "/dev/disk".into(),
                Partition {
                    number: 1,
                    start: 1 << 20,
                    block_size: 512,
                },
            )),
            identity: self.identity.clone(),
        });
        let copy = self.is_copied.then(|| Candidate {
            node: "/dev/copy".into(),
            partition: None,
            identity: self.identity.clone(),
        });
        Ok(disks.chain(partition).chain(copy).collect())
    }

    fn look_into(&self, node: &Path) -> io::Result<Arc<dyn Source>> {
        if node == Path::new("/dev/raw") {
            return Ok(Arc::new(File::open(self.partition_file())?));
        }
        let disk = self.disks.iter().find(|disk| disk.node == node);
        let disk = disk.ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(disk.image.clone()))
    }

    fn mount(
        &self,
        node: &Path,
        _: FileSystem,
        options: &MountOptions,
    ) -> io::Result<Box<dyn Storage>> {
        let disk = self.disks.iter().find(|disk| disk.node == node).unwrap();
        if disk.faults.is(Fault::Hangs) {
            loop {
                std::thread::park();
            }
        }
        disk.faults.step()?;
        let mut state = self.state.lock().unwrap();
        state.mounted += 1;
        state.options.push(options.data.clone());
        Ok(Box::new(Faulty {
            inner: DirectoryStorage::at(&disk.directory),
            faults: Arc::clone(&disk.faults),
            free: disk.free,
        }))
    }

    fn unmount(&self) -> io::Result<()> {
        self.state.lock().unwrap().mounted -= 1;
        Ok(())
    }

    fn open_volume(&self, node: &Path) -> io::Result<Box<dyn Volume>> {
        assert_eq!(node, Path::new("/dev/raw"));
        self.partition_faults.step()?;
        let file = File::options()
            .read(true)
            .write(true)
            .open(self.partition_file())?;
        Ok(Box::new(FaultyFile {
            file: Box::new(baton_kdump::write::FileOutput::new(file)?),
            faults: Arc::clone(&self.partition_faults),
            path: self.partition_file(),
        }))
    }

    fn elapsed(&self) -> Duration {
        self.state.lock().unwrap().elapsed
    }

    fn clock(&self) -> u64 {
        1_000_000_000
    }

    fn sleep(&self, time: Duration) {
        self.state.lock().unwrap().elapsed += time;
    }

    fn memory(&self) -> (Option<u64>, Option<u64>) {
        (Some(64 << 20), Some(7 << 20))
    }

    fn finish(&self, finally: Finally) {
        self.state.lock().unwrap().finished.push(finally);
        self.changed.notify_all();
    }

    fn force(&self, finally: Finally) {
        self.state.lock().unwrap().forced.push(finally);
        self.changed.notify_all();
    }
}

/// A file system with faults.
struct Faulty {
    inner: DirectoryStorage,
    faults: Arc<Faults>,
    free: u64,
}

impl Storage for Faulty {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.faults.step()?;
        self.inner.make_directory(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        self.faults.step()?;
        self.inner.list(path)
    }

    fn open_private(&self, path: &Path) -> io::Result<Box<dyn PrivateDirectory>> {
        self.faults.step()?;
        Ok(Box::new(FaultyDirectory {
            inner: self.inner.open_private(path)?,
            faults: Arc::clone(&self.faults),
        }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Writable>> {
        self.faults.step()?;
        Ok(Box::new(FaultyFile {
            file: self.inner.create(path)?,
            faults: Arc::clone(&self.faults),
            path: PathBuf::new(),
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Source>> {
        self.faults.step()?;
        let source = self.inner.open(path)?;
        if self.faults.is(Fault::Rotten) {
            Ok(Arc::new(Rotten(source)))
        } else {
            Ok(source)
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.faults.step()?;
        self.inner.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.faults.step()?;
        self.inner.remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.faults.step()?;
        self.inner.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.faults.step()?;
        self.inner.sync_directory(path)
    }

    fn free(&self) -> io::Result<u64> {
        self.faults.step()?;
        Ok(self.free)
    }
}

/// A directory with faults.
struct FaultyDirectory {
    inner: Box<dyn PrivateDirectory>,
    faults: Arc<Faults>,
}

impl PrivateDirectory for FaultyDirectory {
    fn files(&self) -> io::Result<Vec<(String, bool)>> {
        self.faults.step()?;
        self.inner.files()
    }

    fn remove_file(&self, name: &str) -> io::Result<()> {
        self.faults.step()?;
        self.inner.remove_file(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.step()?;
        self.inner.sync()
    }
}

/// A file, or a partition, with faults.
struct FaultyFile {
    file: Box<dyn Writable>,
    faults: Arc<Faults>,
    path: PathBuf,
}

impl Output for FaultyFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.faults.write(bytes.len())? {
            self.file.write_at(offset, bytes)?;
        }
        Ok(())
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        self.file.read_back(offset, buffer)
    }

    fn begins_empty(&self) -> bool {
        self.path == Path::new("")
    }
}

impl Writable for FaultyFile {
    fn sync(&self) -> io::Result<()> {
        self.faults.step()?;
        self.file.sync()
    }
}

impl Volume for FaultyFile {
    fn size(&self) -> io::Result<u64> {
        Ok(fs::metadata(&self.path)?.len())
    }

    fn reopen(&self) -> io::Result<Arc<dyn Source>> {
        self.faults.step()?;
        Ok(Arc::new(File::open(&self.path)?))
    }
}

struct Rotten(Arc<dyn Source>);

impl Source for Rotten {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)?;
        if let Some(byte) = buffer.first_mut() {
            *byte ^= 1;
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
}

/// What was done to watchdogs: their nodes, and whether they were stopped.
pub type Fed = Arc<Mutex<Vec<(PathBuf, bool)>>>;

struct FakeFeeder {
    node: PathBuf,
    fed: Fed,
}

impl Feeder for FakeFeeder {
    fn feed(&mut self) -> io::Result<()> {
        self.fed.lock().unwrap().push((self.node.clone(), false));
        Ok(())
    }

    fn stop(&mut self) -> io::Result<()> {
        self.fed.lock().unwrap().push((self.node.clone(), true));
        Ok(())
    }
}
