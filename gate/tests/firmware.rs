//! The firmware's tables: what is kept for the next kernel, and what isn't handed on.
#![allow(clippy::cast_possible_truncation)]

use baton_formats::boot_params::{BootParams, E820Entry, offset};
use baton_formats::efi::{Guid, MOK_TABLE_GUID, Table};
use baton_formats::setup_data::{SETUP_IMA, SETUP_INDIRECT, SETUP_KEXEC_KHO};
use baton_gate::arch::x86_64::BootPlan;
use baton_samples::build::{authority as root, signed_kernel as kernel};
use baton_samples::machine::*;
use baton_verify::Component;

/// Where tables are put, in RAM.
const TABLE: u64 = 0x3a00_0000;
/// In memory that the map calls reserved.
const RESERVED: u64 = 0x7f00_8000;
/// ESRT's GUID.
const ESRT: &str = "b122a263-3661-4f68-9929-78f8b0d62180";
const FAR: u64 = 0x2_0000_0000;

/// A GUID as it stands in memory, from its text.
fn guid(text: &str) -> Guid {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let mut bytes: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    bytes[0..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes.try_into().expect("16 bytes")
}

fn words(fields: &[u32]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|field| field.to_le_bytes())
        .collect()
}

fn longs(fields: &[u64]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|field| field.to_le_bytes())
        .collect()
}

/// The bytes with their checksum at this offset.
fn summed(mut bytes: Vec<u8>, at: usize, len: usize) -> Vec<u8> {
    let sum = bytes[..len]
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    bytes[at] = bytes[at].wrapping_sub(sum);
    bytes
}

fn root_pointer() -> Vec<u8> {
    let mut rsdp = b"RSD PTR \0BATON \x02".to_vec();
    rsdp.extend(words(&[0x7f00_1000, 36]));
    rsdp.extend([0; 12]);
    summed(summed(rsdp, 8, 20), 32, 36)
}

fn smbios() -> Vec<u8> {
    let mut entry = b"_SM_\0\x1f\x02\x08".to_vec();
    entry.resize(0x16, 0);
    entry.extend(100_u16.to_le_bytes());
    entry.extend(0x7f00_2000_u32.to_le_bytes());
    entry.resize(0x1f, 0);
    entry
}

fn smbios3() -> Vec<u8> {
    let mut entry = b"_SM3_\0\x18\x03".to_vec();
    entry.resize(0x0c, 0);
    entry.extend(words(&[100]));
    entry.extend(longs(&[0x7f00_2000]));
    entry
}

/// A log whose first event names SHA-256.
fn tpm_log() -> Vec<u8> {
    let mut log = words(&[0, 3]);
    log.extend([0; 20]);
    log.extend(words(&[33]));
    log.extend(b"Spec ID Event03\0");
    log.extend(words(&[0]));
    log.extend([0, 2, 0, 2]);
    log.extend(words(&[1]));
    log.extend([0x0b, 0, 32, 0, 0]);
    let mut table = words(&[log.len() as u32, 0]);
    table.push(2);
    table.extend(log);
    // Linux reads the structure with its padding.
    table.extend([0; 3]);
    table
}

/// Two events, one with a digest of SHA-1 and one of SHA-256.
fn final_events() -> Vec<u8> {
    let mut events = longs(&[1, 2]);
    for (algorithm, len) in [(0x04_u16, 20), (0x0b, 32)] {
        events.extend(words(&[5, 0x8000_0007, 1]));
        events.extend(algorithm.to_le_bytes());
        events.resize(events.len() + len, 0xd1);
        events.extend(words(&[4]));
        events.extend(b"Exit");
    }
    events
}

fn reserved_ranges() -> Vec<u8> {
    let mut list = words(&[2, 1]);
    list.extend(longs(&[0, 0x3b00_0000, 0x1000, 0, 0]));
    list
}

