//! Disks that faults occur on, on demand.

use baton_capture::storage::{DirectoryStorage, PrivateDirectory, Storage, Writable};
use baton_capture::system::Volume;
use baton_kdump::Source;
use baton_kdump::write::Output;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

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
    pub(super) fault: Mutex<Fault>,
    pub(super) operations: AtomicU32,
    pub(super) written: AtomicU64,
}

impl Faults {
    pub(super) fn step(&self) -> io::Result<()> {
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

    pub(super) fn is(&self, fault: Fault) -> bool {
        *self.fault.lock().unwrap() == fault
    }
}

/// A file system with faults.
pub struct Faulty {
    pub(super) inner: DirectoryStorage,
    pub(super) faults: Arc<Faults>,
    pub(super) free: u64,
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
pub struct FaultyFile {
    pub(super) file: Box<dyn Writable>,
    pub(super) faults: Arc<Faults>,
    pub(super) path: PathBuf,
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
