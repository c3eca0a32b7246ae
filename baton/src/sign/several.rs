//! Several files, each for itself: what fails is told at once, and keeps none of the others from being done.

use crate::failure::Result;
use crate::output::failure;

/// Does the same with each. One alone fails as a command does.
///
/// # Errors
/// The first failure, if there is one: reported already, where there are several files.
pub fn each<'i, T>(inputs: &'i [T], mut one: impl FnMut(&'i T) -> Result<()>) -> Result<()> {
    if let [only] = inputs {
        return one(only);
    }
    let (mut first, mut failed) = (None, 0);
    for input in inputs {
        if let Err(failure) = one(input) {
            failure::print(&failure, false);
            failed += 1;
            first.get_or_insert(failure);
        }
    }
    match first {
        None => Ok(()),
        Some(failure) => {
            tell!("baton: {failed} of {} files failed", inputs.len());
            Err(failure.reported())
        }
    }
}
