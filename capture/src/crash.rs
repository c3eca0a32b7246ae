//! The crash that is captured: what is known of it, and its dump.

use baton_kdump::Source;
use baton_kdump::write::{Observer, Output};
use std::sync::Arc;

/// Why a crash can't be looked at or dumped.
#[derive(Debug, thiserror::Error)]
pub enum CrashError {
    /// There is none.
    #[error("{0} can't be opened: {1}; was this kernel started by a crash, and not by hand?")]
    None(&'static str, std::io::Error),
    /// What the kernel shows isn't a core.
    #[error(transparent)]
    Vmcore(#[from] baton_kdump::vmcore::VmcoreError),
    /// The log isn't to be found.
    #[error("{0}")]
    Log(String),
    /// The dump can't be written.
    #[error(transparent)]
    Write(#[from] baton_kdump::write::WriteError),
    /// The dump can't be read.
    #[error("{0}")]
    Read(String),
}

/// What is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// When it was, in seconds since 1970.
    pub time: Option<u64>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The message of the panic.
    pub panic: Option<String>,
    /// Bytes of memory that there are.
    pub memory: u64,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The dump's length in bytes.
    pub length: u64,
    /// The dump level that was used.
    pub level: u8,
    /// Why it isn't the one that was asked for, and other remarks.
    pub remarks: Vec<String>,
    /// Pages of the machine's memory.
    pub pages_total: u64,
    /// Pages in the dump.
    pub pages_written: u64,
    /// Of them, those that are zeros.
    pub pages_zero: u64,
    /// Pages that can't be read.
    pub pages_unreadable: u64,
}

/// A crash.
pub trait Crash {
    /// What is known of it.
    fn facts(&self) -> &Facts;

    /// The kernel log, as text.
    ///
    /// # Errors
    /// When it can't be found.
    fn log(&self) -> Result<String, CrashError>;

    /// Writes the dump.
    ///
    /// # Errors
    /// When it isn't written to its end.
    fn write(&self, output: &dyn Output, observer: &dyn Observer) -> Result<Written, CrashError>;

    /// Reads a dump that was written, page by page.
    ///
    /// # Errors
    /// When it isn't one, or a page can't be read.
    fn check(&self, dump: Arc<dyn Source>, written: &Written) -> Result<(), CrashError>;
}
