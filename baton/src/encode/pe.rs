//! The checksum of a PE file.

/// The PE checksum: the ones' complement sum of the file's 16-bit words, the field itself as zero, plus
/// the file's length ("PE Format", CheckSum; the algorithm is that of ImageHlp's CheckSumMappedFile).
#[must_use]
pub fn checksum(file: &[u8], field: usize) -> u32 {
    let fold = |sum: u64| (sum & 0xffff) + (sum >> 16);
    let mut sum: u64 = 0;
    for (i, word) in file.chunks(2).enumerate() {
        let at = i * 2;
        if at == field || at == field + 2 {
            continue;
        }
        sum += match word {
            [low, high] => u64::from(u16::from_le_bytes([*low, *high])),
            [last] => u64::from(*last),
            _ => 0,
        };
    }
    while sum > 0xffff {
        sum = fold(sum);
    }
    // The sum has 16 bits; a file over 4 GiB can't be signed.
    #[allow(clippy::cast_possible_truncation)]
    {
        (sum as u32).wrapping_add(file.len() as u32)
    }
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
