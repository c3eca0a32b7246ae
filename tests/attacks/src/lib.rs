//! The shape of the attack table, and the documents that are made of it or held to it.
//!
//! The attacks themselves are in `tests/table`: each is a machine that boots, one change to it that an
//! attacker makes, and what must come of that.

pub mod document;
pub mod ledger;
mod row;

pub use row::{Group, Row};

use std::path::{Path, PathBuf};

/// The directory of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
