//! The attribute itself, of a file that stays as it is.

use crate::failure::sign::SignError;
use crate::failure::{Attempt, Failure, IoError, Result};
use crate::sign::args::SignArgs;
use crate::sign::signer::Signer;
use baton_sys::appraisal;
use std::path::Path;

/// Its value, if the file has one.
///
/// # Errors
/// When it can't be read.
pub fn get(path: &Path) -> Result<Option<Vec<u8>>> {
    Ok(appraisal::ima(path).map_err(|e| IoError::reading(path, e))?)
}

/// Gives a file this value.
///
/// # Errors
/// When it has one and that isn't to be replaced, or when the system doesn't let it.
pub fn set(args: &SignArgs, path: &Path, value: &[u8], signer: &Signer) -> Result<()> {
    if !args.replace && get(path)?.is_some() {
        return Err(Failure::from(SignError::HasIma).about(path.display()));
    }
    appraisal::set_ima(path, value).map_err(|e| IoError::new(Attempt::SetIma, path, e))?;
    say!(
        "{}: security.ima by \"{}\" ({})",
        path.display(),
        signer.name,
        signer.hash
    );
    Ok(())
}
