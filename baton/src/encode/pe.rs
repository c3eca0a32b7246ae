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

/// The sum of 16-bit words, the last of which may be half a word; a file over 4 GiB can't be signed, so that it fits.
fn words(bytes: &[u8]) -> u64 {
    let (words, last) = bytes.as_chunks();
    let sum: u64 = words
        .iter()
        .map(|word| u64::from(u16::from_le_bytes(*word)))
        .sum();
    sum + last.iter().map(|byte| u64::from(*byte)).sum::<u64>()
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
}
