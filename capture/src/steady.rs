//! Writing so that a power cut leaves what was written.

use crate::storage::Writable;
use baton_kdump::write::Output;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much may be written that isn't on the disk.
pub const MOST_UNSAFE: u64 = 64 << 20;

/// How long it may not be.
const LONGEST_UNSAFE: Duration = Duration::from_secs(2);

/// Has what is written through it put on the disk now and then. The thread that finds that it is time
/// waits for the disk, the others go on.
pub struct Steady<'a> {
    inner: &'a dyn Writable,
    /// Bytes since the last time.
    since: AtomicU64,
    /// All bytes.
    written: AtomicU64,
    last: Mutex<Instant>,
}

impl<'a> Steady<'a> {
    /// Over this.
    #[must_use]
    pub fn new(inner: &'a dyn Writable) -> Steady<'a> {
        Steady {
            inner,
            since: AtomicU64::new(0),
            written: AtomicU64::new(0),
            last: Mutex::new(Instant::now()),
        }
    }

    /// How many bytes were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Puts all on the disk that was written until now.
    ///
    /// # Errors
    /// When some of it can't be.
    pub fn sync(&self) -> io::Result<()> {
        // A thread that panicked held no more than a time.
        let mut last = self.last.lock().unwrap_or_else(|it| it.into_inner());
        self.since.store(0, Ordering::Relaxed);
        let result = self.inner.sync();
        *last = Instant::now();
        result
    }

    fn is_due(&self) -> bool {
        if self.since.load(Ordering::Relaxed) >= MOST_UNSAFE {
            return true;
        }
        // Somebody who holds it is at it.
        let last = self.last.try_lock();
        last.is_ok_and(|last| last.elapsed() >= LONGEST_UNSAFE)
    }
}

impl Output for Steady<'_> {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset, bytes)?;
        let count = bytes.len() as u64;
        self.written.fetch_add(count, Ordering::Relaxed);
        self.since.fetch_add(count, Ordering::Relaxed);
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

    /// Takes anything, and counts.
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
            match self.broken {
                true => Err(io::Error::other("no disk")),
                false => Ok(()),
            }
        }
    }

    fn write(steady: &Steady<'_>, mib: usize) -> io::Result<()> {
        let chunk = vec![0; 1 << 20];
        (0..mib).try_for_each(|_| steady.write_at(0, &chunk))
    }

    #[test]
    fn all_is_put_on_the_disk_each_64_mib() {
        let disk = Disk::default();
        let steady = Steady::new(&disk);
        write(&steady, 63).unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 0);
        write(&steady, 1).unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 1);
        write(&steady, 64).unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 2);
        assert_eq!(steady.written(), 128 << 20);
    }

    #[test]
    fn little_is_put_on_the_disk_when_it_has_waited() {
        let disk = Disk::default();
        let steady = Steady::new(&disk);
        *steady.last.lock().unwrap() = Instant::now()
            .checked_sub(LONGEST_UNSAFE)
            .expect("the machine is up for two seconds");
        steady.write_at(0, b"x").unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 1);
        steady.write_at(0, b"x").unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_disk_that_loses_what_was_written_fails_the_write() {
        let disk = Disk {
            broken: true,
            ..Disk::default()
        };
        assert!(write(&Steady::new(&disk), 64).is_err());
    }
}
