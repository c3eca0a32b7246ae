//! The gate from boot_params to plan, on a machine made of bytes.
#![allow(clippy::cast_possible_truncation)]

use baton_formats::boot_params::{BootParams, offset};
use baton_gate::arch::x86_64::convert::Entry;
use baton_samples::build::{authority as root, signed_kernel as kernel};
use baton_samples::fixture;
use baton_samples::machine::*;
use baton_verify::Component;

const CMDLINE_TEXT: &str = "console=ttyS0 root=/dev/vda1";

fn good() -> Memory {
    machine(
        handover(&kernel(), &[b"first initrd", b"second"]),
        CMDLINE_TEXT,
    )
}

#[test]
fn a_kernel_signed_by_a_key_in_the_gate_is_planned_where_it_can_run() {
    plan_of(&good(), &root(), |plan| {
        let copy = &plan.writes[0];
        let entry = Entry::Long {
            address: copy.to + 0x200,
            boot_params: BOOT_PARAMS,
        };
        assert_eq!(plan.entry, entry);
        assert!(copy.to >= 0x100_0000 && copy.to < HANDOVER);
        let image = kernel();
        let protected = &plan.kernel.bytes()[(usize::from(image[0x1f1]) + 1) * 512..];
        assert_eq!(&copy.bytes[..], protected, "without the signature");
    });
}

#[test]
fn the_next_kernel_finds_its_command_line_and_both_initrds_in_place() {
    plan_of(&good(), &root(), |plan| {
        let page = boot_params(plan);
        let page = BootParams(&page);
        assert_eq!(page.cmdline(), CMDLINE);
        let (start, size) = page.ramdisk();
        let memory = good();
        let blob = handover(&kernel(), &[b"first initrd", b"second"]);
        let first = blob
            .windows(12)
            .position(|window| window == b"first initrd")
            .expect("it is there") as u64;
        assert_eq!(start, HANDOVER + first);
        assert_eq!(size, 4096 + 6, "the second begins on the next page");
        drop(memory);
    });
}

#[test]
fn all_else_in_boot_params_passes_through_untouched() {
    let mut memory = good();
    let before: Vec<u8> = memory.bytes(BOOT_PARAMS).clone();
    // Something recognisable everywhere but in the fields that have a meaning for the gate.
    let page = memory.bytes(BOOT_PARAMS);
    for (at, byte) in page.iter_mut().enumerate() {
        let read = [offset::E820_ENTRIES, offset::SECURE_BOOT].contains(&at)
            || (offset::EFI_INFO..offset::EFI_INFO + 0x20).contains(&at)
            || (0xc0..0xcc).contains(&at)
            || (0x1f1..0x290).contains(&at)
            || (offset::E820_TABLE..offset::E820_TABLE + 20 * 128).contains(&at);
        *byte = if read { before[at] } else { at as u8 ^ 0xa5 };
    }
    let after_marking = page.clone();
    plan_of(&memory, &root(), |plan| {
        let page = boot_params(plan);
        let changed = |at: &usize| page[*at] != after_marking[*at];
        // hardware_subarch and its data are the platform's, not the kernel's.
        assert_eq!(page[0x23c..0x248], after_marking[0x23c..0x248]);
        let outside: Vec<usize> = (0..4096)
            .filter(changed)
            .filter(|at| !(0x1f1..0x290).contains(at))
            .collect();
        assert_eq!(outside, [] as [usize; 0], "only the setup header changes");
    });
}

#[test]
fn a_key_on_the_mok_list_is_as_good_as_one_in_the_gate() {
    let mut memory = good();
    let mut table = mok_entry("MokListRT", &x509_list(&root()));
    table.extend(mok_entry("SbatLevelRT", b"sbat,1,2025051000\n"));
    table.extend([0; 264]);
    add_shim(&mut memory, table);
    plan_of(&memory, &[], |plan| {
        assert!(
            plan.kernel.signer().to_string().contains("MokListRT"),
            "{}",
            plan.kernel.signer()
        )
    });
}

#[test]
fn a_key_that_the_machine_revoked_is_refused_even_if_the_gate_has_it() {
    let mut memory = good();
    let mut table = mok_entry("MokListXRT", &x509_list(&root()));
    table.extend([0; 264]);
    add_shim(&mut memory, table);
    assert_eq!(
        refusal(&memory, &root()).reason.code(),
        "revoked-certificate"
    );
}