/// Every table that Linux reads but shim's and the first kernel's initrd: its name, its GUID, and all of it.
fn tables() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut rci2 = vec![0; 6];
    rci2.extend(b"_RC_");
    rci2.resize(24, 0);
    rci2.extend(words(&[64]));
    rci2.resize(64, 0);
    let mut uv = b"UVST".to_vec();
    uv.extend(words(&[1, 0, 0, 32]));
    uv.resize(32, 0);
    let mut display = vec![0; 192];
    display[0x0f] = 0x70; // VIDEO_TYPE_EFI
    let with = |head: Vec<u8>, len: usize| {
        let mut table = head;
        table.resize(len, 0x5a);
        table
    };
    vec![
        (
            "ACPI 2.0",
            "8868e871-e4f1-11d3-bc22-0080c73c8881",
            root_pointer(),
        ),
        (
            "ACPI",
            "eb9d2d30-2d88-11d3-9a16-0090273fc14d",
            root_pointer(),
        ),
        ("SMBIOS", "eb9d2d31-2d88-11d3-9a16-0090273fc14d", smbios()),
        (
            "SMBIOS 3",
            "f2fd1544-9794-4a2c-992e-e5bbcf20e394",
            smbios3(),
        ),
        (
            "ESRT",
            ESRT,
            with([words(&[2, 2]), longs(&[1])].concat(), 16 + 2 * 40),
        ),
        (
            "memory attributes",
            "dcfa911d-26eb-469f-a220-38b7dc461220",
            with(words(&[2, 3, 48, 0]), 16 + 3 * 48),
        ),
        (
            "random seed",
            "1ce1e5bc-7ceb-42f2-81e5-8aadf180f57b",
            with(words(&[64]), 68),
        ),
        ("TPM log", "b7799cb0-eca2-4943-9667-1fae07b747fa", tpm_log()),
        (
            "TPM final log",
            "1e2ed096-30e2-4254-bd89-863bbef82325",
            final_events(),
        ),
        (
            "confidential guest's final log",
            "dd4a4648-2de7-4665-964d-21d9ef5fb446",
            final_events(),
        ),
        (
            "reserved memory",
            "888eb0c6-8ede-4ff5-a8f0-9aee5cb977c2",
            reserved_ranges(),
        ),
        (
            "runtime properties",
            "eb66918a-7eef-402a-842e-931d21c38ae9",
            words(&[0x8_0001, 0x3fff]),
        ),
        (
            "properties",
            "880aaca3-4adc-4a04-9079-b747340825e5",
            words(&[0x1_0000, 16, 1, 0]),
        ),
        ("RCI2", "2d9f28a2-a886-456a-97a8-f11ef24ff455", rci2),
        (
            "OVMF log",
            "95305139-b20f-4723-8425-627c888ff121",
            with(
                [b"ovmfmdg1ovmfmdg2".to_vec(), longs(&[192, 64])].concat(),
                256,
            ),
        ),
        (
            "secrets",
            "adf956ad-e98c-484c-ae11-b51c7d336447",
            longs(&[RESERVED, 0x1000]),
        ),
        (
            "unaccepted memory",
            "d5d1de3c-105c-44f9-9ea9-bcef98120031",
            with([words(&[1, 0x20_0000]), longs(&[0, 16])].concat(), 40),
        ),
        ("display", "e03fc20a-85dc-406e-b90e-4ab502371d95", display),
        ("UV", "3b13a7d4-633e-11dd-93ec-da2556d89593", uv),
    ]
}

/// A machine with shim, whose key signed the kernel, and 8 GiB further up.
fn machine_with(text: &str, address: u64, bytes: Vec<u8>) -> Memory {
    let blob = handover(&kernel(), &[b"initrd"]);
    let mut memory = machine(blob, "console=ttyS0");
    let table = [mok_entry("MokListRT", &x509_list(&root())), vec![0; 264]].concat();
    add_shim(&mut memory, table);
    memory.put(RESERVED, vec![0; 0x1000]);
    add_table(&mut memory, guid(text), address, bytes);
    memory
}

/// The array that is handed on, where it isn't the firmware's own: what SETUP_EFI says, and what is put there.
fn handed_on<'p>(plan: &'p BootPlan<'_>) -> Option<(u64, &'p [u8])> {
    let told_at = SETUP_DATA + 16 + 16;
    let told = plan.writes.iter().find(|write| write.to == told_at)?;
    let address = u64::from_le_bytes(told.bytes[..].try_into().expect("8 bytes"));
    Some((address, written_at(plan, address)))
}

/// The array as the firmware has it, without the last table.
fn without_the_last(memory: &mut Memory) -> Vec<u8> {
    let mut expected = memory.bytes(CONFIG_TABLES).clone();
    let last = expected.len() - 24;
    expected[last..].fill(0);
    expected
}

#[test]
fn every_table_that_linux_reads_is_known() {
    for (name, text, _) in tables() {
        assert!(Table::of(&guid(text)).is_some(), "{name}");
    }
}

