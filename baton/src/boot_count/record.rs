//! What is kept: what `baton load` loaded, in `/run` until the machine starts anew, since the kernel says only whether
//! something is; and the count, which outlives that.

use super::state::State;
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
            is_through_gate: false,
            release: Some("6.1".into()),
            entry: None,
            is_named: true,
        };
        RECORD.write(&root, &record).unwrap();
        assert_eq!(RECORD.read(&root).unwrap(), Some(record));
    }
}
