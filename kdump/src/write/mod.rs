//! Dumps written: kdump-compressed or ELF, to a file, a device or a stream.

pub(crate) mod elf;
mod error;
mod flattened;
mod header;
pub(crate) mod kdump;
mod observe;
mod output;
mod reading;
mod worker;

pub use error::WriteError;
pub use flattened::Flattened;
pub use header::Identity;
pub use observe::{Observer, Phase, Unobserved};
pub use output::{FileOutput, Output};

/// What writing returns.
pub(crate) type WriteResult<T> = Result<T, WriteError>;
