//! The room that a dump may take.
//!
//! How large a dump gets is known only when it is written, and part of one is better than none. So no target is refused
//! for its room: a dump is written until the room ends. (What one is likely to take is estimated before any crash, by
//! `baton crash status`.)

use crate::storage::Writable;
use baton_kdump::write::Output;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that a dump leaves free on a file system: for its summary, and for what the machine writes when it boots next.
pub const KEPT_FREE: u64 = 16 << 20;

/// An output of a file system that takes no more than its room.
pub struct Bounded {
    inner: Box<dyn Writable>,
    room: u64,
    written: AtomicU64,
}

impl Bounded {
    /// Takes what is free, but [`KEPT_FREE`].
    #[must_use]
    pub fn new(inner: Box<dyn Writable>, free: u64) -> Bounded {
        Bounded {
            inner,
            room: free.saturating_sub(KEPT_FREE),
            written: AtomicU64::new(0),
        }
    }
}

/// That the room ends after so many bytes.
#[must_use]
pub fn ended(room: u64) -> io::Error {
    let text = format!(
        "the room ends after {} MiB: what was written until then can be read; free some space, or raise dump.level",
        room >> 20
    );
    io::Error::new(io::ErrorKind::StorageFull, text)
}

impl Output for Bounded {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let count = bytes.len() as u64;
        let before = self.written.fetch_add(count, Ordering::Relaxed);
        if before.saturating_add(count) > self.room {
            return Err(ended(self.room));
        }
        self.inner.write_at(offset, bytes)
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        self.inner.read_back(offset, buffer)
    }

    fn begins_empty(&self) -> bool {
        self.inner.begins_empty()
    }
}

impl Writable for Bounded {
    fn sync(&self) -> io::Result<()> {
        self.inner.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_kdump::write::FileOutput;

    fn bounded(free: u64) -> Bounded {
        let file = FileOutput::new(tempfile::tempfile().unwrap()).unwrap();
        Bounded::new(Box::new(file), free)
    }

    #[test]
    fn what_is_kept_free_is_not_written() {
        let output = bounded(KEPT_FREE + 10);
        output.write_at(1 << 20, &[0; 10]).unwrap();
        let error = output.write_at(0, &[0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(bounded(1).write_at(0, &[0]).is_err());
    }
}
