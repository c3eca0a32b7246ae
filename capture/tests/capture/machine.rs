//! A simulated machine: disks are directories and files, and faults occur on demand.

mod faults;

pub use faults::{Fault, Faults};

use baton_capture::cluster::Node;
use baton_capture::deadline::End;
use baton_capture::file_system::FileSystem;
use baton_capture::mount_options::MountOptions;
use baton_capture::storage::{DirectoryStorage, Storage};
use baton_capture::system::{Candidate, Feeder, Finally, Identity, System, Volume};
use baton_kdump::Source;
use baton_sys::block::Partition;
use baton_sys::device_mapper::Target;
use baton_sys::watchdog::Watchdog;
use faults::{Faulty, FaultyFile};
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// A disk.
pub struct Disk {
    pub node: PathBuf,
    /// The first bytes, which hold the superblock.
    image: Vec<u8>,
    /// The directory with the files on the disk.
    pub directory: PathBuf,
    pub free: u64,
    pub faults: Arc<Faults>,
    /// The volume that it is, if it isn't there before that is made.
    volume: Option<String>,
    /// It gives no answer to those who look at it.
    is_silent: bool,
}

/// What gives no answer.
struct Silent;

impl Source for Silent {
    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::Error::from_raw_os_error(5))
    }

    fn size(&self) -> io::Result<u64> {
        Ok(1 << 30)
    }
}

/// A disk that a volume lies on.
pub struct Leg {
    /// Its node.
    pub node: PathBuf,
    pub wwid: String,
    /// Its first bytes.
    pub image: Vec<u8>,
    /// It gives no answer.
    pub is_silent: bool,
}

/// The machine.
pub struct Machine {
    root: TempDir,
    pub disks: Vec<Disk>,
    pub legs: Vec<Leg>,
    /// The kernel refuses to make volumes.
    pub makes_no_volumes: bool,
    /// The names of the keys that the kernel kept; none if it didn't keep any.
    pub keys: Vec<String>,
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
    /// When their devices appear.
    pub watchdogs_open_after: Duration,
    pub fed: Fed,
    /// To whom what was sent.
    pub told: Mutex<Vec<(SocketAddr, Vec<u8>)>>,
    untold: AtomicU32,
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
    /// The volumes that there are.
    volumes: Vec<String>,
    /// The tables that volumes were made with, a line each.
    tables: Vec<String>,
    /// The keys were put into a keyring.
    has_keys: bool,
    /// How often watchdogs were fed until the log was kept.
    fed_until_kept: usize,
}

