//! What is kept: what `baton load` loaded, in `/run` until the machine starts anew, since the kernel says only whether
//! something is; and the count, which outlives that.

use super::state::State;
use crate::entries::once::Once;
use crate::failure::store::Otherwise;
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where the record is kept.
pub const RECORD: Store<Record> = Store::new(
    "run/baton/load.json",
    Otherwise {
        what: "a record of a load",
        fix: "load again (`baton load`)",
        word: "load-record",
    },
);

/// Where the count is kept.
pub const COUNT: Store<State> = Store::new(
    "var/lib/baton/boot-count.json",
    Otherwise {
        what: "a count of boots",
        fix: "remove the file",
        word: "boot-count",
    },
);

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Record {
    /// The kernel's image.
    pub kernel: PathBuf,
    /// The SHA-256 of its file, which it is known by.
    pub digest: String,
    /// The digest that the gate's record will have, as far as that is known: that of what is signed.
    #[serde(default)]
    pub judged: Option<String>,
    /// Whether it goes through the gate.
    pub is_through_gate: bool,
    /// What `uname -r` will say, as far as that is known.
    pub release: Option<String>,
    /// The entry that it is from.
    pub entry: Option<String>,
    /// The choice for the next boot only by which it was loaded.
    #[serde(default)]
    pub once: Option<Once>,
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let fake = Fake::new();
        let root = fake.root();
        let record = Record {
            kernel: "/boot/vmlinuz".into(),
            digest: "ab".into(),
            judged: Some("cd".into()),
            is_through_gate: false,
            release: Some("6.1".into()),
            entry: None,
            once: Some(Once::NextEntry("1>2".into())),
            is_named: true,
        };
        RECORD.write(&root, &record).unwrap();
        assert_eq!(RECORD.read(&root).unwrap(), Some(record));
    }

    #[test]
    fn a_record_of_an_older_baton_is_read() {
        let fake = Fake::new().file(
            RECORD.path,
            "{\"kernel\":\"/k\",\"digest\":\"ab\",\"is_through_gate\":true,\"release\":null,\
             \"entry\":null,\"is_named\":false}",
        );
        let record = RECORD.read(&fake.root()).unwrap().unwrap();
        assert_eq!((record.judged, record.once), (None, None));
    }
}