/// RAM in which the kernel would just fit over the table's last byte, and other RAM further up.
#[test]
fn no_table_in_usable_memory_is_overwritten_and_each_is_handed_on() {
    let kernel = kernel();
    let field = |at: usize| u32::from_le_bytes(kernel[at..at + 4].try_into().expect("4 bytes"));
    let (init_size, align) = (u64::from(field(0x260)), u64::from(field(0x230)));
    for (name, text, bytes) in tables() {
        let end_on_next_page = TABLE + align - bytes.len() as u64 + 1;
        let mut memory = machine_with(text, end_on_next_page, bytes);
        set_map(
            memory.bytes(BOOT_PARAMS),
            &[
                (TABLE + align - 0x1000, 0x1000 + init_size, 1),
                (RESERVED, 0x1000, 2),
                (FAR, 64 << 20, 1),
            ],
        );
        plan_of(&memory, &[], |plan| {
            assert_eq!(plan.writes[0].to, FAR, "the kernel goes over: {name}");
            assert_eq!(handed_on(plan), None, "{name}");
        });
    }
}

#[test]
fn what_a_table_leads_to_is_kept_too() {
    for (name, text, bytes, leads_to) in [
        (
            "SMBIOS",
            "eb9d2d31-2d88-11d3-9a16-0090273fc14d",
            {
                let mut entry = smbios();
                entry[0x18..0x1c].copy_from_slice(&0x3b00_0000_u32.to_le_bytes());
                entry
            },
            0x3b00_0000,
        ),
        (
            "SMBIOS 3",
            "f2fd1544-9794-4a2c-992e-e5bbcf20e394",
            {
                let mut entry = smbios3();
                entry[0x10..0x18].copy_from_slice(&0x3b00_0000_u64.to_le_bytes());
                entry
            },
            0x3b00_0000,
        ),
        (
            "reserved memory",
            "888eb0c6-8ede-4ff5-a8f0-9aee5cb977c2",
            reserved_ranges(),
            0x3b00_0000,
        ),
        (
            "secrets",
            "adf956ad-e98c-484c-ae11-b51c7d336447",
            longs(&[0x3b00_0000, 0x1000]),
            0x3b00_0000,
        ),
    ] {
        let mut memory = machine_with(text, RESERVED, bytes);
        memory.put(0x3b00_0000, vec![0; 0x1000]);
        set_map(
            memory.bytes(BOOT_PARAMS),
            &[
                (leads_to, 4 << 20, 1),
                (RESERVED, 0x1000, 2),
                (FAR, 64 << 20, 1),
            ],
        );
        plan_of(&memory, &[], |plan| {
            for write in &plan.writes {
                assert_ne!(write.to & !0xfff, leads_to, "{name}");
            }
        });
    }
}

#[test]
fn a_table_in_usable_memory_that_is_none_any_more_is_not_handed_on() {
    for (name, text, bytes) in tables() {
        if name == "display" {
            // It has nothing to tell it by.
            continue;
        }
        let mut memory = machine_with(text, TABLE, vec![0xe7; bytes.len().max(4096)]);
        let expected = without_the_last(&mut memory);
        plan_of(&memory, &[], |plan| {
            let (address, array) = handed_on(plan).expect(name);
            assert_eq!(array, expected, "{name}");
            let page = boot_params(plan);
            let holds = |entry: &E820Entry| {
                entry.addr <= address && address + 4096 <= entry.addr + entry.size
            };
            let map: Vec<E820Entry> = BootParams(&page).e820().expect("a map").collect();
            let holders: Vec<u32> = map
                .iter()
                .filter(|it| holds(it))
                .map(|it| it.kind)
                .collect();
            assert_eq!(holders, [E820Entry::RESERVED], "{name}: {map:x?}");
            let ram = |kind| kind == E820Entry::RAM;
            let size = |map: &[E820Entry]| -> u64 {
                map.iter().filter(|it| ram(it.kind)).map(|it| it.size).sum()
            };
            assert_eq!(size(&map), 0x9_f000 + RAM_END - 0x10_0000 - 4096, "{name}");
        });
    }
}

#[test]
fn a_table_that_something_was_loaded_over_is_not_handed_on_whatever_is_read_there() {
    for (name, text, bytes) in tables() {
        // The handover brings what looks like the table to where that was.
        let initrd = [b"initrd".to_vec(), bytes].concat();
        let blob = handover(&kernel(), &[&initrd]);
        let inside = blob.windows(6).position(|it| it == b"initrd");
        let address = HANDOVER + 6 + inside.expect("it is there") as u64;
        let mut memory = machine_with(text, TABLE, vec![]);
        let tables = memory.bytes(CONFIG_TABLES);
        let last = tables.len() - 8;
        tables[last..].copy_from_slice(&address.to_le_bytes());
        let size = (blob.len() as u32).to_le_bytes();
        let at = offset::RAMDISK_SIZE;
        memory.bytes(BOOT_PARAMS)[at..at + 4].copy_from_slice(&size);
        memory.put(HANDOVER, blob);
        let expected = without_the_last(&mut memory);
        plan_of(&memory, &[], |plan| {
            let (_, array) = handed_on(plan).expect(name);
            assert_eq!(array[..expected.len()], expected, "{name}");
        });
    }
}

