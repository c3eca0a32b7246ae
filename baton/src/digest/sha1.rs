//! SHA-1 (FIPS 180-4), by which firmware, MokManager and mokutil show certificates, and which the kernel still takes in
//! signatures. Nothing is trusted by it.

/// The digest of `parts`, one after the other.
pub fn sha1<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 20] {
    let mut state = [
        0x6745_2301_u32,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    let mut pending: Vec<u8> = Vec::with_capacity(64);
    let mut len = 0_u64;
    for mut part in parts {
        len = len.wrapping_add(part.len() as u64);
        if !pending.is_empty() {
            let (fill, rest) = part.split_at(part.len().min(64 - pending.len()));
            pending.extend(fill);
            part = rest;
            if pending.len() < 64 {
                continue;
            }
            block(&mut state, &pending);
            pending.clear();
        }
        let blocks = part.chunks_exact(64);
        pending.extend(blocks.remainder());
        blocks.for_each(|bytes| block(&mut state, bytes));
    }
    pending.push(0x80);
    while pending.len() % 64 != 56 {
        pending.push(0);
    }
    pending.extend((len.wrapping_mul(8)).to_be_bytes());
    pending
        .chunks_exact(64)
        .for_each(|bytes| block(&mut state, bytes));
    let mut digest = [0; 20];
    for (to, word) in digest.chunks_exact_mut(4).zip(state) {
        to.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn block(state: &mut [u32; 5], bytes: &[u8]) {
    let mut words = [0_u32; 80];
    for (word, octets) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = octets
            .iter()
            .fold(0, |word, octet| word << 8 | u32::from(*octet));
    }
    for i in 16..80 {
        words[i] = (words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (i, word) in words.iter().enumerate() {
        let (f, k) = match i {
            0..20 => ((b & c) | (!b & d), 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6_u32),
        };
        let next = a
            .rotate_left(5)
            .wrapping_add(f)
            .wrapping_add(e)
            .wrapping_add(k)
            .wrapping_add(*word);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    for (sum, word) in state.iter_mut().zip([a, b, c, d, e]) {
        *sum = sum.wrapping_add(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_sys::hex;

    #[test]
    fn gives_the_digests_of_the_standards_examples() {
        for (message, digest) in [
            (&b""[..], "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ),
        ] {
            assert_eq!(hex::encode(sha1([message])), digest);
            // However it is cut.
            for at in 0..message.len() {
                let (before, after) = message.split_at(at);
                assert_eq!(hex::encode(sha1([before, after])), digest);
            }
        }
        let million = vec![b'a'; 1_000_000];
        let digest = "34aa973cd4c4daa4f61eeb2bdbad27316534016f";
        assert_eq!(hex::encode(sha1(million.chunks(777))), digest);
    }
}
