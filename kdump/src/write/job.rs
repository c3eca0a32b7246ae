//! A dump to be written, and what a format does of it.

use super::{Observer, Output, Phase, WriteError, WriteResult};
use crate::convert::{Choice, Crash, Options, PriorityPages};
use crate::format::kdump::write::Identity;
use crate::regions::Regions;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// A format in which dumps are written. The functions are called in this order.
pub(crate) trait DumpWriter<'a>: Sized {
    /// What is known once pages are chosen.
    type Chosen;

    /// Chooses pages, and writes what can be written before all of them are chosen.
    fn choose(job: &'a Job<'a>, choice: &mut Choice<'_>) -> WriteResult<Self::Chosen>;

    /// Writes the rest of what comes before pages. The dump says that it isn't whole; of a stream, what it will be.
    fn begin(job: &'a Job<'a>, choice: &'a Choice<'a>, chosen: Self::Chosen) -> WriteResult<Self>;

    /// Writes some pages before all others: those of `pages` that are chosen.
    fn write_priority(&self, phase: Phase, pages: &[u64]) -> WriteResult<()>;

    /// Writes all other chosen pages.
    fn write_rest(&self) -> WriteResult<()>;

    /// Where the dump says that it isn't whole, and what stands there once it is.
    fn whole_mark(&self) -> (u64, [u8; 4]);

    /// The length of the dump, in bytes.
    fn size(&self) -> u64;
}

/// A dump to be written: of what, how, where to, and how far it is.
pub(crate) struct Job<'a> {
    pub crash: &'a Crash<'a>,
    pub options: &'a Options,
    pub output: &'a dyn Output,
    pub observer: &'a dyn Observer,
    pub regions: &'a Regions,
    /// Where VMCOREINFO's text is among the notes.
    pub vmcoreinfo: Option<Range<usize>>,
    pub identity: Identity,
    pub priority: &'a PriorityPages,
    pub tally: &'a Tally,
}

/// What is known of pages that were written.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Pages written, or found to be zeros.
    pub pages: AtomicU64,
    /// Of them, zeros.
    pub zero: AtomicU64,
    /// Pages that share the place of an equal one.
    pub equal: AtomicU64,
    /// Pages that can't be read.
    pub unreadable: AtomicU64,
    /// Their bytes in the dump.
    pub bytes: AtomicU64,
}

impl Job<'_> {
    /// Whether nothing is known to be lost.
    pub(crate) fn is_whole(&self, choice: &Choice<'_>) -> bool {
        let unreadable = self.tally.unreadable.load(Ordering::Relaxed);
        self.crash.whole && choice.lost == 0 && unreadable == 0
    }

    /// Reports how far the dump is, unless someone ended it.
    pub(crate) fn progress(&self, phase: Phase, done: u64, total: u64) -> WriteResult<()> {
        if self.observer.cancelled() {
            return Err(WriteError::Cancelled);
        }
        self.observer.progress(phase, done, total);
        Ok(())
    }

    /// Writes bytes of pages. Each time that so many are written, that is a checkpoint.
    pub(crate) fn put(&self, offset: u64, bytes: &[u8]) -> WriteResult<()> {
        self.output.write_at(offset, bytes)?;
        let length = bytes.len() as u64;
        let before = self.tally.bytes.fetch_add(length, Ordering::Relaxed);
        let interval = self.options.checkpoint.max(1);
        if before / interval != (before + length) / interval {
            self.observer.checkpoint(Phase::Pages)?;
        }
        Ok(())
    }
}
