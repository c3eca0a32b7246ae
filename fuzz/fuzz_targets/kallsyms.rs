//! Whatever the table of symbols and VMCOREINFO say, a search of it comes to an end, and finds `_stext` where
//! VMCOREINFO has it. The input is a length, VMCOREINFO of this length, and memory from 0x120000 on.
#![no_main]

use baton_kdump::kallsyms::find;
use baton_kdump::{KernelMemory, Machine, Memory, Unreadable, VmcoreInfo};
use libfuzzer_sys::fuzz_target;
use std::ops::Range;

const START: u64 = 0x12_0000;

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
    let Ok(found) = find(&kernel, &info, ["_stext", "nr_cpu_ids", "__start_BTF"]) else {
        return;
    };
    assert_eq!(
        found[0],
        Some(info.symbol("_stext").expect("it is compared"))
    );
    // The same names, in another order and once more, are where they were.
    let names = ["nr_cpu_ids", "nr_cpu_ids", "_stext"];
    let again = find(&kernel, &info, names).expect("read once, it can be read again");
    assert_eq!(again, [found[1], found[1], found[0]]);
});
