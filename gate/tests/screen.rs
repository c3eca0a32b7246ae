//! Where the gate draws: on a display's own memory, or not at all.
#![allow(clippy::cast_possible_truncation)]

use baton_formats::boot_params::offset;
use baton_formats::setup_data::{SETUP_E820_EXT, SETUP_IMA};
use baton_gate::arch::x86_64::Arguments;
use baton_gate::arch::x86_64::screen::usable;
use baton_gate::firmware::Firmware;
use baton_gate::plan::Range;
use baton_samples::machine::*;

/// Where no map says that anything is.
const DISPLAY: u64 = 0x8000_0000;
/// Where the firmware keeps data, which a map without it doesn't show.
const UNLISTED: u64 = 0x7f80_0000;

/// A machine with shim and a screen here. Its map lists nothing of the firmware's memory.
fn machine_with(base: u64) -> Memory {
    let mut memory = machine(vec![0; 4096], "quiet");
    add_shim(&mut memory, mok_entry("", &[]));
    let map = [
        (0x10_0000, RAM_END - 0x10_0000, 1),
        (0x5000_0000, 0x1000, 2),
        (0x5001_0000, 0x1000, 3),
        (0x5002_0000, 0x1000, 4),
    ];
    set_map(memory.bytes(BOOT_PARAMS), &map);
    add_screen(&mut memory, base);
    memory
}

fn drawn_on(memory: &Memory) -> Option<Range> {
    let arguments = Arguments::read(memory, BOOT_PARAMS).expect("well-formed");
    let firmware = Firmware::read(memory, &arguments, gate_extent()).expect("well-formed");
    usable(&arguments, &firmware, gate_extent()).map(|(_, range)| range)
}

#[test]
fn a_screen_that_no_map_lists_is_drawn_on() {
    for base in [DISPLAY, 0xc000_0000, 0x40_0000_0000] {
        let expected = Range::new(base, SCREEN_LEN);
        assert_eq!(drawn_on(&machine_with(base)), expected, "{base:#x}");
    }
}

#[test]
fn no_screen_is_drawn_on_that_touches_anything_else() {
    let places = [
        ("RAM", RAM_END - 4096, 4096),
        ("reserved memory", 0x5000_0000, 0x1000),
        ("ACPI's tables", 0x5001_0000, 0x1000),
        ("ACPI's own memory", 0x5002_0000, 0x1000),
        ("shim's table", MOK_TABLE, 264),
        ("the system table", SYSTEM_TABLE, 0x78),
        ("the configuration tables", CONFIG_TABLES, 48),
        ("a region of EFI's map", EFI_REGION, 0x3000),
    ];
    for (name, start, len) in places {
        let (first, last) = (start - SCREEN_LEN + 4, start + len - 4);
        for base in [first, start, last & !3] {
            assert_eq!(drawn_on(&machine_with(base)), None, "{name}, {base:#x}");
        }
    }
}

#[test]
fn the_first_mebibyte_is_no_screen() {
    for base in [0, 0xa_0000, 0xf_fffc] {
        assert_eq!(drawn_on(&machine_with(base)), None, "{base:#x}");
    }
}

#[test]
fn no_screen_is_drawn_on_over_what_the_old_kernel_loaded_or_the_gate() {
    let map = [(0x1000_0000, 0x1000_0000, 1)];
    let all = [BOOT_PARAMS, CMDLINE, SETUP_DATA, HANDOVER, EFI_MAP];
    for base in all.into_iter().chain([GATE, UNLISTED]) {
        let mut memory = machine_with(base);
        set_map(memory.bytes(BOOT_PARAMS), &map);
        let mut ima = UNLISTED.to_le_bytes().to_vec();
        ima.extend(0x1000_u64.to_le_bytes());
        memory.put(0x3f70_0000, node(SETUP_DATA, SETUP_IMA, &ima));
        set_setup_data(&mut memory, 0x3f70_0000);
        assert_eq!(drawn_on(&memory), None, "{base:#x}");
    }
}

#[test]
fn no_screen_is_drawn_on_over_memory_that_only_the_maps_extension_lists() {
    for kind in [1_u32, 2, 3, 4, 7] {
        let mut memory = machine_with(DISPLAY);
        let mut entry = (DISPLAY + SCREEN_LEN - 8).to_le_bytes().to_vec();
        entry.extend(0x1000_u64.to_le_bytes());
        entry.extend(kind.to_le_bytes());
        memory.put(0x3f70_0000, node(SETUP_DATA, SETUP_E820_EXT, &entry));
        set_setup_data(&mut memory, 0x3f70_0000);
        assert_eq!(drawn_on(&memory), None, "{kind}");
    }
}

#[test]
fn no_screen_is_drawn_on_where_the_map_may_have_been_cut_short() {
    let mut memory = machine_with(DISPLAY);
    let mut map = vec![(0x10_0000, RAM_END - 0x10_0000, 1)];
    map.extend((0..126).map(|n| (0x6000_0000 + n * 0x2000, 0x1000, 2)));
    set_map(memory.bytes(BOOT_PARAMS), &map);
    assert!(drawn_on(&memory).is_some());
    map.push((0x7000_0000, 0x1000, 2));
    set_map(memory.bytes(BOOT_PARAMS), &map);
    assert_eq!(drawn_on(&memory), None);
}

#[test]
fn what_is_no_screen_of_efi_or_has_no_room_is_not_drawn_on() {
    for (at, value) in [
        (0x0f, 0x23_u16),
        (0x12, 8),
        (0x14, 8),
        (0x16, 16),
        (0x24, 1020),
        (0x24, 1026),
        (0x18, 2),
        (0x3a, u16::MAX),
    ] {
        let mut memory = machine_with(DISPLAY);
        let screen = &mut memory.bytes(BOOT_PARAMS)[offset::SCREEN_INFO..];
        screen[at..at + 2].copy_from_slice(&value.to_le_bytes());
        if at == 0x3a {
            screen[0x18..0x1c].copy_from_slice(&[0xfc, 0xff, 0xff, 0xff]);
            screen[0x3c..0x3e].fill(0xff);
        }
        assert_eq!(drawn_on(&memory), None, "{value:#x} at {at:#x}");
    }
}
