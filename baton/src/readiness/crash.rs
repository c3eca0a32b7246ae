//! Whether a crash now would be captured, as `baton crash status` says.

use crate::crash::args::CaptureSources;
use crate::crash::status::{self, Remark};
use crate::failure::capture::NotReady;
use baton_sys::Root;

/// What `baton crash status` says.
#[derive(Debug, Clone, Default)]
pub struct CrashFact {
    /// Why not as configured.
    pub problems: Vec<Remark>,
    /// What a person should know.
    pub notes: Vec<Remark>,
    /// The kind of trouble; `None`: there is none.
    pub verdict: Option<NotReady>,
}

impl CrashFact {
    /// Asks. That it can't be told is a problem like others.
    #[must_use]
    pub fn read(root: &Root, sources: &CaptureSources) -> CrashFact {
        match status::look(root, sources) {
            Ok((problems, notes, verdict)) => CrashFact {
                problems,
                notes,
                verdict,
            },
            Err(failure) => CrashFact {
                problems: vec![Remark::from(&failure)],
                notes: Vec::new(),
                verdict: Some(NotReady::NotKnown),
            },
        }
    }
}
