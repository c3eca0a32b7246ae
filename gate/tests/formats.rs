//! Every format from a handover to a plan: where it goes, what it is given, how it is entered.
#![allow(clippy::cast_possible_truncation)]

use baton_formats::boot_params::{BootParams, offset};
use baton_formats::setup_data::{HEADER_LEN, SETUP_DTB, SetupDataHeader};
use baton_formats::verdict::{ComponentKind, SETUP_BATON_VERDICT, SignatureKind, Verdict};
use baton_gate::arch::x86_64::BootPlan;
use baton_gate::arch::x86_64::convert::Entry;
use baton_samples::build::{Build, authenticode, line, manifest, sha256};
use baton_samples::forge::{Cert, Forge, SHA256, indirect_data};
use baton_samples::machine::*;
use baton_samples::other_formats::*;
use baton_samples::small_image::small_image;
use baton_verify::Component;

const LINE: &str = "console=ttyS0 root=/dev/vda1";
const MIB: u64 = 1 << 20;

fn keys() -> Vec<u8> {
    Cert::ca(1, 1).der()
}

/// Any kernel, and these initrds, in a manifest.
fn handed(kernel: &[u8], initrds: &[&[u8]]) -> Memory {
    let mut build = Build::kernel(kernel, sha256(kernel));
    let mut lines = vec![line("kernel", kernel)];
    for initrd in initrds {
        build = build.initrd(initrd);
        lines.push(line("initrd", initrd));
    }
    machine(build.signed_manifest(&manifest(&lines)).blob(), LINE)
}

fn uki() -> Memory {
    let kernel = small_image();
    let mut forge = Forge::new(&baton_samples::build::signer());
    forge.image = pe_image(&[
        (".linux", &kernel),
        (".initrd", b"its initrd"),
        (".ucode", b"microcode"),
        (".dtb", b"its device tree"),
    ]);
    forge.content = indirect_data(SHA256, &authenticode(&forge.image));
    let image = forge.build();
    let build = Build::kernel(&image, authenticode(&image)).initrd(b"one more");
    machine(build.blob(), LINE)
}

/// The bytes that a plan writes from this address on, with zeros where it says so.
fn memory_after(plan: &BootPlan<'_>, start: u64, size: u64) -> Vec<u8> {
    let mut bytes = vec![0xee; size as usize];
    for write in plan.writes.iter().filter(|write| write.to >= start) {
        let at = (write.to - start) as usize;
        if let Some(target) = bytes.get_mut(at..at + write.size as usize) {
            target.fill(0);
            target[..write.bytes.len()].copy_from_slice(&write.bytes);
        }
    }
    bytes
}

/// The nodes that the plan adds to setup_data: kind and data, in the order of the list.
fn nodes(plan: &BootPlan<'_>) -> Vec<(u32, Vec<u8>)> {
    let mut next = BootParams(&boot_params(plan)).setup_data();
    let mut found = Vec::new();
    while let Some(write) = plan
        .writes
        .iter()
        .find(|write| write.to == next && next != 0)
    {
        let header = SetupDataHeader::parse(write.bytes[..HEADER_LEN].try_into().expect("16"));
        assert_eq!(header.len as usize, write.bytes.len() - HEADER_LEN);
        found.push((header.kind, write.bytes[HEADER_LEN..].to_vec()));
        next = header.next;
    }
    found
}

/// Nothing that is written overlaps anything else that is, and all of it is RAM.
fn check_targets(plan: &BootPlan<'_>) {
    let mut ranges: Vec<_> = plan
        .writes
        .iter()
        .map(|write| (write.to, write.to + write.size))
        .collect();
    ranges.sort_unstable();
    assert!(
        ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0),
        "{ranges:x?}"
    );
    assert!(
        ranges
            .iter()
            .all(|(start, end)| *start >= MIB && *end <= RAM_END)
    );
    let kept = [
        (HANDOVER, 1),
        (CMDLINE, 1),
        (GATE, gate_extent().end - GATE),
    ];
    for (start, size) in kept {
        let overlaps = |range: &&(u64, u64)| range.0 < start + size && start < range.1;
        assert_eq!(ranges.iter().find(overlaps), None);
    }
}