#[test]
fn without_any_key_nothing_is_booted() {
    assert_eq!(refusal(&good(), &[]).reason.code(), "unknown-signer");
    assert_eq!(
        refusal(&good(), &fixture("other.der")).reason.code(),
        "unknown-signer"
    );
}

#[test]
fn a_mok_table_that_is_damaged_anywhere_is_refused() {
    let mut table = mok_entry("MokListRT", &x509_list(&root()));
    table.extend([0; 264]);
    for length in 0..table.len() {
        let mut memory = good();
        add_shim(&mut memory, table[..length].to_vec());
        let refused = refusal(&memory, &root());
        assert_eq!(
            refused.component,
            Component::FirmwareTables,
            "cut to {length}: {refused}"
        );
    }
}

#[test]
fn firmware_tables_that_lie_about_their_size_are_refused() {
    type Damage = fn(&mut Memory);
    let cases: [(&str, Damage); 4] = [
        ("no signature", |memory| memory.bytes(SYSTEM_TABLE)[0] = 0),
        ("too many tables", |memory| {
            memory.bytes(SYSTEM_TABLE)[0x6f] = 0x80
        }),
        ("more tables than there are", |memory| {
            memory.bytes(SYSTEM_TABLE)[0x68] = 200
        }),
        ("an entry larger than memory", |memory| {
            memory.bytes(MOK_TABLE)[256..264].fill(0xff)
        }),
    ];
    for (name, damage) in cases {
        let mut memory = good();
        let mut table = mok_entry("MokListRT", &x509_list(&root()));
        table.extend([0; 264]);
        add_shim(&mut memory, table);
        damage(&mut memory);
        assert_eq!(
            refusal(&memory, &root()).component,
            Component::FirmwareTables,
            "{name}"
        );
    }
}

#[test]
fn a_handover_cut_anywhere_is_refused() {
    let blob = handover(&kernel(), &[b"initrd"]);
    for length in 1..blob.len() {
        let memory = machine(blob[..length].to_vec(), CMDLINE_TEXT);
        let refused = refusal(&memory, &root());
        assert_eq!(
            refused.component,
            Component::Handover,
            "cut to {length}: {refused}"
        );
    }
}

#[test]
fn without_a_handover_the_gate_says_how_it_is_loaded() {
    let mut memory = good();
    memory.bytes(BOOT_PARAMS)[offset::RAMDISK_SIZE..offset::RAMDISK_SIZE + 4].fill(0);
    let refused = refusal(&memory, &root());
    assert_eq!(refused.component, Component::BootParams);
    assert!(
        refused
            .to_string()
            .contains("load the gate with a handover as its initrd"),
        "{refused}"
    );
}

#[test]
fn a_command_line_that_never_ends_is_refused() {
    let mut memory = good();
    memory.bytes(CMDLINE).fill(b'a');
    assert_eq!(refusal(&memory, &root()).component, Component::BootParams);
}

#[test]
fn a_command_line_longer_than_the_next_kernel_takes_is_refused() {
    let memory = machine(handover(&kernel(), &[]), &"x".repeat(4000));
    assert_eq!(
        refusal(&memory, &root()).reason.code(),
        "command-line-too-long"
    );
}

#[test]
fn a_setup_data_list_that_goes_round_is_refused() {
    let mut memory = good();
    memory.put(SETUP_DATA, node(SETUP_DATA, 9, &[1, 2, 3, 4]));
    set_setup_data(&mut memory, SETUP_DATA);
    assert_eq!(refusal(&memory, &root()).reason.code(), "bad-boot-params");
}

#[test]
fn a_setup_data_node_outside_memory_is_refused() {
    let mut memory = good();
    set_setup_data(&mut memory, u64::MAX - 3);
    assert_eq!(refusal(&memory, &root()).reason.code(), "bad-boot-params");
}

