//! Dumps written: kdump-compressed or ELF, to a file, a device or a stream.

mod error;
pub(crate) mod observe;
pub(crate) mod output;
pub(crate) mod reading;

pub use crate::format::kdump::write::Identity;
pub use error::WriteError;
pub use observe::{Observer, Phase, Unobserved};
pub use output::{FileOutput, Output};

/// What writing returns.
pub(crate) type WriteResult<T> = Result<T, WriteError>;
