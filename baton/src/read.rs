//! Reading the files that commands are given, and those that are found beside them or where they belong.
//!
//! What is named on the command line may also be a pipe, what is found must be a plain file
//! ([`baton_sys::file`] says why).

use crate::failure::{Failure, Result};
use baton_sys::file;
use std::io::ErrorKind;
use std::path::Path;

/// What a person named.
///
/// # Errors
/// When it isn't there, or nothing that can be read.
pub fn given(path: &Path) -> Result<Vec<u8>> {
    file::read_given(path).map_err(|e| Failure::io(path, &e))
}

/// As [`given`], as text.
///
/// # Errors
/// As [`given`], and when it isn't UTF-8.
pub fn given_text(path: &Path) -> Result<String> {
    file::read_given_text(path).map_err(|e| match e.kind() {
        ErrorKind::InvalidData => {
            Failure::malformed("not-text", format!("{}: {e}", path.display()))
        }
        _ => Failure::io(path, &e),
    })
}

/// What lies where nobody named it; `None` where nothing does.
///
/// # Errors
/// When there is something that can't be read.
pub fn found(path: &Path) -> Result<Option<Vec<u8>>> {
    match file::read_regular(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Failure::io(path, &e)),
    }
}
