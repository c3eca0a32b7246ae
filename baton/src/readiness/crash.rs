//! Whether a crash now would be captured, as `baton crash status` says.

use crate::crash::args::CaptureSources;
use crate::crash::status;
use crate::failure::Result;
use crate::failure::capture::NotReady;
use baton_sys::Root;

/// What `baton crash status` says.
#[derive(Debug, Clone, Default)]
pub struct CrashFact {
    /// Why not as configured.
    pub problems: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// The kind of trouble; `None`: there is none.
    pub verdict: Option<NotReady>,
}

impl CrashFact {
    /// Asks.
    ///
    /// # Errors
    /// When something of the system can't be read.
    pub fn read(root: &Root, sources: &CaptureSources) -> Result<CrashFact> {
        let (problems, notes, verdict) = status::look(root, sources)?;
        Ok(CrashFact {
            problems,
            notes,
            verdict,
        })
    }
}
