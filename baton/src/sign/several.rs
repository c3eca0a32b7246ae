//! Several files, each for itself: what fails is told at once, and keeps none of the others from being done.

use crate::failure::{Failure, Result};
use crate::output::failure;

/// What became of several files so far.
#[derive(Debug)]
pub struct Outcome {
    count: usize,
    failed: usize,
    first: Option<Failure>,
}

impl Outcome {
    /// Nothing yet, of so many files. One alone fails as a command does.
    #[must_use]
    pub fn of(count: usize) -> Outcome {
        Outcome {
            count,
            failed: 0,
            first: None,
        }
    }

    /// One more is done, or failed.
    pub fn add(&mut self, result: Result<()>) {
        if let Err(failure) = result {
            if self.count > 1 {
                failure::print(&failure, false);
            }
            self.failed += 1;
            self.first.get_or_insert(failure);
        }
    }

    /// The end.
    ///
    /// # Errors
    /// The first failure, if there is one: reported already, where there are several files.
    pub fn end(self) -> Result<()> {
        match self.first {
            None => Ok(()),
            Some(failure) if self.count > 1 => {
                tell!("baton: {} of {} files failed", self.failed, self.count);
                Err(failure.reported())
            }
            Some(failure) => Err(failure),
        }
    }
}

/// Does the same with each.
///
/// # Errors
/// As [`Outcome::end`].
pub fn each<'i, T>(inputs: &'i [T], one: impl FnMut(&'i T) -> Result<()>) -> Result<()> {
    let mut outcome = Outcome::of(inputs.len());
    inputs
        .iter()
        .map(one)
        .for_each(|result| outcome.add(result));
    outcome.end()
}
