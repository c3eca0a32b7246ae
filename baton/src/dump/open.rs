//! A dump of any format, opened.

use crate::failure::{Failure, Result};
use baton_kdump::Vmcore;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Opens a dump.
pub(super) fn open(path: &Path) -> Result<Vmcore> {
    let file = File::open(path).map_err(|error| Failure::io(path, &error))?;
    Vmcore::open(Arc::new(file))
        .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}
