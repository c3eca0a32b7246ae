//! Signs of progress: what is written and read tells [`End`] that the capture doesn't hang.

use crate::deadline::End;
use crate::storage::Writable;
use baton_kdump::Source;
use baton_kdump::write::Output;
use std::io;
use std::sync::Arc;

/// An output whose writes are progress.
pub(crate) struct Moving<'a> {
    pub inner: &'a dyn Writable,
    pub end: &'a End,
}

impl Moving<'_> {
    fn done<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.is_ok() {
            self.end.progressed();
        }
        result
    }
}

impl Output for Moving<'_> {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.done(self.inner.write_at(offset, bytes))
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        self.done(self.inner.read_back(offset, buffer))
    }

    fn begins_empty(&self) -> bool {
        self.inner.begins_empty()
    }
}

impl Writable for Moving<'_> {
    fn sync(&self) -> io::Result<()> {
        self.done(self.inner.sync())
    }
}

/// A source whose reads are progress.
pub(crate) struct MovingSource {
    pub inner: Arc<dyn Source>,
    pub end: Arc<End>,
}

impl Source for MovingSource {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let result = self.inner.read_at(offset, buffer);
        if result.is_ok() {
            self.end.progressed();
        }
        result
    }

    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }
}
