//! What was found in the dumps of each kernel: `tests/vm/secrets/LABEL.json`, from which the
//! document is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use baton_guest::secret::{Found, Kind};
use fs_err as fs;
use serde::{Deserialize, Serialize};

/// How many secrets of each kind there are.
pub type Counts = BTreeMap<Kind, u64>;

/// The dumps of a kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// As `uname -r` says.
    pub release: String,
    /// The version of the makedumpfile beside.
    pub makedumpfile: String,
    /// What the memory has.
    pub memory: Counts,
    /// What is in Baton's dumps, by level, whatever the format.
    pub baton: BTreeMap<u8, Counts>,
    /// What is in makedumpfile's, where it writes one.
    pub theirs: BTreeMap<u8, Counts>,
}

/// Counts what was found.
pub fn counts(found: &Found) -> Counts {
    let kinds = Kind::ALL.into_iter();
    kinds.map(|kind| (kind, found.of(kind))).collect()
}

fn directory() -> Result<PathBuf> {
    Ok(baton_xtask::root()?.join("tests/vm/secrets"))
}

/// Those of all kernels, by their labels.
pub fn all() -> Result<BTreeMap<String, Results>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory()?)? {
        let path = entry?.path();
        let label = path.file_stem().context("a file without a name")?;
        let results = serde_json::from_slice(&fs::read(&path)?)
            .with_context(|| path.display().to_string())?;
        found.insert(label.to_string_lossy().into_owned(), results);
    }
    Ok(found)
}

/// Puts those of a kernel in place of what was there. Each has a file of its own, since several may be tried at once.
pub fn keep(label: &str, results: &Results) -> Result<()> {
    let directory = directory()?;
    fs::create_dir_all(&directory)?;
    let mut text = serde_json::to_string_pretty(results)?;
    text.push('\n');
    Ok(fs::write(directory.join(format!("{label}.json")), text)?)
}