impl Machine {
    pub fn new() -> Machine {
        Machine {
            root: tempfile::tempdir().unwrap(),
            disks: Vec::new(),
            legs: Vec::new(),
            makes_no_volumes: false,
            keys: Vec::new(),
            partition: None,
            partition_faults: Arc::default(),
            identity: Identity::default(),
            is_copied: false,
            bad_modules: Vec::new(),
            watchdogs: Vec::new(),
            watchdogs_after: Duration::ZERO,
            watchdogs_open_after: Duration::ZERO,
            fed: Fed::default(),
            told: Mutex::default(),
            untold: AtomicU32::new(0),
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
            volume: None,
            is_silent: false,
        });
        self
    }

    /// With one of the devices of a btrfs that is spread over so many; `own` tells it from the others.
    pub fn with_member(self, label: &str, own: u8, of: u8) -> Machine {
        const BLOCK: usize = 64 << 10;
        let mut machine = self.with_disk(label, Fault::None);
        let disk = machine.disks.last_mut().unwrap();
        disk.image = vec![0; BLOCK + 4096];
        let mut put = |at: usize, part: &[u8]| {
            disk.image[BLOCK + at..BLOCK + at + part.len()].copy_from_slice(part);
        };
        // fsid, magic, num_devices, dev_item.uuid of struct btrfs_super_block.
        put(0x20, &[7; 16]);
        put(0x40, b"_BHRfS_M");
        put(0x88, &[of]);
        put(0x10b, &[own; 16]);
        machine
    }

    /// The disk that was added last gives no answer.
    pub fn that_gives_no_answer(mut self) -> Machine {
        self.disks.last_mut().unwrap().is_silent = true;
        self
    }

    /// With an ext4 file system that has this label, on a volume of that name.
    pub fn with_volume(self, label: &str) -> Machine {
        let mut machine = self.with_disk(label, Fault::None);
        machine.disks.last_mut().unwrap().volume = Some(label.to_owned());
        machine
    }

    /// With a disk that a volume lies on, `/dev/WWID`.
    pub fn with_leg(self, wwid: &str, image: &[u8]) -> Machine {
        self.with_path(wwid, wwid, image)
    }

    /// With a path to such a disk, which has this name.
    pub fn with_path(mut self, name: &str, wwid: &str, image: &[u8]) -> Machine {
        self.legs.push(Leg {
            node: Path::new("/dev").join(name),
            wwid: wwid.to_owned(),
            image: image.to_vec(),
            is_silent: false,
        });
        self
    }

    /// The volumes that there are.
    pub fn volumes(&self) -> Vec<String> {
        self.state.lock().unwrap().volumes.clone()
    }

    /// The tables that volumes were made with, a line each.
    pub fn tables(&self) -> Vec<String> {
        self.state.lock().unwrap().tables.clone()
    }

    /// The disk that a volume lies on and has this name gives no answer.
    pub fn with_silent_leg(mut self, name: &str) -> Machine {
        let node = Path::new("/dev").join(name);
        let mut legs = self.legs.iter_mut();
        legs.find(|leg| leg.node == node).unwrap().is_silent = true;
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
        if self.elapsed() < self.watchdogs_open_after {
            return Err(io::ErrorKind::NotFound.into());
        }
        if node == Path::new("/dev/busy") {
            return Err(io::Error::from_raw_os_error(16));
        }
        Ok(Box::new(FakeFeeder {
            node: node.to_owned(),
            fed: Arc::clone(&self.fed),
        }))
    }

    fn tell(&self, node: &Node, message: &[u8]) -> io::Result<()> {
        // The card isn't there yet.
        if self.untold.fetch_add(1, Ordering::Relaxed) == 0 {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut told = self.told.lock().unwrap();
        told.push((node.address, message.to_vec()));
        Ok(())
    }

    fn devices(&self) -> io::Result<Vec<Candidate>> {
        let volumes = self.volumes();
        let there = self.disks.iter().filter(|disk| {
            let mut needs = disk.volume.iter();
            needs.all(|volume| volumes.contains(volume))
        });
        let disks = there.map(|disk| Candidate {
            node: disk.node.clone(),
            partition: None,
            identity: Identity::default(),
        });
        let legs = self.legs.iter().map(|leg| Candidate {
            node: leg.node.clone(),
            partition: None,
            identity: Identity {
                wwid: Some(leg.wwid.clone()),
                ..Identity::default()
            },
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
        Ok(disks.chain(legs).chain(partition).chain(copy).collect())
    }

    fn look_into(&self, node: &Path) -> io::Result<Arc<dyn Source>> {
        if node == Path::new("/dev/raw") {
            return Ok(Arc::new(File::open(self.partition_file())?));
        }
        let mut legs = self.legs.iter();
        if let Some(leg) = legs.find(|leg| leg.node == node) {
            if leg.is_silent {
                return Ok(Arc::new(Silent));
            }
            return Ok(Arc::new(leg.image.clone()));
        }
        let disk = self.disks.iter().find(|disk| disk.node == node);
        let disk = disk.ok_or(io::ErrorKind::NotFound)?;
        if disk.is_silent {
            return Ok(Arc::new(Silent));
        }
        Ok(Arc::new(disk.image.clone()))
    }

    fn make_volume(&self, name: &str, _: &str, table: &[Target]) -> io::Result<PathBuf> {
        if self.makes_no_volumes {
            return Err(io::Error::from_raw_os_error(22));
        }
        let mut state = self.state.lock().unwrap();
        let encrypted = table.iter().filter(|it| it.kind == "crypt");
        for parameters in encrypted.map(|it| &it.parameters) {
            let key = parameters.split(' ').nth(1).unwrap();
            let name = key.splitn(4, ':').nth(3).unwrap().to_owned();
            if !state.has_keys || !self.keys.contains(&name) {
                return Err(io::Error::from_raw_os_error(126));
            }
        }
        state.volumes.push(name.to_owned());
        state.tables.extend(table.iter().map(Target::to_string));
        Ok(Path::new("/dev").join(name))
    }

    fn restore_keys(&self) -> io::Result<()> {
        if self.keys.is_empty() {
            return Err(io::Error::other("the kernel that crashed kept none"));
        }
        self.state.lock().unwrap().has_keys = true;
        Ok(())
    }

    fn remove_volume(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        assert_eq!(state.mounted, 0, "{name} is in use");
        assert_eq!(state.volumes.pop().as_deref(), Some(name));
        Ok(())
    }

    fn assemble_array(&self, minor_version: u8, members: &[PathBuf]) -> io::Result<PathBuf> {
        if self.makes_no_volumes {
            return Err(io::Error::from_raw_os_error(22));
        }
        let mut state = self.state.lock().unwrap();
        let name = format!("md{}", 127 - state.volumes.len());
        let nodes = members.iter().map(|it| it.display().to_string());
        let nodes = nodes.collect::<Vec<_>>().join(" ");
        state
            .tables
            .push(format!("{name} 1.{minor_version} {nodes}"));
        state.volumes.push(name.clone());
        Ok(Path::new("/dev").join(name))
    }

    fn stop_array(&self, node: &Path) -> io::Result<()> {
        let name = node.file_name().unwrap().to_str().unwrap();
        self.remove_volume(name)
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
