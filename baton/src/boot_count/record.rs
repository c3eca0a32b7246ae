//! What `baton load` loaded, kept in `/run` until the machine starts anew: the kernel says only whether something is.

use crate::failure::boot_count::BootCountError;
use crate::failure::{Attempt, IoError, Result};
use crate::output::file;
use baton_sys::Root;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The path of the record.
const PATH: &str = "run/baton/load.json";

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The kernel's image.
    pub kernel: PathBuf,
    /// The digest that it is known by: the one that the gate's record will have, and by direct kexec the SHA-256 of
    /// its file.
    pub digest: String,
    /// Whether it goes through the gate.
    pub is_through_gate: bool,
    /// What `uname -r` will say, as far as that is known.
    pub release: Option<String>,
    /// The entry that it is from.
    pub entry: Option<String>,
    /// Whether a person named it: what nobody named may be replaced by what would be loaded now.
    pub is_named: bool,
}

impl Record {
    /// What people call the kernel.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.entry {
            Some(entry) => entry.clone(),
            None => self.kernel.display().to_string(),
        }
    }

    /// The record; `None` where nothing was loaded, or not by Baton.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn read(root: &Root) -> Result<Option<Record>> {
        let Some(text) = root.read_text(PATH)? else {
            return Ok(None);
        };
        let record = serde_json::from_str(&text);
        Ok(record.map_err(|error| BootCountError::BadRecord { path: PATH, error })?)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When `/run` can't be written to.
    pub fn write(&self, root: &Root) -> Result<()> {
        let path = root.join(PATH);
        let directory = path.parent().unwrap_or(&path);
        std::fs::create_dir_all(directory)
            .map_err(|e| IoError::new(Attempt::CreateDirectory, directory, e))?;
        let text = serde_json::to_string(self).map_err(BootCountError::Unwritten)?;
        file::replace(&path, text.as_bytes())
    }
}

/// Forgets it; that there is none is fine.
///
/// # Errors
/// When it can't be removed.
pub fn forget(root: &Root) -> Result<()> {
    let path = root.join(PATH);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(IoError::new(Attempt::Remove, &path, e).into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    #[test]
    fn a_record_is_kept_and_forgotten() {
        let fake = Fake::new();
        let root = fake.root();
        assert_eq!(Record::read(&root).unwrap(), None);
        let record = Record {
            kernel: "/boot/vmlinuz".into(),
            digest: "ab".into(),
            is_through_gate: false,
            release: Some("6.1".into()),
            entry: None,
            is_named: true,
        };
        record.write(&root).unwrap();
        assert_eq!(Record::read(&root).unwrap(), Some(record));
        forget(&root).unwrap();
        forget(&root).unwrap();
        assert_eq!(Record::read(&root).unwrap(), None);
        fake.set(PATH, "{");
        assert!(Record::read(&root).unwrap_err().to_string().contains(PATH));
    }
}
