//! AES (FIPS 197) in CBC mode (NIST SP 800-38A), deciphering alone: what encrypted private keys are encrypted with. A few
//! hundred bytes are deciphered for whoever has the passphrase; it isn't fast, and needn't be.

use zeroize::Zeroize;

/// Bytes of a block.
pub const BLOCK: usize = 16;

/// The round keys.
pub struct Key {
    rounds: Vec<[u8; BLOCK]>,
}

impl Drop for Key {
    fn drop(&mut self) {
        self.rounds.zeroize();
    }
}

impl Key {
    /// Of a key of 16, 24 or 32 bytes; `None` of any other length.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Key> {
        if !matches!(key.len(), 16 | 24 | 32) {
            return None;
        }
        // 5.2, in words of four bytes.
        let (given, all) = (key.len() / 4, 4 * (key.len() / 4 + 7));
        let mut words: Vec<[u8; 4]> = Vec::with_capacity(all);
        words.extend(key.as_chunks().0);
        let mut round_constant = 1;
        for i in given..all {
            let mut word = words[i - 1];
            if i % given == 0 {
                word.rotate_left(1);
                word = word.map(substituted);
                word[0] ^= round_constant;
                round_constant = doubled(round_constant);
            } else if given > 6 && i % given == 4 {
                word = word.map(substituted);
            }
            let before = words[i - given];
            words.push(std::array::from_fn(|j| word[j] ^ before[j]));
        }
        let rounds = words.chunks_exact(4).map(|round| {
            let mut bytes = [0; BLOCK];
            bytes
                .iter_mut()
                .zip(round.as_flattened())
                .for_each(|(to, from)| *to = *from);
            bytes
        });
        let rounds = rounds.collect();
        words.zeroize();
        Some(Key { rounds })
    }

    /// Deciphers whole blocks in place.
    pub fn decipher_cbc(&self, iv: [u8; BLOCK], bytes: &mut [u8]) {
        let mut before = iv;
        for block in bytes.as_chunks_mut().0 {
            let enciphered = *block;
            self.decipher(block);
            add(block, &before);
            before = enciphered;
        }
    }

    /// The inverse cipher (5.3).
    fn decipher(&self, state: &mut [u8; BLOCK]) {
        let mut keys = self.rounds.iter().rev();
        if let Some(last) = keys.next() {
            add(state, last);
        }
        let mut keys = keys.peekable();
        while let Some(key) = keys.next() {
            *state = shifted_back(state).map(substituted_back);
            add(state, key);
            if keys.peek().is_some() {
                state.as_chunks_mut().0.iter_mut().for_each(mix_back);
            }
        }
    }
}

fn add(state: &mut [u8; BLOCK], other: &[u8; BLOCK]) {
    state
        .iter_mut()
        .zip(other)
        .for_each(|(to, from)| *to ^= from);
}

/// Row `r` of the state, whose columns lie one after another, moves `r` columns to the right (5.3.1).
fn shifted_back(state: &[u8; BLOCK]) -> [u8; BLOCK] {
    std::array::from_fn(|i| state[(i + BLOCK - 4 * (i % 4)) % BLOCK])
}

/// 5.3.3.
fn mix_back(column: &mut [u8; 4]) {
    const FACTORS: [u8; 4] = [14, 11, 13, 9];
    let old = *column;
    for (row, byte) in column.iter_mut().enumerate() {
        *byte = (0..4).fold(0, |sum, i| {
            sum ^ product(FACTORS[(i + 4 - row) % 4], old[i])
        });
    }
}

/// By x, modulo x^8 + x^4 + x^3 + x + 1 (4.2.1).
const fn doubled(byte: u8) -> u8 {
    let reduced = if byte & 0x80 != 0 { 0x1b } else { 0 };
    (byte << 1) ^ reduced
}

const fn product(mut a: u8, mut b: u8) -> u8 {
    let mut sum = 0;
    while a != 0 {
        if a & 1 != 0 {
            sum ^= b;
        }
        a >>= 1;
        b = doubled(b);
    }
    sum
}

fn substituted(byte: u8) -> u8 {
    SUBSTITUTES[usize::from(byte)]
}

fn substituted_back(byte: u8) -> u8 {
    BACK[usize::from(byte)]
}

/// The S-box (5.1.1): of the inverse of each byte, an affine transformation.
const SUBSTITUTES: [u8; 256] = {
    let mut table = [0x63; 256];
    // 3 generates all but 0, and 0xf6 is its inverse.
    let (mut byte, mut inverse) = (1_u8, 1_u8);
    let mut i = 0;
    while i < 255 {
        let turned = inverse.rotate_left(1) ^ inverse.rotate_left(2);
        let turned = turned ^ inverse.rotate_left(3) ^ inverse.rotate_left(4);
        table[byte as usize] = inverse ^ turned ^ 0x63;
        byte = product(3, byte);
        inverse = product(0xf6, inverse);
        i += 1;
    }
    table
};

/// Its inverse.
const BACK: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        #[allow(clippy::cast_possible_truncation)]
        {
            table[SUBSTITUTES[i] as usize] = i as u8;
        }
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        let byte = |it: &[u8]| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    }

    /// NIST SP 800-38A, F.2.2, F.2.4 and F.2.6: CBC with keys of each length, two blocks of each.
    #[test]
    fn the_standards_examples_are_deciphered() {
        const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
        for (key, enciphered) in [
            (
                "2b7e151628aed2a6abf7158809cf4f3c",
                "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
            ),
            (
                "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
                "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a",
            ),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
            ),
        ] {
            let mut block = bytes(enciphered);
            let iv = std::array::from_fn(|i| u8::try_from(i).unwrap());
            Key::new(&bytes(key)).unwrap().decipher_cbc(iv, &mut block);
            assert_eq!(block, bytes(PLAIN));
        }
    }

    #[test]
    fn the_tables_are_the_standards() {
        assert_eq!(
            (SUBSTITUTES[0], SUBSTITUTES[0x53], BACK[0xed]),
            (0x63, 0xed, 0x53)
        );
        assert!(Key::new(&[0; 15]).is_none());
    }
}
