//! Pages that are recognised wherever they turn up, by the kind of memory that they were put into.
//!
//! A page begins with its secret: 64 letters, so that it can be text, which say of what kind and which number it is. The
//! letters are computed: no program has them in its file.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// Bytes of a secret.
pub const SECRET: usize = 64;

/// What a page was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A program's own memory, in pages of 4 KiB.
    Anonymous,
    /// The same in pages of 2 MiB.
    Huge,
    /// The same in pages of 64 KiB (since 6.8).
    Middle,
    /// The same in pages of hugetlbfs.
    Hugetlb,
    /// The same, locked.
    Locked,
    /// Equal pages of it, merged by KSM.
    Merged,
    /// Memory that the kernel has no mapping of (memfd_secret).
    Unmapped,
    /// The environment of a program.
    Environment,
    /// Memory that a program shares with its children.
    Shared,
    /// A file in memory (memfd_create).
    MemoryFile,
    /// A file on tmpfs with large pages.
    Tmpfs,
    /// A file on ext4, as it was read.
    CleanFile,
    /// A file on ext4, as it was written.
    WrittenFile,
    /// The first pages of files that were written last.
    LastFile,
    /// Memory that a program has given back.
    Freed,
    /// What waits in a pipe.
    Pipe,
    /// What waits in a socket.
    Socket,
    /// A key in a keyring.
    Key,
    /// A line of the kernel log.
    Log,
    /// What overwrites copies that aren't to be found.
    Nothing,
}

impl Kind {
    /// All that are planted.
    pub const ALL: [Kind; 19] = [
        Kind::Anonymous,
        Kind::Huge,
        Kind::Middle,
        Kind::Hugetlb,
        Kind::Locked,
        Kind::Merged,
        Kind::Unmapped,
        Kind::Environment,
        Kind::Shared,
        Kind::MemoryFile,
        Kind::Tmpfs,
        Kind::CleanFile,
        Kind::WrittenFile,
        Kind::LastFile,
        Kind::Freed,
        Kind::Pipe,
        Kind::Socket,
        Kind::Key,
        Kind::Log,
    ];

    /// How many secrets are planted, each in a page of its own.
    #[must_use]
    pub fn count(self) -> u64 {
        match self {
            Kind::Locked | Kind::Unmapped | Kind::Shared => 256,
            Kind::Freed => 2048,
            // What a pipe takes if nobody asks for more, and a socket.
            Kind::Pipe | Kind::Socket => 16,
            // Fewer than a CPU collects before it tells the lists (PAGEVEC_SIZE is 15, and later 31).
            Kind::LastFile => 10,
            // Equal pages become one.
            Kind::Merged | Kind::Environment | Kind::Key | Kind::Log => 1,
            _ => 1024,
        }
    }
}

/// The letters that all begin with, as a number.
const BEGIN: u64 = 0x9d2c_5680_ca6b_1f37;

/// A number in letters, from A to P.
fn letters(number: u64) -> [u8; 16] {
    std::array::from_fn(|place| b'A' + (number >> (60 - 4 * place) & 15).to_le_bytes()[0])
}

fn number(letters: &[u8]) -> Option<u64> {
    letters.iter().try_fold(0, |number, letter| {
        let digit = letter.checked_sub(b'A').filter(|digit| *digit < 16)?;
        Some(number << 4 | u64::from(digit))
    })
}

fn next(word: u64) -> u64 {
    word.wrapping_mul(0x5851_f42d_4c95_7f2d)
        .wrapping_add(0x1405_7b7e_f767_814f)
}

fn of(kind: Kind, index: u64) -> u64 {
    (kind as u64) << 32 | index
}

/// Writes a secret. What is longer than it is filled with what doesn't compress.
pub fn write(kind: Kind, index: u64, page: &mut [u8]) {
    let (secret, rest) = page.split_at_mut(SECRET.min(page.len()));
    let mut word = of(kind, index);
    let words = [BEGIN, word, next(word), next(next(word))];
    for (place, word) in secret.chunks_mut(16).zip(words) {
        place.copy_from_slice(&letters(word)[..place.len()]);
    }
    for place in rest.chunks_mut(8) {
        word = next(word);
        place.copy_from_slice(&word.rotate_left(23).to_le_bytes()[..place.len()]);
    }
}

/// A secret as text.
#[must_use]
pub fn text(kind: Kind, index: u64) -> String {
    let mut secret = [0; SECRET];
    write(kind, index, &mut secret);
    String::from_utf8_lossy(&secret).into_owned()
}

/// The secrets of each kind that were found: their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found(BTreeSet<(Kind, u64)>);

impl Found {
    /// How many there are of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.0.range((kind, 0)..=(kind, u64::MAX)).count() as u64
    }

    /// Looks for secrets in bytes. Those that go on in the next piece are found if the pieces overlap by [`SECRET`]
    /// bytes.
    pub fn look(&mut self, bytes: &[u8]) {
        let begin = letters(BEGIN);
        let mut from = 0;
        while let Some(at) = position(&bytes[from..], &begin).map(|at| from + at) {
            if let Some(found) = bytes.get(at..at + SECRET).and_then(secret) {
                self.0.insert(found);
            }
            from = at + 1;
        }
    }
}

/// Where a text begins.
fn position(bytes: &[u8], text: &[u8; 16]) -> Option<usize> {
    // A letter that is rare elsewhere is looked for, and then the rest: a dump is large.
    let mut from = 0;
    loop {
        let at = from + bytes[from..].iter().position(|byte| *byte == text[0])?;
        match bytes.get(at..at + text.len()) {
            Some(here) if here == text => return Some(at),
            Some(_) => from = at + 1,
            None => return None,
        }
    }
}

fn secret(letters: &[u8]) -> Option<(Kind, u64)> {
    let mut words = letters.chunks_exact(16).map(number);
    let (_, word) = (words.next()??, words.next()??);
    let follows = words.next()?? == next(word) && words.next()?? == next(next(word));
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| *kind as u64 == word >> 32)?;
    follows.then_some((kind, word & u64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_stands_and_counted_once() {
        let mut page = [0; PAGE];
        write(Kind::Freed, 7, &mut page);
        let mut bytes = vec![0; 100];
        bytes.extend(page);
        bytes.extend(b"J");
        bytes.extend(text(Kind::Log, 3).bytes());
        bytes.extend(text(Kind::Freed, 7).bytes());
        let mut found = Found::default();
        found.look(&bytes);
        assert_eq!((found.of(Kind::Freed), found.of(Kind::Log)), (1, 1));
        assert_eq!(found.of(Kind::Key), 0);
    }

    #[test]
    fn what_is_cut_off_or_changed_is_no_secret() {
        let whole = text(Kind::Key, 1).into_bytes();
        for length in 0..SECRET {
            let mut found = Found::default();
            found.look(&whole[..length]);
            assert_eq!(found, Found::default(), "{length} bytes");
        }
        for at in 0..SECRET {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let mut found = Found::default();
            found.look(&changed);
            assert_eq!(found, Found::default(), "byte {at}");
        }
    }

    #[test]
    fn every_kind_and_number_has_its_own() {
        let all: BTreeSet<_> = Kind::ALL
            .into_iter()
            .flat_map(|kind| (0..4).map(move |index| text(kind, index)))
            .collect();
        assert_eq!(all.len(), 4 * Kind::ALL.len());
    }
}
