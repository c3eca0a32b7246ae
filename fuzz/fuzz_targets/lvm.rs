//! A physical volume of LVM, its checksums set right so that what is behind them is reached; and the text alone.
#![no_main]

use baton_capture::probe::lvm::{checksum, physical_volume, volume_group};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = volume_group(bytes);
    for sets_text in [false, true] {
        let mut disk = bytes.to_vec();
        seal(&mut disk, sets_text);
        let is_called = disk.windows(8).take(1537).any(|it| it == b"LABELONE");
        if let Ok(found) = physical_volume(&disk) {
            assert!(is_called);
            assert_eq!(found.id.to_string().len(), 38);
            if let Some(group) = found.group {
                assert!(!group.name.to_string().contains(char::is_control));
            }
        }
    }
});

/// Sets the checksums of the label in the second sector, of the area at 4 KiB, and of the text there.
fn seal(disk: &mut [u8], sets_text: bool) {
    let put = |disk: &mut [u8], at: usize, sum: u32| {
        if let Some(field) = disk.get_mut(at..at + 4) {
            field.copy_from_slice(&sum.to_le_bytes());
        }
    };
    if let Some(label) = disk.get(512 + 20..1024) {
        let sum = checksum(label);
        put(disk, 512 + 16, sum);
    }
    if sets_text && let Some(text) = text(disk) {
        let sum = checksum(&text);
        put(disk, 4096 + 56, sum);
    }
    if let Some(header) = disk.get(4096 + 4..4608) {
        let sum = checksum(header);
        put(disk, 4096, sum);
    }
}

fn text(disk: &[u8]) -> Option<Vec<u8>> {
    let number = |at: usize| {
        let bytes = disk.get(4096 + at..4096 + at + 8)?.try_into().ok()?;
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    };
    let (area, offset, length) = (number(32)?, number(40)?, number(48)?);
    let first = length.min(area.checked_sub(offset)?);
    let begin = offset.checked_add(4096)?;
    let mut text = disk.get(begin..)?.get(..first)?.to_vec();
    text.extend(disk.get(4608..)?.get(..length - first)?);
    Some(text)
}
