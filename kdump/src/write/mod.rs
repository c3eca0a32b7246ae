//! Dumps written: what a format writes, and to a file, a device or a stream.

mod error;
mod job;
mod observe;
pub(crate) mod output;
mod reading;

pub use error::WriteError;
pub(crate) use job::{DumpWriter, Job, Tally};
pub use observe::{Observer, Phase, Unobserved};
pub use output::{FileOutput, Output};
pub(crate) use reading::read_pages;

/// What writing returns.
pub(crate) type WriteResult<T> = Result<T, WriteError>;
