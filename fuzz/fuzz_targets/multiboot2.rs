//! What an accepted multiboot2 kernel loads is in the file and below 4 GiB, its entry in there.
#![no_main]

use baton_formats::multiboot2::{Multiboot2, SEARCH_LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Ok(kernel) = Multiboot2::parse(file) else {
        return;
    };
    assert!(Multiboot2::recognises(file));
    assert!(kernel.header_offset() < SEARCH_LEN.min(file.len()));
    assert!(kernel.requests().count() < SEARCH_LEN / 4);
    if let Some(place) = kernel.relocatable() {
        assert!(place.min <= place.max && place.align.is_power_of_two());
    }
    let Some(load) = kernel.load() else { return };
    assert!(!load.file.is_empty() && load.file.end <= file.len());
    assert!(load.file.len() as u64 <= load.memory.end - load.memory.start);
    assert!(load.memory.end <= 1 << 32);
    assert!(load.memory.contains(&kernel.entry().unwrap().into()));
});
