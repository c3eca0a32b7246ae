//! Pages that describe themselves, so that any byte written over them shows.

use baton_guest::event::{Canary, Damage};

/// Words in a page.
pub const WORDS: usize = 512;
const MAGIC: u64 = 0x4e6f_7461_4220_7921;

/// A page of memory, as the kernel maps it.
#[repr(C, align(4096))]
#[derive(Clone)]
struct Page([u64; WORDS]);

/// Filled memory: let go of when dropped.
pub struct Filled(Vec<Vec<Page>>);

/// Pages in a block that is allocated at once.
const BLOCK: u64 = 2048;

impl Filled {
    /// Fills all of the free memory but `leave` bytes.
    pub fn all_but(leave: u64, free: u64) -> Filled {
        let pages = free.saturating_sub(leave) / 4096;
        let mut blocks = Vec::new();
        let mut first = 0;
        while first < pages {
            let end = pages.min(first + BLOCK);
            blocks.push((first..end).map(page).collect());
            first = end;
        }
        Filled(blocks)
    }

    /// How many pages were filled.
    pub fn canary(&self) -> Canary {
        Canary {
            pages: self.0.iter().map(|block| block.len() as u64).sum(),
        }
    }
}

/// Every word follows from the page's number.
fn page(number: u64) -> Page {
    let mut words = [0; WORDS];
    words[0] = MAGIC;
    words[1] = number;
    let mut word = number;
    for slot in words.iter_mut().skip(2) {
        word = next(word);
        *slot = word;
    }
    Page(words)
}

fn next(word: u64) -> u64 {
    word.wrapping_mul(0x5851_f42d_4c95_7f2d)
        .wrapping_add(0x1405_7b7e_f767_814f)
}

/// What a page of a dump is.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// Something else.
    Other,
    /// A canary page with this number.
    Intact(u64),
    /// Was one.
    Damaged(Damage),
}

/// Judges the page of 4096 bytes at this physical address.
pub fn judge(page_address: u64, bytes: &[u8]) -> Seen {
    if !bytes.starts_with(&MAGIC.to_le_bytes()) {
        return Seen::Other;
    }
    let words: Vec<u64> = bytes
        .chunks_exact(8)
        .filter_map(|b| b.try_into().ok())
        .map(u64::from_le_bytes)
        .collect();
    let number = words.get(1).copied().unwrap_or_default();
    let expected = page(number).0;
    let wrong = |index: &usize| words.get(*index) != expected.get(*index);
    let mut all = (0..WORDS).filter(wrong);
    let Some(first) = all.next() else {
        return Seen::Intact(number);
    };
    let last = all.next_back().unwrap_or(first);
    Seen::Damaged(Damage {
        number,
        address: page_address + 8 * first as u64,
        length: 8 * (last - first + 1) as u64,
        zeros: words[first..=last].iter().all(|word| *word == 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(number: u64) -> Vec<u8> {
        page(number)
            .0
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect()
    }

    #[test]
    fn any_changed_byte_is_seen() {
        assert_eq!(judge(0, &bytes(7)), Seen::Intact(7));
        for at in 0..4096 {
            let mut changed = bytes(7);
            changed[at] ^= 0x10;
            assert_ne!(judge(0, &changed), Seen::Intact(7), "byte {at}");
        }
    }

    #[test]
    fn damage_is_told_by_its_place() {
        let mut changed = bytes(7);
        changed[0x698..0x6a8].fill(0);
        let expected = Damage {
            number: 7,
            address: 0x5698,
            length: 16,
            zeros: true,
        };
        assert_eq!(judge(0x5000, &changed), Seen::Damaged(expected.clone()));
        changed[0x6a7] = 1;
        let other = Damage {
            zeros: false,
            ..expected
        };
        assert_eq!(judge(0x5000, &changed), Seen::Damaged(other));
    }

    #[test]
    fn fills_what_is_free_but_what_must_be_left() {
        let filled = Filled::all_but(4096 * 10, 4096 * 5000);
        assert_eq!(filled.canary(), Canary { pages: 4990 });
    }
}
