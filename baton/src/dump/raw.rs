//! Raw partitions: the dump begins with the partition, and at its end Baton wrote what else there is to say.

use crate::failure::{Failure, Result};
use baton_capture::trailer::{self, Trailer, TrailerError};
use baton_kdump::{Source, source};
use std::path::Path;

/// What stands at the end of a partition, or of a copy of one; `None` in other files.
///
/// # Errors
/// When the file can't be read, or what stands there is damaged.
pub(super) fn trailer(file: &Path) -> Result<Option<Trailer>> {
    let failed = |error| Failure::io(file, &error);
    let source = source::open(file).map_err(failed)?;
    let size = source.size().map_err(failed)?;
    match trailer::read(&source, size) {
        Ok(trailer) => Ok(Some(trailer)),
        Err(TrailerError::None) => Ok(None),
        Err(error) => Err(Failure::malformed(
            "bad-dump",
            format!("{}: {error}", file.display()),
        )),
    }
}
