//! Raw partitions: the dump lies at the start, and Baton's trailer at the end.

use crate::failure::dump::DumpFailure;
use crate::failure::{IoError, Result};
use baton_capture::trailer::{self, Trailer, TrailerError};
use baton_kdump::{Source, source};
use std::path::Path;

/// The trailer of a partition or of a copy of one; `None` for other files.
///
/// # Errors
/// When the file can't be read, or the trailer is damaged.
pub(super) fn trailer(file: &Path) -> Result<Option<Trailer>> {
    let failed = |error| IoError::reading(file, error);
    let source = source::open(file).map_err(failed)?;
    let size = source.size().map_err(failed)?;
    match trailer::read(&source, size) {
        Ok(trailer) => Ok(Some(trailer)),
        Err(TrailerError::None) => Ok(None),
        Err(error) => Err(DumpFailure::Trailer {
            path: file.to_owned(),
            error,
        }
        .into()),
    }
}
