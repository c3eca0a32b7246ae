//! shim's MOK table: what is read of it is what a writer would write.
#![no_main]

use baton_formats::mok::{EntryHeader, HEADER_LEN, NAME_LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Some((header, data)) = rest.split_first_chunk() {
        let Ok(EntryHeader { name, size }) = EntryHeader::parse(header) else {
            return;
        };
        assert!(name.len() < NAME_LEN && header.starts_with(name.as_bytes()));
        assert_eq!(header[name.len()], 0, "a name has an end");
        assert_eq!(header[HEADER_LEN - 8..], size.to_le_bytes());
        if name.is_empty() {
            assert_eq!(size, 0, "the table ends with an empty name");
            return;
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        rest = data.get(size..).unwrap_or_default();
    }
});
