//! Whatever Linux would see early in an initrd is found, in one piece and in two.
#![no_main]

use baton_formats::cpio::{Search, entries, is_early_alone};
use libfuzzer_sys::fuzz_target;

const PATH: &[u8] = b"kernel/firmware/acpi/";

fuzz_target!(|initrd: &[u8]| {
    let end = initrd.as_ptr_range().end;
    for entry in entries(initrd) {
        assert_eq!(entry.contents.len(), entry.header.file_size() as usize);
        assert!(entry.contents.as_ptr_range().end <= end);
    }
    let seen = entries(initrd).any(|entry| entry.name.starts_with(PATH));
    assert!(!is_early_alone(initrd) || entries(initrd).all(|it| !it.name.starts_with(b"init")));
    let mut search = Search::new(PATH);
    assert!(!seen || search.is_in(initrd));
    let (left, right) = initrd.split_at(initrd.len() / 2);
    let whole = search.is_in(initrd);
    let in_parts = search.is_in(left) || search.is_in(right);
    let _ = search.reaches_into(left);
    let crosses = search.reaches_into(right);
    assert_eq!(whole, in_parts || crosses);
});
