//! Digests by which pages are known to be equal.
//!
//! Whoever filled memory must not be able to make two pages seem equal, and a digest must cost far less than compressing
//! its page. NH does both (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO '99, section 4): of two pages that
//! differ, the digests are equal for one key in 2^64; with a second one, of the key moved on by two words (theorem 4.3),
//! for one in 2^128. That holds for any two pages that were chosen without the key. It is drawn when a dump begins, and
//! kept nowhere.

use std::hash::{BuildHasher, RandomState};

/// A page's digest: of pages of one size, equal ones have the same. Its bits aren't evenly distributed (where a word of
/// the key is even, so is a product): a table needs a hash of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u128; 2]);

/// Makes digests of pages.
pub(super) struct Key(Vec<u64>);

impl Key {
    /// A new key, for pages of this size.
    pub(super) fn draw(page_size: usize) -> Key {
        // SipHash with a key from the kernel's random numbers.
        let random = RandomState::new();
        let words = page_size.div_ceil(8).next_multiple_of(2) + 2;
        Key((0..words).map(|word| random.hash_one(word)).collect())
    }

    /// The digest of a page of this size.
    pub(super) fn digest(&self, page: &[u8]) -> Digest {
        let (words, _) = page.as_chunks::<8>();
        let (pairs, _) = words.as_chunks::<2>();
        let (keys, _) = self.0.as_chunks::<2>();
        let moved = keys.get(1..).unwrap_or_default();
        let mut digest = [0u128; 2];
        for ((pair, first), second) in pairs.iter().zip(keys).zip(moved) {
            let words = pair.map(u64::from_le_bytes);
            for (sum, key) in digest.iter_mut().zip([first, second]) {
                let [a, b] = [words[0].wrapping_add(key[0]), words[1].wrapping_add(key[1])];
                *sum = sum.wrapping_add(u128::from(a) * u128::from(b));
            }
        }
        Digest(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_sum_that_the_paper_defines() {
        let key = Key(vec![u64::MAX, 7, 11, 13, 17, 19]);
        let mut page = Vec::new();
        page.extend(
            [2u64, 3, 5, u64::MAX]
                .into_iter()
                .flat_map(u64::to_le_bytes),
        );
        // (2 - 1) * (3 + 7) + (5 + 11) * (13 - 1), and with the key moved on by two words.
        let moved = (2 + 11) * (3 + 13) + (5 + 17) * (19 - 1);
        assert_eq!(key.digest(&page), Digest([10 + 16 * 12, moved]));
    }

    #[test]
    fn each_bit_of_a_page_counts() {
        for size in [4096, 1 << 16] {
            let key = Key::draw(size);
            let mut page = vec![0x55; size];
            let digest = key.digest(&page);
            for place in (0..size).step_by(97).chain([size - 1]) {
                page[place] ^= 1 << (place % 8);
                assert_ne!(key.digest(&page), digest, "at {place}");
                page[place] ^= 1 << (place % 8);
            }
            assert_eq!(key.digest(&page), digest);
        }
    }

    #[test]
    fn no_key_is_used_for_two_dumps() {
        let page = [1; 4096];
        let digest = || Key::draw(4096).digest(&page);
        assert_ne!(digest(), digest());
    }
}
