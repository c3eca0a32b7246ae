//! A verdict has one form only.
#![no_main]

use baton_formats::verdict::{self, Verdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(parsed) = Verdict::parse(data) else {
        return;
    };
    let components: Vec<_> = parsed.components().collect();
    let mut buffer = vec![0xff; data.len()];
    let written = verdict::write(&mut buffer, &parsed.gate(), &components).unwrap();
    assert!(written == data);
});
