//! The crash that is captured: what is known of it, and its dump.

mod check;
mod live;

pub use check::check;
pub use live::Live;

use baton_kdump::Source;
use baton_kdump::convert::Summary;
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
    Vmcore(#[from] baton_kdump::format::elf::VmcoreError),
    /// Without VMCOREINFO nothing is known of the kernel.
    #[error("the crashed kernel left no VMCOREINFO")]
    NoVmcoreinfo,
    /// Its virtual addresses can't be followed.
    #[error(transparent)]
    AddressSpace(#[from] baton_kdump::address_space::AddressSpaceError),
    /// The log isn't to be found.
    #[error(transparent)]
    Log(#[from] baton_kdump::dmesg::LogError),
    /// The dump can't be written.
    #[error(transparent)]
    Write(#[from] baton_kdump::write::WriteError),
    /// What was written isn't a dump.
    #[error(transparent)]
    Dump(#[from] baton_kdump::dump::DumpError),
    /// What was written isn't whole.
    #[error("the dump is incomplete")]
    Incomplete,
    /// Pages of it can't be read.
    #[error("{count} pages of the dump can't be read, the first: {first}")]
    Pages {
        /// How many.
        count: u64,
        /// Why the first can't.
        first: baton_kdump::Unreadable,
    },
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

/// A crash.
pub trait Crash {
    /// What is known of it.
    fn facts(&self) -> &Facts;

    /// The kernel log, as text.
    ///
    /// # Errors
    /// When it can't be found.
    fn log(&self) -> Result<&str, &CrashError>;

    /// What is wrong with what is left of it, and so with every dump of it.
    fn flaws(&self) -> Vec<String> {
        Vec::new()
    }

    /// Writes the dump.
    ///
    /// # Errors
    /// When it isn't written to its end.
    fn write(&self, output: &dyn Output, observer: &dyn Observer) -> Result<Summary, CrashError>;

    /// Reads a dump that was written, page by page.
    ///
    /// # Errors
    /// When it isn't one, or a page can't be read.
    fn check(&self, dump: Arc<dyn Source>, written: &Summary) -> Result<(), CrashError>;
}
