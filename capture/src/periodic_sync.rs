//! Syncs the output at intervals while it is written, so that a power cut loses little of it.

use crate::storage::Writable;
use baton_kdump::write::Output;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many bytes may be written without a sync.
pub const MAX_UNSYNCED_BYTES: u64 = 64 << 20;

/// How much time may pass without a sync.
const MAX_UNSYNCED_TIME: Duration = Duration::from_secs(2);

/// An output that syncs the one below it whenever enough has been written or enough time has passed. The
/// thread that finds a sync due waits for the disk; the others continue.
pub struct PeriodicSync<'a> {
    inner: &'a dyn Writable,
    /// Bytes written since the last sync.
    unsynced: AtomicU64,
    /// Bytes written in all.
    written: AtomicU64,
    /// When the last sync ended.
    last_sync: Mutex<Instant>,
}

impl<'a> PeriodicSync<'a> {
    /// Wraps an output.
    #[must_use]
    pub fn new(inner: &'a dyn Writable) -> PeriodicSync<'a> {
        PeriodicSync {
            inner,
            unsynced: AtomicU64::new(0),
            written: AtomicU64::new(0),
            last_sync: Mutex::new(Instant::now()),
        }
    }

    /// How many bytes have been written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Waits until everything written so far is on the disk.
    ///
    /// # Errors
    /// When some of it can't be written.
    pub fn sync(&self) -> io::Result<()> {
        // The lock guards only a time, which a panic can't leave inconsistent.
        let mut last = self.last_sync.lock().unwrap_or_else(|it| it.into_inner());
        self.unsynced.store(0, Ordering::Relaxed);
        let result = self.inner.sync();
        *last = Instant::now();
        result
    }

    fn is_due(&self) -> bool {
        if self.unsynced.load(Ordering::Relaxed) >= MAX_UNSYNCED_BYTES {
            return true;
        }
        // Whoever holds the lock is syncing already.
        let last = self.last_sync.try_lock();
        last.is_ok_and(|last| last.elapsed() >= MAX_UNSYNCED_TIME)
    }
}

impl Output for PeriodicSync<'_> {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset, bytes)?;
        let count = bytes.len() as u64;
        self.written.fetch_add(count, Ordering::Relaxed);
        self.unsynced.fetch_add(count, Ordering::Relaxed);
        if self.is_due() { self.sync() } else { Ok(()) }
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        self.inner.read_back(offset, buffer)
    }

    fn begins_empty(&self) -> bool {
        self.inner.begins_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts every write and counts syncs.
    #[derive(Default)]
    struct Disk {
        syncs: AtomicU64,
        broken: bool,
    }

    impl Output for Disk {
        fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn read_back(&self, _: u64, _: &mut [u8]) -> io::Result<bool> {
            Ok(false)
        }

        fn begins_empty(&self) -> bool {
            true
        }
    }

    impl Writable for Disk {
        fn sync(&self) -> io::Result<()> {
            self.syncs.fetch_add(1, Ordering::Relaxed);
            if self.broken {
                Err(io::Error::other("no disk"))
            } else {
                Ok(())
            }
        }
    }

    fn write(output: &PeriodicSync<'_>, mib: usize) -> io::Result<()> {
        let chunk = vec![0; 1 << 20];
        (0..mib).try_for_each(|_| output.write_at(0, &chunk))
    }

    #[test]
    fn all_is_put_on_the_disk_each_64_mib() {
        let disk = Disk::default();
        let output = PeriodicSync::new(&disk);
        write(&output, 63).unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 0);
        write(&output, 1).unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 1);
        write(&output, 64).unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 2);
        assert_eq!(output.written(), 128 << 20);
    }

    #[test]
    fn little_is_put_on_the_disk_when_it_has_waited() {
        let disk = Disk::default();
        let output = PeriodicSync::new(&disk);
        *output.last_sync.lock().unwrap() = Instant::now()
            .checked_sub(MAX_UNSYNCED_TIME)
            .expect("the machine is up for two seconds");
        output.write_at(0, b"x").unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 1);
        output.write_at(0, b"x").unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_disk_that_loses_what_was_written_fails_the_write() {
        let disk = Disk {
            broken: true,
            ..Disk::default()
        };
        assert!(write(&PeriodicSync::new(&disk), 64).is_err());
    }
}
