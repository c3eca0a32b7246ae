//! Whatever is in memory and VMCOREINFO, the log comes to an end: no more records than descriptors, no more
//! text than the ring has. The input is a length, VMCOREINFO of this length, and memory from 16 MiB on.
#![no_main]

use baton_kdump::dmesg::{Log, Panic, Text};
use baton_kdump::{KernelMemory, Machine, Memory, Unreadable, VmcoreInfo};
use libfuzzer_sys::fuzz_target;
use std::ops::Range;

const START: u64 = 0x100_0000;

struct Ram<'a> {
    bytes: &'a [u8],
    ranges: [Range<u64>; 1],
}

impl Memory for Ram<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let start = address
            .checked_sub(START)
            .and_then(|it| usize::try_from(it).ok());
        let found = start.and_then(|it| self.bytes.get(it..it.checked_add(buffer.len())?));
        buffer.copy_from_slice(found.ok_or(Unreadable::Absent(address))?);
        Ok(())
    }

    fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((length, rest)) = input.split_first_chunk() else {
        return;
    };
    let Some((text, bytes)) = rest.split_at_checked(u16::from_le_bytes(*length).into()) else {
        return;
    };
    let end = START + bytes.len() as u64;
    let ram = Ram {
        bytes,
        ranges: [START..end],
    };
    let info = VmcoreInfo::parse(text);
    let Ok(kernel) = KernelMemory::new(&ram, Machine::X86_64, &info) else {
        return;
    };
    let Ok(log) = Log::open(&kernel, &info) else {
        return;
    };
    let mut found = 0;
    let mut records = log.records();
    for record in records.by_ref() {
        found += record.text.len();
    }
    // All text is in memory, and none of it twice as often as the ring is long.
    assert!(found <= 1 << 31);
    let panic = Panic::find(log.records());
    let shown = Text::new(&log).with_callers(true).to_string();
    assert!(panic.message.is_none_or(|it| shown.contains(&it)));
    for range in log.occupied() {
        assert!(range.start < range.end);
    }
});
