//! A member of a RAID array: as it is, and with the checksum of the superblock at 4 KiB set right, so that what is behind it
//! is reached.
#![no_main]

use baton_capture::probe::md::{checksum, member};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for sets_sum in [false, true] {
        let mut disk = bytes.to_vec();
        if sets_sum {
            seal(&mut disk);
        }
        let magic = 0xa92b_4efc_u32.to_le_bytes();
        let has_magic = disk.windows(4).any(|it| it == magic);
        if let Ok(found) = member(&disk) {
            assert!(has_magic);
            assert_eq!(found.array.to_string().len(), 36);
            assert!(found.roles.len() <= (4096 - 256) / 2);
            let role = found.role();
            assert!(role.is_none() || usize::try_from(found.number).unwrap() < found.roles.len());
        }
    }
});

/// Sets the checksum of the superblock at 4 KiB, which has as many roles as it says.
fn seal(disk: &mut [u8]) {
    const AT: usize = 4096;
    let Some(count) = disk.get(AT + 220..AT + 224) else {
        return;
    };
    let count = u32::from_le_bytes(count.try_into().unwrap());
    let length = usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(2)?.checked_add(256));
    let end = length.and_then(|length| AT.checked_add(length));
    let Some(block) = end.and_then(|end| disk.get_mut(AT..end)) else {
        return;
    };
    let sum = checksum(block).to_le_bytes();
    block[216..220].copy_from_slice(&sum);
}
