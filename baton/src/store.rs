//! What Baton keeps for itself between two calls, below `/run` and `/var/lib`: a value in JSON, in a file of its own.

use crate::failure::store::{Otherwise, StoreError};
use crate::failure::{Attempt, IoError, Result};
use crate::output::file;
use baton_sys::Root;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// A file that holds a value, or isn't there.
#[derive(Debug)]
pub struct Store<T> {
    /// Its path, without the leading slash.
    pub path: &'static str,
    /// What is wrong with a file that holds something else, for whoever reads that.
    pub otherwise: Otherwise,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Store<T> {
    /// At this path.
    #[must_use]
    pub const fn new(path: &'static str, otherwise: Otherwise) -> Store<T> {
        Store {
            path,
            otherwise,
            of: PhantomData,
        }
    }

    /// The value; `None` where the file isn't there.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn read(&self, root: &Root) -> Result<Option<T>> {
        let Some(text) = root.read_text(self.path)? else {
            return Ok(None);
        };
        let value = serde_json::from_str(&text).map_err(|error| StoreError::Bad {
            path: self.path,
            otherwise: self.otherwise,
            error,
        });
        Ok(Some(value?))
    }

    /// Keeps a value, whole or not at all.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, root: &Root, value: &T) -> Result<()> {
        let path = root.join(self.path);
        let directory = path.parent().unwrap_or(&path);
        std::fs::create_dir_all(directory)
            .map_err(|e| IoError::new(Attempt::CreateDirectory, directory, e))?;
        let text = serde_json::to_string(value).map_err(StoreError::Unwritten)?;
        file::replace(&path, text.as_bytes())
    }

    /// Removes it; that there is none is fine.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn forget(&self, root: &Root) -> Result<()> {
        let path = root.join(self.path);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(IoError::new(Attempt::Remove, &path, e).into())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    const NUMBERS: Store<Vec<u32>> = Store::new(
        "run/baton/numbers.json",
        Otherwise {
            what: "a list of numbers",
            fix: "count again",
            word: "bad-numbers",
        },
    );

    #[test]
    fn a_value_is_read_as_it_was_written_and_forgotten_for_good() {
        let fake = Fake::new();
        let root = fake.root();
        assert_eq!(NUMBERS.read(&root).unwrap(), None);
        NUMBERS.write(&root, &vec![1, 2]).unwrap();
        assert_eq!(NUMBERS.read(&root).unwrap(), Some(vec![1, 2]));
        NUMBERS.forget(&root).unwrap();
        NUMBERS.forget(&root).unwrap();
        assert_eq!(NUMBERS.read(&root).unwrap(), None);
    }

    #[test]
    fn a_value_that_is_cut_off_is_refused_with_the_fix() {
        let fake = Fake::new();
        let text = serde_json::to_string(&vec![1, 2]).unwrap();
        for len in 0..text.len() {
            fake.set(NUMBERS.path, text.get(..len).unwrap());
            let failure = NUMBERS.read(&fake.root()).unwrap_err();
            let said = failure.to_string();
            assert!(
                said.starts_with("/run/baton/numbers.json: not a list of numbers: ")
                    && said.ends_with("; count again"),
                "{said}"
            );
            assert_eq!(failure.word(), "bad-numbers");
        }
    }
}
