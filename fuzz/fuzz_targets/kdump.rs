//! An accepted kdump-compressed dump holds no more pages than there are, and each page of each range is
//! read, left out, or damaged, as the survey of it says beforehand.
#![no_main]

use baton_kdump::memory::Presence;
use baton_kdump::{DumpFormat, KdumpFile, Memory, Unreadable};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|file: &[u8]| {
    let Ok(dump) = KdumpFile::open(vec![Arc::new(file.to_vec())]) else {
        return;
    };
    let size = dump.page_size();
    let mut page = vec![0; usize::try_from(size).unwrap()];
    for range in dump.ranges().iter().take(16) {
        assert!(range.start < range.end && range.start % size == 0 && range.end % size == 0);
        for address in (range.start..range.end).step_by(page.len()).take(16) {
            let read = dump.read(address, &mut page);
            let again = dump.read(address + 1, &mut page[1..]);
            match (&read, &again) {
                (Ok(()), again) => assert_eq!(again, &Ok(())),
                (Err(Unreadable::Absent(_)), _) => panic!("{address:#x} is in a range"),
                (Err(Unreadable::Excluded(_)), Err(Unreadable::Excluded(_))) => {}
                (Err(Unreadable::Damaged(..)), Err(Unreadable::Damaged(..))) => {}
                other => panic!("{address:#x}: {other:?}"),
            }
            match dump.extent(address).presence {
                // What is held may be nonsense.
                Presence::Held => assert!(!matches!(read, Err(Unreadable::Excluded(_)))),
                Presence::LeftOut => assert!(matches!(read, Err(Unreadable::Excluded(_)))),
                Presence::Lost => assert!(matches!(read, Err(Unreadable::Damaged(..)))),
                Presence::Absent => panic!("{address:#x} is in a range"),
            }
            let _ = dump.codec(address);
        }
    }
    assert!(dump.read(u64::MAX - 1, &mut page).is_err());
    let survey = dump.survey();
    assert!(survey.held + survey.lost <= survey.present);
    let _ = (dump.missing(), dump.notes());
});