#[test]
fn the_initrds_of_a_uki_are_joined_with_those_of_the_handover() {
    plan_of(&uki(), &keys(), |plan| {
        check_targets(plan);
        let (start, size) = BootParams(&boot_params(plan)).ramdisk();
        assert_eq!(start % 4096, 0);
        // Microcode first; each begins at a multiple of 4.
        assert_eq!(
            memory_after(plan, start, size),
            b"microcode\0\0\0its initrd\0\0one more"
        );
    });
}

#[test]
fn a_ukis_device_tree_and_the_verdict_are_added_to_setup_data() {
    plan_of(&uki(), &keys(), |plan| {
        let [(verdict, _), (tree, bytes)] = &nodes(plan)[..] else {
            panic!("two are added");
        };
        assert_eq!((*verdict, *tree), (SETUP_BATON_VERDICT, SETUP_DTB));
        assert_eq!(bytes, b"its device tree");
    });
}

#[test]
fn what_the_old_kernel_passed_on_in_setup_data_follows() {
    let mut memory = uki();
    memory.put(SETUP_DATA, node(0, 9, &[1, 2, 3, 4]));
    set_setup_data(&mut memory, SETUP_DATA);
    plan_of(&memory, &keys(), |plan| {
        let last = plan
            .writes
            .iter()
            .find(|write| write.bytes.ends_with(b"its device tree"))
            .expect("the device tree");
        assert_eq!(last.bytes[..8], SETUP_DATA.to_le_bytes());
    });
}

#[test]
fn the_verdict_says_part_by_part_who_vouched_for_it() {
    plan_of(&uki(), &keys(), |plan| {
        let (_, bytes) = &nodes(plan)[0];
        let verdict = Verdict::parse(bytes).expect("as documented");
        assert_eq!(verdict.gate().identity, IDENTITY);
        assert_eq!(verdict.gate().version, env!("CARGO_PKG_VERSION"));
        assert!(!verdict.gate().crash);
        let said: Vec<_> = verdict
            .components()
            .map(|part| (part.kind, part.signature_kind, part.subject.to_owned()))
            .collect();
        let signed = |kind| (kind, SignatureKind::Authenticode, "key 2".to_owned());
        let unsigned = |kind| (kind, SignatureKind::Unsigned, String::new());
        assert_eq!(
            said,
            [
                signed(ComponentKind::Kernel),
                signed(ComponentKind::Microcode),
                signed(ComponentKind::Initrd),
                signed(ComponentKind::DeviceTree),
                unsigned(ComponentKind::Initrd),
                unsigned(ComponentKind::CommandLine),
            ]
        );
        let line = verdict.components().last().expect("the command line");
        assert_eq!(line.digest, sha256(LINE.as_bytes()));
    });
}

#[test]
fn a_vmlinux_is_moved_by_whole_multiples_of_2_mib() {
    let file = vmlinux();
    // It states 1 MiB; its code lies at 0x100 of the file.
    let (code, entry) = (&file[0x100..0x180], 0x10_0000);
    plan_of(&handed(&file, &[b"initrd"]), &keys(), |plan| {
        check_targets(plan);
        let Entry::Long { address, .. } = plan.entry else {
            panic!("Linux is entered in 64-bit mode");
        };
        assert_eq!((address - entry) % (2 * MIB), 0);
        assert_eq!(written_at(plan, address), code);
        assert_eq!(BootParams(&boot_params(plan)).ramdisk().1, 6);
    });
}

#[test]
fn memory_that_a_vmlinux_has_and_its_file_has_not_is_zero() {
    let mut file = vmlinux();
    file[0x40 + 40..0x40 + 48].copy_from_slice(&0x5000_u64.to_le_bytes()); // p_memsz
    plan_of(&handed(&file, &[]), &keys(), |plan| {
        let code = plan.writes.iter().find(|write| write.size == 0x5000);
        assert_eq!(code.expect("the segment").bytes.len(), 0x80);
    });
}

