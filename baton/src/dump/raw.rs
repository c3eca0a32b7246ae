//! Raw partitions: the dump begins with the partition, and at its end Baton wrote what else there is to say.

use baton_capture::trailer::{self, Trailer};
use baton_kdump::Source;
use std::fs::File;
use std::path::Path;

/// What stands at the end of a partition, or of a copy of one; `None` for other files, and where it is damaged.
pub(super) fn trailer(file: &Path) -> Option<Trailer> {
    let source = File::open(file).ok()?;
    let size = source.size().ok()?;
    trailer::read(&source, size).ok()
}
