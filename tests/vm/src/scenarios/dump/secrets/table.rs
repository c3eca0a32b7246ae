//! What each level of a dump promises of each kind of memory.

use anyhow::{Result, ensure};
use baton_guest::secret::Kind;

/// The levels that are tried: each bit alone, and the sums that people use.
pub const LEVELS: [u8; 10] = [0, 1, 2, 4, 8, 16, 17, 23, 27, 31];

/// What becomes of a kind of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// A level with any of these bits leaves it out.
    LeftOutBy(u8),
    /// Every dump has it.
    Kept,
}

/// A kind of memory.
pub struct Row {
    pub kind: Kind,
    /// In the document.
    pub what: &'static str,
    pub promise: Promise,
}

const CACHE: u8 = 2 | 4;
const PRIVATE: u8 = 4;
const USER: u8 = 8;
const FREE: u8 = 16;

const fn left_out(kind: Kind, bits: u8, what: &'static str) -> Row {
    Row {
        kind,
        what,
        promise: Promise::LeftOutBy(bits),
    }
}

const fn kept(kind: Kind, what: &'static str) -> Row {
    Row {
        kind,
        what,
        promise: Promise::Kept,
    }
}

/// All kinds.
pub const TABLE: [Row; 19] = [
    left_out(
        Kind::Anonymous,
        USER,
        "memory of a program, in pages of 4 KiB",
    ),
    left_out(Kind::Huge, USER, "the same in pages of 2 MiB (THP)"),
    left_out(Kind::Middle, USER, "the same in pages of 64 KiB (mTHP)"),
    left_out(Kind::Hugetlb, USER, "the same in pages of hugetlbfs"),
    left_out(Kind::Locked, USER, "the same, locked (mlock)"),
    left_out(Kind::Merged, USER, "equal pages that KSM merged"),
    left_out(Kind::Environment, USER, "the environment of a program"),
    left_out(Kind::Unmapped, CACHE, "memfd_secret"),
    left_out(Kind::Shared, CACHE, "memory shared with children"),
    left_out(Kind::MemoryFile, CACHE, "a file of memfd_create"),
    left_out(Kind::Tmpfs, CACHE, "a file on tmpfs with huge=always"),
    left_out(Kind::CleanFile, CACHE, "a file on ext4, read"),
    left_out(Kind::WrittenFile, PRIVATE, "a file on ext4, just written"),
    left_out(
        Kind::LastFile,
        CACHE,
        "the last pages of a file, which the CPU keeps off the LRU lists",
    ),
    left_out(
        Kind::Freed,
        FREE,
        "memory that a program gave back, much of it on lists of the CPU",
    ),
    kept(Kind::Pipe, "what waits in a pipe"),
    kept(Kind::Socket, "what waits in a socket"),
    kept(Kind::Key, "a key in a keyring"),
    kept(Kind::Log, "a line of the kernel log"),
];

impl Row {
    /// Whether a level leaves it out.
    pub fn is_left_out(&self, level: u8) -> bool {
        matches!(self.promise, Promise::LeftOutBy(bits) if bits & level != 0)
    }

    /// Whether a dump of this level, of a memory that has `there` of its secrets, may have `found`.
    pub fn check(&self, level: u8, there: u64, found: u64) -> Result<()> {
        let promised = if self.is_left_out(level) { 0 } else { there };
        ensure!(
            found == promised,
            "level {level} has {found} of {there} secrets in {}, and should have {promised}",
            self.what
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_memory_has_a_promise() {
        assert_eq!(TABLE.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(TABLE.iter().filter(|row| row.kind == kind).count(), 1);
        }
    }

    #[test]
    fn a_promise_that_is_not_kept_is_an_error() {
        let row = |kind| TABLE.iter().find(|row| row.kind == kind).unwrap();
        let user = row(Kind::Anonymous);
        assert!(user.check(8, 10, 0).is_ok() && user.check(8, 10, 1).is_err());
        assert!(user.check(7, 10, 10).is_ok() && user.check(7, 10, 9).is_err());
        let log = row(Kind::Log);
        assert!(log.check(31, 1, 1).is_ok() && log.check(31, 1, 0).is_err());
    }
}
