//! What is read from the end of a partition is what was written there.
#![no_main]

use baton_capture::trailer::{self, MAX_LOG, MAX_SUMMARY};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The header and the beginnings of both texts; what is between isn't worth mutating.
    let mut partition = vec![0; 4096 + (2 << 20)];
    for (at, part) in [4096, 8192, 4096 + 0x1c_0000]
        .into_iter()
        .zip(bytes.chunks(4096))
    {
        partition[at..at + part.len()].copy_from_slice(part);
    }
    let size = partition.len() as u64;
    if let Ok(trailer) = trailer::read(&partition, size) {
        assert!(trailer.log.len() as u64 <= MAX_LOG);
        assert!(trailer.summary.len() as u64 <= MAX_SUMMARY);
    }
});
