//! shim's MOK table: what is read of it is what a writer would write.
#![no_main]

use baton_formats::mok::{Entries, HEADER_LEN, NAME_LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut position = 0;
    for entry in Entries::new(bytes) {
        let Ok(entry) = entry else { return };
        assert!(!entry.name.is_empty() && entry.name.len() < NAME_LEN);
        assert!(bytes[position..].starts_with(entry.name.as_bytes()));
        position += HEADER_LEN;
        assert_eq!(&bytes[position..][..entry.data.len()], entry.data);
        position += entry.data.len();
    }
    assert_eq!(bytes[position], 0, "the table ends with an empty name");
});
