//! The crash that is captured: what is known about it, and how it is dumped.

mod live;

pub use live::Live;

use baton_kdump::convert::Summary;
use baton_kdump::write::{Observer, Output};

/// Why a crash can't be read or dumped.
#[derive(Debug, thiserror::Error)]
pub enum CrashError {
    /// There is no crash to capture.
    #[error("{0} can't be opened: {1}; was this kernel started by a crash, and not by hand?")]
    None(&'static str, std::io::Error),
    /// `/proc/vmcore` isn't a core.
    #[error(transparent)]
    Vmcore(#[from] baton_kdump::format::elf::VmcoreError),
    /// The core has no VMCOREINFO, which describes the crashed kernel.
    #[error("the crashed kernel left no VMCOREINFO")]
    NoVmcoreinfo,
    /// The crashed kernel's virtual addresses can't be translated.
    #[error(transparent)]
    AddressSpace(#[from] baton_kdump::address_space::AddressSpaceError),
    /// The kernel log can't be found.
    #[error(transparent)]
    Log(#[from] baton_kdump::dmesg::LogError),
    /// The dump can't be written.
    #[error(transparent)]
    Write(#[from] baton_kdump::write::WriteError),
}

/// What is known about a crash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The time of the crash, in seconds since 1970.
    pub time: Option<u64>,
    /// The release of the crashed kernel.
    pub kernel: Option<String>,
    /// The panic message.
    pub panic: Option<String>,
    /// The size of the crashed kernel's memory in bytes.
    pub memory: u64,
}

/// A crash.
pub trait Crash {
    /// What is known about the crash.
    fn facts(&self) -> &Facts;

    /// The kernel log, as text.
    ///
    /// # Errors
    /// When it can't be found.
    fn log(&self) -> Result<&str, &CrashError>;

    /// The flaws of the crashed kernel's memory, which every dump of it shares.
    fn flaws(&self) -> Vec<String> {
        Vec::new()
    }

    /// Writes the dump.
    ///
    /// # Errors
    /// When the dump can't be written completely.
    fn write(&self, output: &dyn Output, observer: &dyn Observer) -> Result<Summary, CrashError>;
}
