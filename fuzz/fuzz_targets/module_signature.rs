//! An appended signature has one form only.
#![no_main]

use baton_formats::module_signature::{split, trailer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Ok(Some(parts)) = split(file) else {
        return;
    };
    let trailer = trailer(parts.signature.len() as u32);
    assert!([parts.data, parts.signature, &trailer].concat() == file);
});
