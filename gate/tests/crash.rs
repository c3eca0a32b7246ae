//! A crash: what says that it is one, and what memory is used then.
#![allow(clippy::cast_possible_truncation)]

use baton_formats::boot_params::BootParams;
use baton_samples::build::{authority as root, signed_kernel as kernel};
use baton_samples::machine::*;
use baton_verify::Component;

/// What is reserved for a crash, 256 MiB, and how much of it the headers of the dump take.
const RESERVED: u64 = 0x2ff0_0000;
const RESERVED_END: u64 = RESERVED + 0x1000_0000;
const HEADERS: u64 = 0x1000;
const LINE: &str = "elfcorehdr=0x2ff00000 quiet";

/// What a crash kernel's map begins with (crash_setup_memmap_entries in arch/x86/kernel/crash.c).
const BEFORE: [(u64, u64, u32); 3] = [
    (0x1000, 0x9_e000, 1),
    (0x7f80_0000, 0x1_0000, 3),
    (0x7f00_0000, 0x10_0000, 2),
];

/// How a dump's headers begin.
fn headers() -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(64, 0);
    header[16] = 4;
    header
}

/// A machine that boots a handover for a crash, with this line and this RAM after the headers at `dump`.
fn crashed(line: &str, dump: u64, ram: &[(u64, u64)]) -> Memory {
    let mut blob = handover(&kernel(), &[b"070701 initrd"]);
    blob[0x18] = 1;
    let mut memory = machine(blob, line);
    memory.put(dump, headers());
    let ram = ram.iter().map(|(start, end)| (*start, end - start, 1));
    let map: Vec<_> = BEFORE.into_iter().chain(ram).collect();
    set_map(memory.bytes(BOOT_PARAMS), &map);
    memory
}

fn said(memory: &Memory) -> Result<(), (Component, &'static str)> {
    with_gate(memory, &root(), |result| {
        result
            .map(|_| ())
            .map_err(|refusal| (refusal.component, refusal.reason.code()))
    })
}

const NO_CRASH: Result<(), (Component, &str)> = Err((Component::Handover, "only-for-crash"));

/// `crashkernel=…,cma` adds ranges to the map that were user space's, and that devices may still write to.
#[test]
fn all_that_is_planned_in_a_crash_lies_in_what_was_reserved_for_one() {
    let reserved = (RESERVED + HEADERS, RESERVED_END);
    for more in [
        vec![],
        vec![(0x800_0000, 0x1000_0000)],
        vec![(RESERVED - 0x800_0000, RESERVED)],
        vec![(RESERVED_END, RESERVED_END + 0x800_0000)],
        vec![(0x1_0000_0000, 0x2_0000_0000), (0x100_0000, 0x200_0000)],
    ] {
        for first in [true, false] {
            let mut ram = more.clone();
            ram.insert(if first { 0 } else { more.len() }, reserved);
            let memory = crashed(LINE, RESERVED, &ram);
            plan_of(&memory, &root(), |plan| {
                assert!(plan.writes.len() > 2);
                for write in &plan.writes {
                    let inside = reserved.0 <= write.to && write.to + write.size <= reserved.1;
                    assert!(inside, "{:#x} with {ram:x?}", write.to);
                }
                let page = boot_params(plan);
                let (initrd, _) = BootParams(&page).ramdisk();
                assert!(reserved.0 <= initrd && initrd < reserved.1);
            });
        }
    }
}

/// Keys for disks lie anywhere in what is reserved, and are cut out as the headers are
/// (crash_load_dm_crypt_keys in kernel/crash_dump_dm_crypt.c).
#[test]
fn keys_for_disks_may_split_what_was_reserved() {
    for (keys, size) in [
        (RESERVED + HEADERS, 0xa7c),
        (RESERVED + HEADERS + 0x1000, 0x1000),
        (HANDOVER - 0x1000, 0xa7c),
        (0x3800_0000, 0xa7c),
        (RESERVED_END - 0x1000, 0xa7c),
    ] {
        let line = format!("elfcorehdr=0x{RESERVED:x} dmcryptkeys=0x{keys:x} quiet");
        let parts = [(RESERVED + HEADERS, keys), (keys + size, RESERVED_END)];
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|it| it.1 - it.0 >= 0x1000)
            .collect();
        let memory = crashed(&line, RESERVED, &parts);
        plan_of(&memory, &root(), |plan| {
            let near = |to: u64| (RESERVED..RESERVED_END).contains(&to);
            assert!(plan.writes.iter().all(|write| near(write.to)), "{keys:#x}");
        });
    }
}

/// As many processors and ranges of memory as Linux makes room for.
#[test]
fn the_headers_may_be_as_long_as_linux_makes_them() {
    const LONGEST: u64 = (64 + (2 + 8192 + 8192) * 56_u64).next_multiple_of(0x1000);
    let ram = |start| [(start, RESERVED_END)];
    let memory = crashed(LINE, RESERVED, &ram(RESERVED + LONGEST));
    assert_eq!(said(&memory), Ok(()));
    let too_far = crashed(LINE, RESERVED, &ram(RESERVED + 0x10_1000));
    assert_eq!(said(&too_far), NO_CRASH);
}

/// Root draws what looks like headers, and loads a handover for a crash as another kernel.
#[test]
fn headers_in_memory_of_a_display_make_no_crash() {
    let all = (0x10_0000, RAM_END);
    for dump in [0xa_0000, 0xb_8000, 0xfd00_0000, 0x40_0000_0000] {
        let line = format!("elfcorehdr=0x{dump:x} quiet");
        let memory = crashed(&line, dump, &[all, (0x1_0000_0000, 0x2_0000_0000)]);
        assert_eq!(said(&memory), NO_CRASH, "{dump:#x}");
    }
}

#[test]
fn what_no_crash_kernels_map_can_say_of_the_headers_makes_no_crash() {
    let reserved = (RESERVED + HEADERS, RESERVED_END);
    assert_eq!(said(&crashed(LINE, RESERVED, &[reserved])), Ok(()));
    // The RAM behind them holds neither the gate nor the handover, or but one of these.
    let handover_only = [(RESERVED + HEADERS, 0x3800_0000), (0x3900_0000, RAM_END)];
    assert_eq!(said(&crashed(LINE, RESERVED, &handover_only)), NO_CRASH);
    let elsewhere = "elfcorehdr=0x1000000 quiet";
    let other = [(0x100_1000, 0x200_0000), (RESERVED, RAM_END)];
    assert_eq!(said(&crashed(elsewhere, 0x100_0000, &other)), NO_CRASH);
    // Something is listed where they lie.
    for kind in [2, 3, 4, 7, 128] {
        let mut memory = crashed(LINE, RESERVED, &[]);
        let map = [
            (RESERVED - 0x10_0000, 0x10_1000, kind),
            (RESERVED + HEADERS, RESERVED_END - RESERVED - HEADERS, 1),
        ];
        set_map(memory.bytes(BOOT_PARAMS), &map);
        assert_eq!(said(&memory), NO_CRASH, "{kind}");
    }
}
