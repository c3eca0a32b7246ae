//! Pages that are equal to ones written before share their place in the file: a descriptor says where a page is, and
//! several may say the same.
//!
//! Only so many pages are remembered, those that were written or found last, so that the memory for them is the same
//! whatever the machine's: at most 1 MB.

use super::digest::{Digest, Key};
use crate::format::kdump::disk::PageDescriptor;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts of which each has a lock, so that threads seldom wait for each other.
const PARTS: usize = 16;
/// How many pages a part remembers in each of its two generations. A table of 512 entries holds 448.
const GENERATION: usize = 448;

/// The pages that are remembered, and where they are.
pub(super) struct Equal {
    key: Key,
    /// Chooses parts.
    random: RandomState,
    parts: [Mutex<Part>; PARTS],
}

type Places = HashMap<Digest, PageDescriptor>;

/// When the young ones are many, those that were old are forgotten.
#[derive(Default)]
struct Part {
    young: Places,
    old: Places,
}

impl Equal {
    /// Of pages of this size.
    pub(super) fn new(page_size: usize) -> Equal {
        Equal {
            key: Key::draw(page_size),
            random: RandomState::new(),
            parts: Default::default(),
        }
    }

    pub(super) fn digest(&self, page: &[u8]) -> Digest {
        self.key.digest(page)
    }

    /// Where a page is that is equal to the one with this digest.
    pub(super) fn find(&self, digest: &Digest) -> Option<PageDescriptor> {
        self.part(digest).find(digest)
    }

    /// Remembers a page that is written.
    pub(super) fn remember(&self, digest: Digest, place: PageDescriptor) {
        self.part(&digest).insert(digest, place);
    }

    fn part(&self, digest: &Digest) -> MutexGuard<'_, Part> {
        let [number, ..] = self.random.hash_one(digest).to_le_bytes();
        let part = &self.parts[usize::from(number) % PARTS];
        part.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn find(&mut self, digest: &Digest) -> Option<PageDescriptor> {
        if let Some(place) = self.young.get(digest) {
            return Some(*place);
        }
        // What comes again is likely to come once more.
        let place = self.old.remove(digest)?;
        self.insert(*digest, place);
        Some(place)
    }

    fn insert(&mut self, digest: Digest, place: PageDescriptor) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u64) -> [u8; 4096] {
        let mut page = [0; 4096];
        page[..8].copy_from_slice(&number.to_le_bytes());
        page
    }

    fn place(number: u64) -> PageDescriptor {
        PageDescriptor::new(number, 1, 0)
    }

    fn found(equal: &Equal, number: u64) -> Option<u64> {
        let place = equal.find(&equal.digest(&page(number)))?;
        Some(place.offset.get())
    }

    #[test]
    fn pages_are_found_by_what_they_hold() {
        let equal = Equal::new(4096);
        for number in 0..1000 {
            assert_eq!(found(&equal, number), None);
            equal.remember(equal.digest(&page(number)), place(number));
        }
        assert!((0..1000).all(|number| found(&equal, number) == Some(number)));
    }

    #[test]
    fn pages_are_spread_over_the_parts_whatever_the_key() {
        for _ in 0..32 {
            let equal = Equal::new(4096);
            for number in 0..1600 {
                equal.remember(equal.digest(&page(number)), place(number));
            }
            for part in &equal.parts {
                let held = part.lock().unwrap().young.len();
                assert!((30..200).contains(&held), "{held} of 1600");
            }
        }
    }

    #[test]
    fn so_many_are_remembered_and_no_more_and_those_that_come_again_longest() {
        let equal = Equal::new(4096);
        let most = (2 * PARTS * GENERATION) as u64;
        for number in 0..4 * most {
            equal.remember(equal.digest(&page(number)), place(number));
            // The first one comes again and again.
            assert_eq!(found(&equal, 0), Some(0));
        }
        let held: usize = equal
            .parts
            .iter()
            .map(|part| {
                let part = part.lock().unwrap();
                part.young.len() + part.old.len()
            })
            .sum();
        assert!(held as u64 <= most && held >= PARTS * GENERATION / 2);
        assert_eq!(found(&equal, 1), None);
        assert_eq!(found(&equal, 4 * most - 1), Some(4 * most - 1));
    }
}