#[test]
fn a_kernel_that_can_not_be_started_by_kexec_under_efi_is_told_nothing_of_it() {
    for (flags, told) in [(3, false), (3 | 1 << 4, true)] {
        let mut kernel = small_image();
        kernel[0x236] = flags; // xloadflags
        let mut memory = handed(&kernel, &[]);
        let mut table = mok_entry("MokListRT", &[]);
        table.extend([0; 264]);
        add_shim(&mut memory, table);
        plan_of(&memory, &keys(), |plan| {
            let info = BootParams(&boot_params(plan)).efi_info();
            assert_eq!(info.systab != 0, told);
            assert_eq!(info.signature == *b"EL64", told);
        });
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

fn protected<'p>(plan: &'p BootPlan<'_>) -> (u32, u32, &'p [u8]) {
    let Entry::Protected {
        address,
        eax,
        ebx,
        trampoline,
    } = plan.entry
    else {
        panic!("it is entered in 32-bit mode");
    };
    assert_eq!(trampoline % 4096, 0);
    assert!(
        plan.writes
            .iter()
            .all(|write| write.to != trampoline.into())
    );
    (address, eax, written_at(plan, ebx.into()))
}

#[test]
fn a_pvh_kernel_is_given_its_start_info() {
    plan_of(&handed(&pvh(), &[b"first", b"second"]), &keys(), |plan| {
        check_targets(plan);
        let (address, _, info) = protected(plan);
        assert_eq!((address, info.len()), (0x10_0010, 56));
        assert_eq!(written_at(plan, 0x10_0000).len(), 0x80, "where it must be");
        let heads = [0, 4, 8, 12].map(|at| u32_at(info, at));
        assert_eq!(heads, [0x336e_c578, 1, 0, 2]);
        let modules = written_at(plan, u64_at(info, 16));
        for (module, bytes) in modules.chunks(32).zip([&b"first"[..], b"second"]) {
            assert_eq!(written_at(plan, u64_at(module, 0)), bytes);
            assert_eq!(u64_at(module, 8), bytes.len() as u64);
        }
        let line = written_at(plan, u64_at(info, 24));
        assert_eq!(line, format!("{LINE}\0").as_bytes());
        let map = written_at(plan, u64_at(info, 40));
        assert_eq!((map.len(), u32_at(info, 48)), (4 * 24, 4));
        let third = &map[48..72];
        assert_eq!((u64_at(third, 0), u32_at(third, 16)), (MIB, 1));
    });
}

/// The tags of multiboot2's boot information.
fn tags(information: &[u8]) -> Vec<(u32, &[u8])> {
    assert_eq!(u32_at(information, 0) as usize, information.len());
    let (mut found, mut at) = (Vec::new(), 8);
    while at < information.len() {
        let size = u32_at(information, at + 4) as usize;
        found.push((u32_at(information, at), &information[at + 8..at + size]));
        at += size.next_multiple_of(8);
    }
    found
}

#[test]
fn a_multiboot2_kernel_is_given_its_boot_information() {
    let file = flat_multiboot2();
    plan_of(&handed(&file, &[b"module"]), &keys(), |plan| {
        check_targets(plan);
        let (address, eax, information) = protected(plan);
        assert_eq!((address, eax), (0x10_0080, 0x36d7_6289));
        assert_eq!(written_at(plan, 0x10_0000), file);
        let tags = tags(information);
        let kinds: Vec<u32> = tags.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [1, 2, 3, 4, 6, 21, 0]);
        assert_eq!(tags[0].1, format!("kernel {LINE}\0").as_bytes());
        let (start, end) = (u32_at(tags[2].1, 0), u32_at(tags[2].1, 4));
        assert_eq!(written_at(plan, start.into()), b"module");
        assert_eq!(end - start, 6);
        let upper = u32_at(tags[3].1, 4);
        assert_eq!(u64::from(upper) * 1024, RAM_END - MIB);
        assert_eq!(tags[4].1.len(), 8 + 4 * 24);
        assert_eq!(u32_at(tags[5].1, 0), 0x10_0000);
    });
}

#[test]
fn a_multiboot2_kernel_finds_the_size_of_low_memory_where_a_bios_would_leave_it() {
    let at_413 = |memory: &Memory| {
        plan_of(memory, &keys(), |plan| {
            let write = plan.writes.iter().find(|write| write.to == 0x413);
            write.map(|write| write.bytes.to_vec())
        })
    };
    let mut memory = handed(&flat_multiboot2(), &[]);
    assert_eq!(at_413(&memory), None, "this machine has a BIOS");
    let mut table = mok_entry("MokListRT", &[]);
    table.extend([0; 264]);
    add_shim(&mut memory, table);
    assert_eq!(at_413(&memory), Some(636u16.to_le_bytes().to_vec()));
    // After a crash Linux leaves the first page out of the map, where this lies.
    let low = |kind| [(0x1000, 0x8_f000, kind), (MIB, RAM_END - MIB, 1)];
    set_map(memory.bytes(BOOT_PARAMS), &low(1));
    assert_eq!(at_413(&memory), Some(576u16.to_le_bytes().to_vec()));
    set_map(memory.bytes(BOOT_PARAMS), &low(2));
    assert_eq!(at_413(&memory), None, "there is no low memory");
}

