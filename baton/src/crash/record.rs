//! What was loaded, kept in `/run` until the machine starts anew: the kernel says only whether something is.

use super::cluster::Reached;
use super::prepare::Prepared;
use crate::failure::store::Otherwise;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Where it is kept.
pub const RECORD: Store<Record> = Store::new(
    "run/baton/crash.json",
    Otherwise {
        what: "a record of a load",
        fix: "load again (`baton crash load`)",
        word: "bad-record",
    },
);

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// How the nodes of a cluster that it tells are reached, by the names that the owner gives them.
    #[serde(default)]
    pub nodes: BTreeMap<String, Reached>,
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
            nodes: prepared.nodes.clone(),
            parts: prepared.parts.clone(),
        }
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
            nodes: BTreeMap::new(),
            parts: parts
                .iter()
                .map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned()))
                .collect(),
        }
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
            fake.set(RECORD.path, text.get(..len).unwrap());
            let failure = RECORD.read(&fake.root()).unwrap_err();
            assert!(
                failure.to_string().contains("baton crash load"),
                "{failure}"
            );
        }
    }
}