#[test]
fn a_table_that_firmware_itself_spoilt_is_left_to_the_next_kernel() {
    for (name, text, _) in tables() {
        let memory = machine_with(text, RESERVED, vec![0xe7; 4096]);
        plan_of(&memory, &[], |plan| {
            assert_eq!(handed_on(plan), None, "{name}")
        });
    }
}

#[test]
fn the_first_kernels_initrd_is_never_handed_on() {
    for address in [TABLE, RESERVED, 0x6000_0000] {
        let text = "5568e427-68fc-4f3d-ac74-ca555231cc68";
        let mut memory = machine_with(text, address, longs(&[0x3b00_0000, 0x1000]));
        let expected = without_the_last(&mut memory);
        plan_of(&memory, &[], |plan| {
            let (_, array) = handed_on(plan).expect("another array");
            assert_eq!(array, expected, "{address:#x}");
        });
    }
}

#[test]
fn tables_that_nobody_can_have_left_where_they_are_said_to_be_are_refused() {
    let text = "5568e427-68fc-4f3d-ac74-ca555231cc68";
    let mut memory = machine_with(text, TABLE, longs(&[0, 0]));
    let good = memory.bytes(CONFIG_TABLES).clone();
    for address in [HANDOVER, CMDLINE, gate_extent().start] {
        let mut memory = machine_with(text, TABLE, longs(&[0, 0]));
        memory.bytes(SETUP_DATA)[32..40].copy_from_slice(&address.to_le_bytes());
        memory.put(gate_extent().start, good.clone());
        let refused = refusal(&memory, &root());
        assert_eq!(refused.component, Component::FirmwareTables, "{address:#x}");
    }
}

#[test]
fn a_memory_map_without_an_entry_left_is_said_to_have_none() {
    let text = "5568e427-68fc-4f3d-ac74-ca555231cc68";
    let mut memory = machine_with(text, TABLE, longs(&[0, 0]));
    let mut entries = vec![(0x10_0000, RAM_END - 0x10_0000, 1)];
    entries.extend((0..127).map(|n| (0x8000_0000 + n * 0x2000, 0x1000, 2)));
    set_map(memory.bytes(BOOT_PARAMS), &entries);
    let refused = refusal(&memory, &[]);
    assert_eq!(refused.reason.code(), "bad-memory-map", "{refused}");
}

/// What user space chose some of the bytes of is no table, whatever it looks like.
#[test]
fn tables_over_which_something_was_put_that_setup_data_tells_of_are_refused() {
    for table in [SYSTEM_TABLE, CONFIG_TABLES, MOK_TABLE] {
        for kind in [SETUP_IMA, SETUP_INDIRECT, SETUP_KEXEC_KHO] {
            let mut memory = machine_with(ESRT, RESERVED, vec![]);
            let data = match kind {
                SETUP_IMA => longs(&[table, 0x1000]),
                SETUP_INDIRECT => [words(&[1 << 31, 0]), longs(&[0x1000, table])].concat(),
                _ => longs(&[table, 0x1000, SCRATCH_LIST, 16]),
            };
            memory.put(SCRATCH_LIST, longs(&[0x1000_0000, 0x1000_0000]));
            memory.put(0x3f70_0000, node(SETUP_DATA, kind, &data));
            set_setup_data(&mut memory, 0x3f70_0000);
            let refused = refusal(&memory, &[]);
            let expected = (Component::FirmwareTables, "bad-firmware-table");
            assert_eq!((refused.component, refused.reason.code()), expected);
        }
    }
}

#[test]
fn two_tables_of_shims_are_refused_whichever_revokes() {
    let trusting = mok_entry("MokListRT", &x509_list(&root()));
    let end = vec![0; 264];
    let clean = [&trusting[..], &end].concat();
    let revoking = mok_entry("MokListXRT", &x509_list(&root()));
    let revoking = [&trusting[..], &revoking, &end].concat();
    for (first, second) in [(&clean, &revoking), (&revoking, &clean), (&clean, &clean)] {
        let mut memory = machine(handover(&kernel(), &[]), "quiet");
        add_shim(&mut memory, first.clone());
        add_table(&mut memory, MOK_TABLE_GUID, RESERVED, second.clone());
        let refused = refusal(&memory, &[]);
        let expected = (Component::FirmwareTables, "bad-firmware-table");
        assert_eq!((refused.component, refused.reason.code()), expected);
    }
}
