//! A compact policy has one form only.
#![no_main]

use baton_formats::policy::{MAX_REFUSAL_DELAY, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::parse(bytes) else {
        return;
    };
    assert!(policy.refusal_delay_seconds <= MAX_REFUSAL_DELAY);
    assert_eq!(policy.to_bytes(), bytes);
});
