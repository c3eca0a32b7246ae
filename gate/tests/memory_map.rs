//! The memory map: what may lie where, and what of it is handed on.
#![allow(clippy::cast_possible_truncation)]

use baton_formats::boot_params::{BootParams, offset};
use baton_formats::setup_data::SETUP_IMA;
use baton_samples::build::{authority as root, signed_kernel as kernel};
use baton_samples::machine::*;
use baton_verify::Component;

/// An entry of the map: start, size, type.
type Entry = (u64, u64, u32);
/// An older Linux's mark of setup_data.
const SETUP: u32 = 128;

fn good() -> Memory {
    machine(handover(&kernel(), &[b"070701 first initrd"]), "quiet")
}

/// The machine's RAM, of which `size` bytes from `start` on are of this kind.
fn map_with(start: u64, size: u64, kind: u32) -> Vec<Entry> {
    vec![
        (0, 0x9_f000, 1),
        (0x10_0000, start - 0x10_0000, 1),
        (start, size, kind),
        (start + size, RAM_END - start - size, 1),
    ]
}

fn said(memory: &Memory) -> Result<(), (Component, &'static str)> {
    with_gate(memory, &root(), |result| {
        result
            .map(|_| ())
            .map_err(|refusal| (refusal.component, refusal.reason.code()))
    })
}

/// A kernel that was told of another map (`memmap=`) loads over what it doesn't know of.
#[test]
fn what_was_loaded_over_memory_that_is_no_ram_is_refused() {
    let measured = 0x3b00_0000_u64;
    for start in [
        HANDOVER,
        gate_extent().start,
        BOOT_PARAMS,
        CMDLINE,
        SETUP_DATA,
        measured,
    ] {
        let mut memory = good();
        let list = [measured.to_le_bytes(), 0x1000_u64.to_le_bytes()].concat();
        memory.put(SETUP_DATA, node(0, SETUP_IMA, &list));
        set_setup_data(&mut memory, SETUP_DATA);
        for kind in [2, 3, 4, 7, 12, 0xffff_ffff] {
            set_map(memory.bytes(BOOT_PARAMS), &map_with(start, 0x1000, kind));
            let refused = Err((Component::Memory, "bad-memory-map"));
            assert_eq!(said(&memory), refused, "{start:#x}: type {kind}");
        }
        for kind in [1, SETUP] {
            set_map(memory.bytes(BOOT_PARAMS), &map_with(start, 0x1000, kind));
            assert_eq!(said(&memory), Ok(()), "{start:#x}: type {kind}");
        }
        // What no entry lists, as memory that was added to the running machine.
        let hole: Vec<_> = map_with(start, 0x1000, 2);
        let unlisted: Vec<_> = hole.into_iter().filter(|it| it.2 == 1).collect();
        set_map(memory.bytes(BOOT_PARAMS), &unlisted);
        assert_eq!(said(&memory), Ok(()), "{start:#x}");
    }
}

/// The map that the next kernel finds, and where its first node of setup_data lies.
fn handed_on(memory: &Memory) -> (Vec<Entry>, (u64, u64)) {
    plan_of(memory, &root(), |plan| {
        let page = boot_params(plan);
        let params = BootParams(&page);
        let map = params.e820().expect("it fits");
        let at = params.setup_data();
        let len = written_at(plan, at).len() as u64;
        (
            map.map(|it| (it.addr, it.size, it.kind)).collect(),
            (at, len),
        )
    })
}

/// What Linux up to 6.12 makes of a map: it marks setup_data for the kernel after it (e820__reserve_setup_data
/// in arch/x86/kernel/e820.c), and kexec passes on what fits boot_params.
fn marked(map: &[Entry], (at, len): (u64, u64)) -> Vec<Entry> {
    let mut marked = Vec::new();
    for &(start, size, kind) in map {
        let end = start + size;
        if kind != 1 || at < start || end < at + len {
            marked.push((start, size, kind));
            continue;
        }
        let parts = [(start, at, 1), (at, at + len, SETUP), (at + len, end, 1)];
        let parts = parts.into_iter().filter(|(from, to, _)| from < to);
        marked.extend(parts.map(|(from, to, kind)| (from, to - from, kind)));
    }
    marked.truncate(128);
    marked
}

#[test]
fn handover_after_handover_all_ram_is_handed_on() {
    let first = vec![
        (0, 0x9_f000, 1),
        (0x9_f000, 0x6_1000, 2),
        (0x10_0000, RAM_END - 0x10_0000, 1),
        (0x7f00_0000, 0x10_0000, 2),
        (0x1_0000_0000, 0x4_0000_0000, 1),
    ];
    let mut map = first.clone();
    for hop in 0..70 {
        let mut memory = good();
        set_map(memory.bytes(BOOT_PARAMS), &map);
        let (next, record) = handed_on(&memory);
        assert_eq!(next, first, "after {hop} handovers");
        map = marked(&next, record);
        assert!(map.iter().any(|entry| entry.2 == SETUP));
    }
}

/// It may be what the gate still reads.
#[test]
fn setup_data_of_a_kernel_before_is_not_written_over() {
    let mut memory = good();
    let (_, (at, len)) = handed_on(&memory);
    for kind in [SETUP, 2] {
        set_map(memory.bytes(BOOT_PARAMS), &map_with(at, len, kind));
        plan_of(&memory, &root(), |plan| {
            let over = |start, size| start < at + len && at < start + size;
            assert!(!plan.writes.iter().any(|it| over(it.to, it.size)));
        });
    }
}

/// Only a mark goes: what adjoins nothing marked stays as it was.
#[test]
fn entries_without_a_mark_between_them_are_not_joined() {
    let map = [
        (0x10_0000, 0x10_0000, 1),
        (0x20_0000, 0x10_0000, 1),
        (0x30_0000, 0x1000, SETUP),
        (0x30_1000, 0x1000, SETUP),
        (0x30_2000, RAM_END - 0x30_2000, 1),
        (RAM_END, 0x1000, SETUP),
        (RAM_END + 0x1000, 0x1000, 2),
        (0x1_0000_0000, 0x1000, SETUP),
    ];
    let mut memory = good();
    set_map(memory.bytes(BOOT_PARAMS), &map);
    let expected = [
        (0x10_0000, 0x10_0000, 1),
        (0x20_0000, RAM_END + 0x1000 - 0x20_0000, 1),
        (RAM_END + 0x1000, 0x1000, 2),
        (0x1_0000_0000, 0x1000, 1),
    ];
    assert_eq!(handed_on(&memory).0, expected);
}

/// Its tables are laid out differently, and were read as those of 64 bits.
#[test]
fn efi_of_other_than_64_bits_is_refused() {
    for signature in [*b"EL32", [0; 4], *b"XEN\0"] {
        let mut memory = good();
        let table = [mok_entry("MokListRT", &x509_list(&root())), vec![0; 264]].concat();
        add_shim(&mut memory, table);
        assert_eq!(said(&memory), Ok(()));
        let at = offset::EFI_INFO;
        memory.bytes(BOOT_PARAMS)[at..at + 4].copy_from_slice(&signature);
        let refused = Err((Component::BootParams, "bad-boot-params"));
        assert_eq!(said(&memory), refused, "{signature:?}");
        // Without a system table nothing of EFI is read.
        memory.bytes(BOOT_PARAMS)[at..at + 32].fill(0);
        memory.bytes(BOOT_PARAMS)[at..at + 4].copy_from_slice(&signature);
        assert_eq!(said(&memory), Ok(()));
    }
}