/// EFI, and ACPI's root pointer in firmware's memory.
fn with_root_pointer(file: &[u8]) -> Memory {
    let mut memory = handed(file, &[]);
    let mut table = mok_entry("MokListRT", &[]);
    table.extend([0; 264]);
    add_shim(&mut memory, table);
    let mut rsdp = b"RSD PTR ".to_vec();
    rsdp.resize(36, 0xac);
    rsdp[15] = 2;
    memory.put(0x7f01_0000, rsdp);
    let at = offset::ACPI_RSDP_ADDR;
    memory.bytes(BOOT_PARAMS)[at..at + 8].copy_from_slice(&0x7f01_0000_u64.to_le_bytes());
    memory
}

#[test]
fn a_multiboot2_kernel_finds_acpis_root_pointer_where_a_bios_would_leave_it() {
    let memory = with_root_pointer(&flat_multiboot2());
    plan_of(&memory, &keys(), |plan| {
        // The highest whole page below the first hole, at 0x9f000.
        const AREA: u64 = 0x9_e000;
        assert_eq!(written_at(plan, 0x40e), ((AREA / 16) as u16).to_le_bytes());
        assert_eq!(written_at(plan, 0x413), 632_u16.to_le_bytes());
        let area = plan.writes.iter().find(|write| write.to == AREA);
        let area = area.expect("an extended BIOS data area");
        assert_eq!((area.size, area.bytes[0]), (4096, 4), "in KiB");
        assert_eq!(area.bytes[16..24], *b"RSD PTR ");
        assert_eq!(area.bytes.len(), 16 + 36);
        let (_, _, information) = protected(plan);
        let tags = tags(information);
        let tag = |kind| tags.iter().find(|(it, _)| *it == kind).expect("a tag").1;
        assert_eq!(u32_at(tag(4), 0), 632, "KiB of low memory");
        let map: Vec<(u64, u64, u32)> = tag(6)[8..]
            .chunks(24)
            .map(|it| (u64_at(it, 0), u64_at(it, 8), u32_at(it, 16)))
            .collect();
        let low = [
            (0, 0x1000, 2),
            (0x1000, AREA - 0x1000, 1),
            (AREA, 0x1000, 2),
        ];
        assert_eq!(map[..3], low, "nobody uses these pages");
    });
}

/// Firmware that starts processors keeps memory for that in the midst of the low one.
#[test]
fn a_hole_in_low_memory_doesnt_hide_what_is_above_it() {
    let mut memory = with_root_pointer(&flat_multiboot2());
    set_map(
        memory.bytes(BOOT_PARAMS),
        &[
            (0, 0x3_0000, 1),
            (0x3_0000, 0x2_0000, 2),
            (0x5_0000, 0x4_e000, 1),
            (0x9_e000, 0x2000, 2),
            (MIB, RAM_END - MIB, 1),
        ],
    );
    plan_of(&memory, &keys(), |plan| {
        assert_eq!(written_at(plan, 0x40e), 0x9d00_u16.to_le_bytes());
        assert_eq!(written_at(plan, 0x413), 628_u16.to_le_bytes());
        let (_, _, information) = protected(plan);
        let tags = tags(information);
        let lower = tags.iter().find(|(kind, _)| *kind == 4);
        assert_eq!(u32_at(lower.expect("a tag").1, 0), 192, "up to the hole");
    });
}

