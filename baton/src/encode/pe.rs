//! The checksum of a PE file.

/// The PE checksum: the ones' complement sum of the file's 16-bit words, the field itself as zero, plus
/// the file's length ("PE Format", CheckSum; the algorithm is that of ImageHlp's CheckSumMappedFile).
#[must_use]
pub fn checksum(file: &[u8], field: usize) -> u32 {
    let (before, rest) = file.split_at(field.min(file.len()));
    let after = rest.get(4..).unwrap_or_default();
    let mut sum = words(before) + words(after);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // The sum has 16 bits; a file over 4 GiB can't be signed.
    #[allow(clippy::cast_possible_truncation)]
    {
        (sum as u32).wrapping_add(file.len() as u32)
    }
}

/// The sum of 16-bit words, the last of which may be half a word, but for multiples of 0xffff, which the checksum drops:
/// two words at a time, since 2^16 is 1 there (RFC 1071, 2). A file over 4 GiB can't be signed, so that it fits.
fn words(bytes: &[u8]) -> u64 {
    let (pairs, rest) = bytes.as_chunks();
    let sum: u64 = pairs
        .iter()
        .map(|pair| u64::from(u32::from_le_bytes(*pair)))
        .sum();
    let mut last = [0; 4];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    sum + u64::from(u32::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_folds_carries_and_skips_its_own_field() {
        let file = [0xff, 0xff, 0xaa, 0xaa, 0xaa, 0xaa, 0x02, 0x00, 0x01];
        // 0xffff + 2 + 1 = 0x10002 → 0x0003, plus 9 bytes
        assert_eq!(checksum(&file, 2), 3 + 9);
    }

    #[test]
    fn two_words_at_a_time_give_the_same_as_one() {
        let one_at_a_time = |bytes: &[u8]| {
            let words = bytes.chunks(2).map(|word| {
                u64::from(word[0]) + 256 * u64::from(word.get(1).copied().unwrap_or(0))
            });
            words.fold(0, |sum, word| match sum + word {
                carried @ 0x1_0000.. => carried - 0xffff,
                sum => sum,
            })
        };
        let bytes: Vec<u8> = (0x80..=0xff).cycle().step_by(37).take(0x2000).collect();
        for len in [0, 2, 4, 6, 0x1001, 0x1002, 0x1003, 0x2000] {
            let file = [&[0; 4], &bytes[..len]].concat();
            let expected = one_at_a_time(&bytes[..len]) + file.len() as u64;
            assert_eq!(u64::from(checksum(&file, 0)), expected, "{len}");
        }
    }
}
