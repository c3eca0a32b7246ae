//! Keys and lists of any shape: no panic, and no trust that isn't in them.
//!
//! Input: two little-endian `u16` lengths, then the keys, the MOK list and the revocations.
#![no_main]

use baton_verify::{RevocationSource, Trust, verify_image};
use libfuzzer_sys::fuzz_target;

const SIGNED: &[u8] = include_bytes!("../../verify/tests/fixtures/sbsign-chain.efi");

fuzz_target!(|data: &[u8]| {
    let Some((lengths, rest)) = data.split_first_chunk::<4>() else {
        return;
    };
    let length = |at: usize| usize::from(u16::from_le_bytes([lengths[at], lengths[at + 1]]));
    let (keys, rest) = rest.split_at(length(0).min(rest.len()));
    let (list, revocations) = rest.split_at(length(2).min(rest.len()));
    let trust = Trust::new()
        .add_keys(keys)
        .and_then(|trust| trust.add_mok_list(list))
        .and_then(|trust| trust.add_revocations(revocations, RevocationSource::MokListX));
    let Ok(trust) = trust else { return };
    let verdict = verify_image(SIGNED, &trust);
    if let Ok(verified) = &verdict {
        // Somebody must be trusted for that, and revoking can only take away.
        assert!(!keys.is_empty() || !list.is_empty());
        let without = Trust::new()
            .add_keys(keys)
            .and_then(|trust| trust.add_mok_list(list))
            .expect("as before");
        let again = verify_image(SIGNED, &without).expect("with less revoked");
        assert_eq!(again.digest(), verified.digest());
    }
});
