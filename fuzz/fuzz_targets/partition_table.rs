//! The start of a disk, of which a partition's names are asked.
#![no_main]

use baton_capture::probe::gpt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u32, u64, &[u8])| {
    let (number, start, bytes) = input;
    let disk = bytes.to_vec();
    for block_size in [0, 1, 512, 4096, u64::MAX] {
        if let Some(names) = gpt::names(&disk, block_size, number, start) {
            assert!(names.uuid.is_ascii() && !names.uuid.is_empty());
        }
    }
});
