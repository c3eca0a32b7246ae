//! An accepted ELF core's ranges are sorted and apart, and all of them can be read or are known to be lost. It
//! holds no more than its file does, and claims no more than that bears out. What its notes and page tables say
//! is followed within bounds.
#![no_main]

use baton_kdump::dmesg::Log;
use baton_kdump::{DumpFormat, KernelMemory, Memory, Unreadable, Vmcore};
use libfuzzer_sys::fuzz_target;
use std::ops::Range;
use std::sync::Arc;

fuzz_target!(|file: &[u8]| {
    let _ = Vmcore::foreign(&file.to_vec());
    let Ok(core) = Vmcore::open(Arc::new(file.to_vec())) else {
        return;
    };
    let bytes = |ranges: &[Range<u64>]| -> u64 { ranges.iter().map(|it| it.end - it.start).sum() };
    let held = bytes(&core.held());
    assert!(held <= file.len() as u64);
    assert!(bytes(core.ranges()) - held <= (file.len() as u64 * (1 << 14)).max(1 << 34));
    let survey = core.survey();
    assert!(survey.held + survey.lost <= survey.present);
    assert!(core.lost().is_empty() || !survey.complete());
    let _ = core.stranger();
    for pair in core.ranges().windows(2) {
        assert!(pair[0].start < pair[0].end && pair[0].end < pair[1].start);
    }
    for range in core.ranges().iter().take(64) {
        for address in [range.start, range.end - 1] {
            match core.read(address, &mut [0]) {
                Ok(()) => {}
                Err(Unreadable::Damaged(..)) => {
                    let lost = |it: &Range<u64>| it.contains(&address);
                    assert!(core.lost().iter().any(lost));
                }
                Err(error) => panic!("{address:#x}: {error}"),
            }
        }
        assert!(core.read(range.end, &mut [0]).is_err());
    }
    let Some(info) = &core.notes().vmcoreinfo else {
        return;
    };
    let Ok(kernel) = KernelMemory::new(&core, core.machine(), info) else {
        return;
    };
    for address in [0, 0xffff_8880_0000_0000, 0xffff_ffff_8000_0000, u64::MAX] {
        let _ = kernel.read(address, &mut [0; 64]);
    }
    if let Ok(log) = Log::open(&kernel, info) {
        log.records().take(64).for_each(drop);
    }
});