#[test]
fn what_must_survive_below_1_mib_is_not_overwritten_by_what_stands_in_for_a_bios() {
    let mut memory = with_root_pointer(&flat_multiboot2());
    // A region of firmware's, in the page that would be taken.
    memory.bytes(EFI_MAP)[8..16].copy_from_slice(&0x9_e000_u64.to_le_bytes());
    memory.bytes(EFI_MAP)[24..32].copy_from_slice(&1_u64.to_le_bytes());
    plan_of(&memory, &keys(), |plan| {
        assert_eq!(written_at(plan, 0x40e), 0x9d00_u16.to_le_bytes());
        assert!(plan.writes.iter().all(|write| write.to != 0x9_e000));
    });
    // Too little low memory for such an area: only its size is told.
    set_map(
        memory.bytes(BOOT_PARAMS),
        &[(0, 0x4_0000, 1), (MIB, RAM_END - MIB, 1)],
    );
    plan_of(&memory, &keys(), |plan| {
        assert!(plan.writes.iter().all(|write| write.to != 0x40e));
        assert_eq!(written_at(plan, 0x413), 256_u16.to_le_bytes());
    });
}

/// shim's table in the page that would be taken, in memory that the map calls usable.
#[test]
fn a_firmwares_table_below_1_mib_is_not_overwritten_by_what_stands_in_for_a_bios() {
    let mut memory = with_root_pointer(&flat_multiboot2());
    let table = memory.bytes(MOK_TABLE).clone();
    memory.put(0x9_e000, table);
    memory.bytes(CONFIG_TABLES)[40..48].copy_from_slice(&0x9_e000_u64.to_le_bytes());
    plan_of(&memory, &keys(), |plan| {
        assert_eq!(written_at(plan, 0x40e), 0x9d00_u16.to_le_bytes());
        assert!(plan.writes.iter().all(|write| write.to != 0x9_e000));
    });
}

#[test]
fn where_the_bios_data_area_is_not_free_no_kernel_is_started_that_needs_it() {
    let refused = |memory: &Memory| {
        let refused = refusal(memory, &keys());
        assert_eq!(refused.component, Component::Memory);
        assert_eq!(refused.reason.code(), "bad-memory-map", "{refused}");
    };
    // A region of firmware's.
    let mut memory = with_root_pointer(&flat_multiboot2());
    memory.bytes(EFI_MAP)[8..16].fill(0);
    memory.bytes(EFI_MAP)[24..32].copy_from_slice(&1_u64.to_le_bytes());
    refused(&memory);
    // Of the time before any kernel: Linux keeps the first page whatever is in it.
    for kind in [3, 4] {
        memory.bytes(EFI_MAP)[0] = kind;
        plan_of(&memory, &keys(), |plan| {
            assert_eq!(written_at(plan, 0x413), 632_u16.to_le_bytes());
        });
    }
    // What the map doesn't call RAM, as much of the words as it may be.
    for (start, size, kind) in [
        (0, 0x1000, 2),
        (0x40f, 1, 3),
        (0x414, 0x100, 2),
        (0x400, 0xf, 128),
    ] {
        let mut memory = with_root_pointer(&flat_multiboot2());
        let map = [
            (0x1000, 0x9_e000, 1),
            (start, size, kind),
            (MIB, RAM_END - MIB, 1),
        ];
        set_map(memory.bytes(BOOT_PARAMS), &map);
        refused(&memory);
    }
}

/// In a crash Linux passes on its own map, in which it has reserved the first page.
#[test]
fn in_a_crash_the_first_page_is_linuxs_own() {
    const DUMP: u64 = 0x2000_0000;
    let mut memory = with_root_pointer(&movable_multiboot2());
    memory.bytes(HANDOVER)[0x18] = 1;
    let mut line = format!("elfcorehdr={DUMP:#x} quiet").into_bytes();
    line.resize(4096, 0);
    memory.put(CMDLINE, line);
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(64, 0);
    header[16] = 4;
    memory.put(DUMP, header);
    for (size, free) in [(0x1000, true), (0x2000, false)] {
        let map = [
            (0x1000, 0x9_e000, 1),
            (0, size, 2),
            (0x7f00_0000, 0x10_0000, 2),
            (DUMP + 0x1000, RAM_END - DUMP - 0x1000, 1),
        ];
        set_map(memory.bytes(BOOT_PARAMS), &map);
        if !free {
            assert_eq!(refusal(&memory, &keys()).reason.code(), "bad-memory-map");
            continue;
        }
        plan_of(&memory, &keys(), |plan| {
            assert_eq!(written_at(plan, 0x40e), 0x9e00_u16.to_le_bytes());
        });
    }
}

