//! The start of a device, of whatever is on it.
#![no_main]

use baton_capture::probe::{Occupant, occupant, superblock};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Btrfs has its superblock at 64 KiB; what is there should be reached by short inputs, too.
    let start = bytes.to_vec();
    let mut late = vec![0; 64 << 10];
    late.extend(bytes);
    for source in [start, late] {
        let taken = occupant(&source);
        if let Some(found) = superblock(&source).expect("memory gives answers") {
            // No dump may be written over it.
            assert!(matches!(taken, Ok(Some(Occupant::Known(kind))) if kind == found.owner));
            assert!(found.label.is_none_or(|label| !label.is_empty()));
            assert!(found.uuid.is_ascii());
        }
    }
});
