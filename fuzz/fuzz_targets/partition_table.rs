//! A partition's number (4 bytes) and where it begins (8 bytes), then the start of its disk, which is asked
//! for the partition's names.
#![no_main]

use baton_capture::probe::gpt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((number, rest)) = bytes.split_first_chunk() else {
        return;
    };
    let Some((start, disk)) = rest.split_first_chunk() else {
        return;
    };
    let (number, start) = (u32::from_le_bytes(*number), u64::from_le_bytes(*start));
    let disk = disk.to_vec();
    for block_size in [0, 1, 512, 4096, u64::MAX] {
        let names = gpt::names(&disk, block_size, number, start);
        if let Some(names) = names.expect("memory gives answers") {
            assert!(names.uuid.is_ascii() && !names.uuid.is_empty());
        }
    }
});
