//! What was loaded, kept in `/run` until the machine starts anew: the kernel says only whether something is.

use super::prepare::Prepared;
use crate::failure::capture::CaptureError;
use crate::failure::{Attempt, IoError, Result};
use crate::output::file;
use baton_sys::Root;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The path of the record.
const PATH: &str = "run/baton/crash.json";

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The kernel's image.
    pub kernel: PathBuf,
    /// The kernel's release.
    pub release: String,
    /// Whether the load route is through the gate.
    pub gate: bool,
    /// Where dumps go.
    pub targets: Vec<String>,
    /// The size of the initramfs in bytes.
    pub initramfs_len: u64,
    /// The owner's configuration.
    pub config: Option<PathBuf>,
    /// What the capture was made from: a name and SHA-256 each.
    pub parts: BTreeMap<String, String>,
}

impl Record {
    /// The record of a capture that was prepared.
    #[must_use]
    pub fn new(prepared: &Prepared, gate: bool) -> Record {
        Record {
            kernel: prepared.kernel.path.clone(),
            release: prepared.kernel.release.clone(),
            gate,
            targets: prepared.targets.iter().map(|it| it.describe()).collect(),
            initramfs_len: prepared.initramfs.len() as u64,
            config: prepared.source.clone(),
            parts: prepared.parts.clone(),
        }
    }

    /// The record; `None` where nothing was loaded, or something that wasn't made here.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn read(root: &Root) -> Result<Option<Record>> {
        let Some(text) = root.read_text(PATH)? else {
            return Ok(None);
        };
        let record = serde_json::from_str(&text);
        Ok(record.map_err(|error| CaptureError::BadRecord { path: PATH, error })?)
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
        let text = serde_json::to_string(self).map_err(CaptureError::UnwrittenRecord)?;
        file::replace(&path, text.as_bytes())
    }

    /// What changed since: the names of the parts that differ, came or went.
    #[must_use]
    pub fn changed(&self, now: &BTreeMap<String, String>) -> Vec<String> {
        let names: BTreeSet<&String> = self.parts.keys().chain(now.keys()).collect();
        let differs = |name: &&&String| self.parts.get(**name) != now.get(**name);
        names
            .iter()
            .filter(differs)
            .map(|name| (*name).clone())
            .collect()
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

    fn record(parts: &[(&str, &str)]) -> Record {
        Record {
            kernel: "/boot/vmlinuz".into(),
            release: "6.1".into(),
            gate: true,
            targets: vec!["/var/crash of ext4 on vda1 (UUID=1)".into()],
            initramfs_len: 7,
            config: None,
            parts: parts
                .iter()
                .map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_forgotten_for_good() {
        let fake = Fake::new();
        let root = fake.root();
        assert_eq!(Record::read(&root).unwrap(), None);
        let written = record(&[("kernel", "ab")]);
        written.write(&root).unwrap();
        assert_eq!(Record::read(&root).unwrap(), Some(written));
        forget(&root).unwrap();
        forget(&root).unwrap();
        assert_eq!(Record::read(&root).unwrap(), None);
    }

    #[test]
    fn what_changed_came_or_went_is_named() {
        let before = record(&[("kernel", "a"), ("module ext4", "b"), ("module old", "c")]);
        let now = record(&[("kernel", "a"), ("module ext4", "x"), ("module new", "c")]);
        assert_eq!(
            before.changed(&now.parts),
            ["module ext4", "module new", "module old"]
        );
        assert!(before.changed(&before.parts).is_empty());
    }

    #[test]
    fn a_record_that_is_cut_off_is_refused_with_the_fix() {
        let fake = Fake::new();
        let text = serde_json::to_string(&record(&[("kernel", "a")])).unwrap();
        for len in 0..text.len() {
            fake.set(PATH, text.get(..len).unwrap());
            let failure = Record::read(&fake.root()).unwrap_err();
            assert!(
                failure.to_string().contains("baton crash load"),
                "{failure}"
            );
        }
    }
}