#[test]
fn a_machine_with_a_bios_keeps_what_that_left() {
    let mut memory = with_root_pointer(&flat_multiboot2());
    memory.bytes(BOOT_PARAMS)[offset::EFI_INFO..offset::EFI_INFO + 32].fill(0);
    plan_of(&memory, &keys(), |plan| {
        assert!(plan.writes.iter().all(|write| write.to >= MIB));
    });
}

#[test]
fn a_multiboot2_kernel_is_told_where_acpis_tables_are() {
    for (revision, kind, len) in [(0, 14, 20), (2, 15, 36)] {
        let mut memory = handed(&flat_multiboot2(), &[]);
        let mut rsdp = b"RSD PTR ".to_vec();
        rsdp.resize(36, 0x77);
        rsdp[15] = revision;
        let address = 0x7f90_0000_u64;
        memory.put(address, rsdp.clone());
        let at = offset::ACPI_RSDP_ADDR;
        memory.bytes(BOOT_PARAMS)[at..at + 8].copy_from_slice(&address.to_le_bytes());
        plan_of(&memory, &keys(), |plan| {
            let (_, _, information) = protected(plan);
            let tags = tags(information);
            let found = tags.iter().find(|(found, _)| *found == kind);
            assert_eq!(found.expect("it is there").1, &rsdp[..len]);
        });
    }
}

#[test]
fn a_kernel_that_can_not_move_is_refused_where_its_place_is_taken() {
    for file in [flat_multiboot2(), pvh()] {
        let mut memory = handed(&file, &[]);
        set_map(
            memory.bytes(BOOT_PARAMS),
            &[(2 * MIB, RAM_END - 2 * MIB, 1)],
        );
        assert_eq!(refusal(&memory, &keys()).reason.code(), "address-taken");
    }
}

#[test]
fn a_multiboot2_kernel_that_can_move_does_where_it_must() {
    let file = movable_multiboot2();
    let mut memory = handed(&file, &[]);
    set_map(
        memory.bytes(BOOT_PARAMS),
        &[(32 * MIB, RAM_END - 32 * MIB, 1)],
    );
    plan_of(&memory, &keys(), |plan| {
        let (address, _, information) = protected(plan);
        let base = u64::from(address) - 0x80;
        assert_eq!(base, 32 * MIB);
        assert_eq!(written_at(plan, base), file);
        let tags = tags(information);
        let told = tags.iter().find(|(kind, _)| *kind == 21).expect("it is");
        assert_eq!(u64::from(u32_at(told.1, 0)), base);
    });
}

/// An old bzImage that takes nothing above 4 GiB, on a machine where kexec put everything there.
#[test]
fn a_kernel_that_reaches_4_gib_only_is_given_all_it_needs_below() {
    const HIGH: u64 = 1 << 32;
    let mut kernel = small_image();
    kernel[0x236] = 1; // xloadflags: a 64-bit entry, and no more
    let build = Build::kernel(&kernel, sha256(&kernel)).initrd(b"initrd");
    let mut memory = machine(build.signature(0, &kernel).blob(), LINE);
    for at in [0xc0, 0xc8] {
        memory.bytes(BOOT_PARAMS)[at] = 1; // ext_ramdisk_image, ext_cmd_line_ptr
    }
    for address in [CMDLINE, HANDOVER, BOOT_PARAMS] {
        let bytes = memory.bytes(address).clone();
        memory.put(address + HIGH, bytes);
    }
    with_gate_at(&memory, BOOT_PARAMS + HIGH, &keys(), |prepared| {
        let plan = &prepared.unwrap_or_else(|refusal| panic!("{refusal}")).plan;
        let Entry::Long { boot_params, .. } = plan.entry else {
            panic!("Linux is entered in 64-bit mode");
        };
        let bytes: [u8; 4096] = written_at(plan, boot_params).try_into().expect("a page");
        let page = BootParams(&bytes);
        let (start, size) = page.ramdisk();
        for (address, expected) in [
            (page.cmdline(), format!("{LINE}\0").into_bytes()),
            (start, b"initrd\0\0".to_vec()),
        ] {
            assert!(address < HIGH);
            assert_eq!(memory_after(plan, address, expected.len() as u64), expected);
        }
        assert!(boot_params < HIGH && size == 8);
    });
}