/// For each thing that must be kept: RAM over it in which the kernel would just fit, and other RAM,
/// further up.
#[test]
fn nothing_the_next_kernel_needs_is_overwritten() {
    const FAR: u64 = 0x2_0000_0000;
    let kernel = kernel();
    let field = |at: usize| u32::from_le_bytes(kernel[at..at + 4].try_into().expect("4 bytes"));
    let (init_size, align) = (u64::from(field(0x260)), u64::from(field(0x230)));
    let shim = [mok_entry("MokListRT", &x509_list(&root())), vec![0; 264]].concat();
    let gate = gate_extent();
    for (name, start) in [
        ("boot_params", BOOT_PARAMS),
        ("command line", CMDLINE),
        ("setup_data", SETUP_DATA),
        ("handover", HANDOVER),
        ("gate", gate.start),
        ("MOK table", MOK_TABLE),
        ("EFI system table", SYSTEM_TABLE),
        ("EFI configuration tables", CONFIG_TABLES),
        ("EFI memory map", EFI_MAP),
        ("EFI region", EFI_REGION),
    ] {
        let mut memory = good();
        add_shim(&mut memory, shim.clone());
        assert!(start % align < init_size, "{name}: a kernel would miss it");
        let near = start & !(align - 1);
        set_map(
            memory.bytes(BOOT_PARAMS),
            &[(near, init_size, 1), (FAR, 64 << 20, 1)],
        );
        plan_of(&memory, &[], |plan| {
            assert_eq!(plan.writes[0].to, FAR, "the kernel goes over the {name}");
        });
    }
}

#[test]
fn a_machine_too_small_for_the_kernel_is_told_so() {
    let mut memory = good();
    set_map(memory.bytes(BOOT_PARAMS), &[(0x3000_0000, 0x1000, 1)]);
    let refused = refusal(&memory, &root());
    assert_eq!(
        (refused.component, refused.reason.code()),
        (Component::Memory, "no-room")
    );
}

#[test]
fn with_kexec_handover_the_kernel_goes_into_scratch() {
    let mut memory = good();
    add_scratch(&mut memory, 0x2000_0000, 0x800_0000);
    plan_of(&memory, &root(), |plan| {
        assert!(
            (0x2000_0000..0x2800_0000).contains(&plan.writes[0].to),
            "{:#x}",
            plan.writes[0].to
        );
    });
}

#[test]
fn every_bit_of_the_kernel_that_its_signature_covers_matters() {
    let image = kernel();
    let signed = baton_formats::pe::Pe::parse(&image)
        .expect("a PE image")
        .signed_len();
    // One bit in every 16 bytes; `verify` flips them all.
    for at in (0x290..signed).step_by(16) {
        let mut blob = handover(&image, &[]);
        blob[4096 + at] ^= 1;
        let memory = machine(blob, CMDLINE_TEXT);
        refusal(&memory, &root());
    }
}

/// What `look` sees of a machine of whose RAM the page tables reach so much.
fn within_reach(memory: &Memory, reach: u64) -> Result<u64, String> {
    let built = built_gate(&root(), &[]);
    with_reach(memory, BOOT_PARAMS, built, reach, |result| {
        result
            .map(|prepared| prepared.plan.writes[0].to)
            .map_err(|refusal| refusal.reason.code().to_owned())
    })
}

#[test]
fn ram_out_of_reach_is_not_chosen() {
    let mut memory = good();
    let map = [(0x10_0000, 0x8000, 1), (HANDOVER, 0x1000_0000, 1)];
    set_map(memory.bytes(BOOT_PARAMS), &map);
    let lowest = within_reach(&memory, u64::MAX).expect("it fits");
    assert!(lowest >= HANDOVER);
    let none = within_reach(&memory, HANDOVER);
    assert_eq!(none, Err("no-room".to_owned()));
}

/// Whoever writes the line has the RAM too that the page tables don't reach.
#[test]
fn a_crash_whose_dump_lies_in_ram_is_none_however_far_the_page_tables_reach() {
    const DUMP: u64 = 0x2000_0000;
    let mut blob = handover(&kernel(), &[b"initrd"]);
    blob[0x18] = 1;
    let mut memory = machine(blob, "elfcorehdr=0x20000000 quiet");
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(64, 0);
    header[16] = 4;
    memory.put(DUMP, header);
    for reach in [DUMP - 0x1000, DUMP, DUMP + 0x1000, u64::MAX] {
        let said = within_reach(&memory, reach);
        assert_eq!(said, Err("only-for-crash".to_owned()), "{reach:#x}");
    }
    let map = [(DUMP + 0x1000, RAM_END - DUMP - 0x1000, 1)];
    set_map(memory.bytes(BOOT_PARAMS), &map);
    assert!(within_reach(&memory, u64::MAX).is_ok());
}
