//! The gate of arm64 from the device tree to the plan, on a machine made of bytes.
#![allow(clippy::cast_possible_truncation)]

use baton_formats::device_tree::{DeviceTree, Node};
use baton_formats::efi::MOK_TABLE_GUID;
use baton_formats::verdict::Verdict;
use baton_gate::arch::aarch64::convert::VERDICT;
use baton_gate::arch::aarch64::{BootPlan, Cpu};
use baton_gate::plan::Range;
use baton_samples::arm64::*;
use baton_samples::build::{Build, authenticode, authority, signed_kernel as x86_kernel};
use baton_samples::machine::{Memory, handover};
use baton_verify::Component;

fn told() -> Told {
    Told::new(
        handover(&signed_kernel(), &[b"an initrd"]),
        "console=ttyAMA0",
    )
}

fn good() -> Memory {
    told().machine()
}

/// The device tree of the plan.
fn tree_of(plan: &BootPlan<'_>) -> Vec<u8> {
    let writes = plan.writes.iter();
    let mut found = writes.filter(|it| it.to == plan.entry.device_tree);
    found.next().expect("it is written").bytes.to_vec()
}

fn chosen<'t>(tree: &DeviceTree<'t>) -> Node<'t> {
    let chosen = tree.root().child("chosen");
    chosen.expect("there once").expect("there")
}

fn reason(memory: &Memory) -> (Component, &'static str) {
    let refusal = refusal(memory, &authority());
    (refusal.component, refusal.reason.code())
}

#[test]
fn a_signed_kernel_is_put_at_a_multiple_of_2_mib_and_entered_at_its_start() {
    plan_of(&good(), &authority(), |plan| {
        let kernel = &plan.writes[0];
        assert_eq!(kernel.to % (2 << 20), 0);
        assert_eq!(plan.entry.address, kernel.to);
        assert_eq!(kernel.size, 0x1_0000, "with its .bss");
        let (is, was) = (&kernel.bytes[..], small_kernel());
        assert_eq!(is.len(), was.len(), "without the signature");
        assert!(is[0x200..] == was[0x200..], "its code is what it was");
        assert!(kernel.to >= RAM && kernel.to + kernel.size <= RAM_END);
    });
}

#[test]
fn a_kernel_with_an_offset_is_put_that_far_behind_it() {
    let mut kernel = small_kernel();
    kernel[8..16].copy_from_slice(&0x8_0000_u64.to_le_bytes());
    let signed = baton_samples::forge::Forge::of(kernel, &baton_samples::build::signer()).build();
    let memory = Told::new(handover(&signed, &[]), "").machine();
    plan_of(&memory, &authority(), |plan| {
        assert_eq!(plan.entry.address % (2 << 20), 0x8_0000);
    });
}

#[test]
fn the_next_kernel_is_told_of_its_initrd_its_command_line_and_what_was_verified() {
    plan_of(&good(), &authority(), |plan| {
        let bytes = tree_of(plan);
        let tree = DeviceTree::parse(&bytes).expect("well-formed");
        let chosen = chosen(&tree);
        let line = chosen.property("bootargs").unwrap();
        assert_eq!(line, Some(&b"console=ttyAMA0\0"[..]));
        let start = chosen.u64("linux,initrd-start").unwrap().expect("there");
        let end = chosen.u64("linux,initrd-end").unwrap().expect("there");
        assert_eq!(end - start, 9);
        let window = plan.entry.address & !((1 << 30) - 1);
        assert!(start >= window && end <= window + (32 << 30));
        let reserved: Vec<_> = tree.reservations().collect();
        assert_eq!(
            reserved[0],
            (start, 9),
            "the initrd in the handover's place"
        );
        let own = (plan.entry.device_tree, bytes.len() as u64);
        assert_eq!(reserved[1..], [own], "by which the record counts");
        let record = chosen.property(VERDICT).unwrap().expect("there");
        let record = Verdict::parse(record).expect("well-formed");
        assert_eq!(record.components().count(), 3);
        assert_eq!(plan.entry.device_tree % 8, 0);
    });
}

#[test]
fn all_else_in_the_device_tree_stays_as_it_was() {
    let mut told = told();
    told.chosen.push(("rng-seed", vec![1, 2, 3]));
    told.reservations.push((0x4800_0000, 0x1000));
    plan_of(&told.machine(), &authority(), |plan| {
        let bytes = tree_of(plan);
        let tree = DeviceTree::parse(&bytes).expect("well-formed");
        assert_eq!(
            chosen(&tree).property("kaslr-seed"),
            Ok(Some(&[0x5e; 8][..]))
        );
        assert_eq!(chosen(&tree).property("rng-seed"), Ok(Some(&[1, 2, 3][..])));
        assert!(tree.reservations().any(|it| it == (0x4800_0000, 0x1000)));
        let names: Vec<_> = tree.root().children().map(|it| it.name()).collect();
        assert_eq!(names, [&b"memory@40000000"[..], b"chosen"]);
    });
}

#[test]
fn without_an_initrd_none_is_named() {
    let memory = Told::new(handover(&signed_kernel(), &[]), "").machine();
    plan_of(&memory, &authority(), |plan| {
        let bytes = tree_of(plan);
        let tree = DeviceTree::parse(&bytes).expect("well-formed");
        assert_eq!(chosen(&tree).property("linux,initrd-start"), Ok(None));
        assert_eq!(tree.reservations().count(), 1, "the tree's own");
    });
}

#[test]
fn nothing_is_put_where_the_tree_says_that_something_is() {
    let mut told = told();
    // All RAM but 32 MiB at the end, in which the gate and the tree are.
    told.reservations.push((RAM, 0x1c00_0000));
    plan_of(&told.machine(), &authority(), |plan| {
        for write in &plan.writes {
            let range = Range::new(write.to, write.size).expect("not empty");
            assert!(write.to >= RAM + 0x1c00_0000);
            assert!(!range.overlaps(gate_extent()));
        }
    });
    told.reservations.push((RAM + 0x1c00_0000, 0x400_0000));
    assert_eq!(reason(&told.machine()), (Component::Memory, "no-room"));
}

#[test]
fn a_kernel_of_another_architecture_is_refused_by_its_name() {
    let memory = Told::new(handover(&x86_kernel(), &[]), "").machine();
    assert_eq!(reason(&memory), (Component::Kernel, "other-architecture"));
}

#[test]
fn a_kernel_for_pages_that_the_processor_has_not_is_refused() {
    let cpu = Cpu {
        kib_4: false,
        ..Cpu::default()
    };
    let refused = with_gate_on(&good(), &authority(), cpu, |result| {
        result.map(|_| ()).err()
    });
    let refused = refused.expect("it is refused");
    assert_eq!(refused.reason.code(), "no-such-page-size");
}

#[test]
fn where_the_old_kernel_does_not_say_that_secure_boot_is_on_nothing_is_booted() {
    for value in [None, Some(2_u32), Some(0)] {
        let mut told = told();
        told.chosen = value
            .map(|value| ("linux,uefi-secure-boot", value.to_be_bytes().to_vec()))
            .into_iter()
            .collect();
        let found = reason(&told.machine());
        assert_eq!(
            found,
            (Component::BootParams, "secure-boot-not-on"),
            "{value:?}"
        );
    }
}

#[test]
fn a_device_tree_cut_off_anywhere_is_refused() {
    let memory = good();
    let tree = told().tree().build();
    for length in 0..tree.len() {
        let mut memory_with = Memory::default();
        memory_with.put(TREE, tree[..length].to_vec());
        memory_with.put(HANDOVER, told().handover);
        let refused = with_gate(&memory_with, &authority(), |result| result.is_err());
        assert!(refused, "cut to {length}");
    }
    drop(memory);
}

#[test]
fn what_the_tree_must_have_is_there_once() {
    for (name, value) in [
        ("bootargs", b"another\0".to_vec()),
        ("linux,initrd-start", HANDOVER.to_be_bytes().to_vec()),
        ("linux,uefi-secure-boot", 3_u32.to_be_bytes().to_vec()),
    ] {
        let mut told = told();
        told.chosen.push((name, value));
        assert_eq!(reason(&told.machine()).1, "bad-device-tree", "{name} twice");
    }
}

mod efi {
    use super::*;

    /// 5568e427-68fc-4f3d-ac74-ca555231cc68, which is always left out.
    const INITRD_TABLE: [u8; 16] = [
        0x27, 0xe4, 0x68, 0x55, 0xfc, 0x68, 0x3d, 0x4f, 0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc,
        0x68,
    ];

    fn with(tables: &[([u8; 16], u64)]) -> Memory {
        let mut memory = told().with_efi().machine();
        add_efi(&mut memory, tables);
        memory
    }

    #[test]
    fn memory_is_what_efis_map_says_and_the_tree_does_not_count() {
        plan_of(&with(&[]), &authority(), |plan| {
            assert!(plan.writes.iter().all(|it| it.to >= RAM && it.to < RAM_END));
        });
    }

    #[test]
    fn shims_table_is_found_behind_a_virtual_address() {
        let mut memory = with(&[(MOK_TABLE_GUID, 0x6130_0000)]);
        // It has nothing but its end.
        memory.put(0x6130_0000, vec![0; 0x200]);
        plan_of(&memory, &authority(), |_| {});
        memory.put(0x6130_0000, vec![0xff; 0x200]);
        let refused = reason(&memory);
        assert_eq!(refused, (Component::FirmwareTables, "bad-firmware-table"));
    }

    #[test]
    fn a_map_over_which_something_was_loaded_is_refused() {
        let mut told = told().with_efi();
        for (name, value) in &mut told.chosen {
            if *name == "linux,uefi-mmap-start" {
                *value = (HANDOVER + 0x1000).to_be_bytes().to_vec();
            }
        }
        told.handover.resize(0x1000, 0);
        told.handover.extend(region(7, RAM, 0, RAM_END - RAM, 8));
        told.handover
            .extend(region(6, 0x6100_0000, VIRTUAL, 0x40_0000, 8 | 1 << 63));
        let mut memory = told.machine();
        add_efi(&mut memory, &[]);
        let refused = reason(&memory);
        assert_eq!(refused, (Component::FirmwareTables, "bad-firmware-table"));
    }

    #[test]
    fn tables_lie_where_no_log_of_ima_and_no_dump_was_loaded() {
        for name in ["linux,ima-kexec-buffer", "linux,elfcorehdr"] {
            let mut told = told().with_efi();
            let range = [0x5800_0000_u64, 0x1000].map(u64::to_be_bytes).concat();
            told.chosen.push((name, range));
            let mut memory = told.machine();
            add_efi(&mut memory, &[(MOK_TABLE_GUID, 0x5800_0000)]);
            memory.put(0x5800_0000, vec![0; 0x200]);
            let refused = reason(&memory);
            assert_eq!(
                refused,
                (Component::FirmwareTables, "bad-firmware-table"),
                "{name}"
            );
        }
    }

    #[test]
    fn nothing_is_put_into_persistent_memory_or_what_is_set_aside() {
        for (kind, attributes) in [(14, 8), (7, 8 | 1 << 18)] {
            let mut memory = with(&[]);
            let map = [
                region(kind, RAM, 0, 0x1000_0000, attributes),
                region(7, RAM + 0x1000_0000, 0, 0x1000_0000, 8),
            ];
            memory.put(EFI_MAP, map.concat());
            plan_of(&memory, &authority(), |plan| {
                let mut writes = plan.writes.iter();
                assert!(writes.all(|it| it.to >= RAM + 0x1000_0000), "type {kind}");
            });
        }
    }

    #[test]
    fn the_next_kernel_finds_the_tables_where_they_are_and_translates_nothing() {
        let mut memory = with(&[(INITRD_TABLE, 0x4100_0000)]);
        let told_at = SYSTEM_TABLE + 0x70;
        let place = |memory: &Memory| {
            plan_of(memory, &authority(), |plan| {
                let mut writes = plan.writes.iter();
                let told = writes.find(|it| it.to == told_at).expect("it is told");
                u64::from_le_bytes(told.bytes[..].try_into().expect("an address"))
            })
        };
        let usually = place(&memory);
        assert!(usually < RAM + 0x40_0000);
        // The firmware has virtual addresses where there is RAM.
        let map = [
            region(7, RAM, 0, RAM_END - RAM, 8),
            region(6, 0x6100_0000, RAM, 0x40_0000, 8 | 1 << 63),
        ];
        memory.put(EFI_MAP, map.concat());
        let mut system = vec![0; 0x78];
        system[..8].copy_from_slice(b"IBI SYST");
        system[0x68] = 1;
        let there = CONFIG_TABLES - SYSTEM_TABLE + RAM;
        system[0x70..].copy_from_slice(&there.to_le_bytes());
        memory.put(SYSTEM_TABLE, system);
        let found = place(&memory);
        assert!(found >= RAM + 0x40_0000, "{found:#x}");
    }

    #[test]
    fn a_map_that_cannot_be_read_is_refused() {
        let mut told = told().with_efi();
        for (name, value) in &mut told.chosen {
            if *name == "linux,uefi-mmap-desc-size" {
                *value = 24_u32.to_be_bytes().to_vec();
            }
        }
        let mut memory = told.machine();
        add_efi(&mut memory, &[]);
        assert_eq!(reason(&memory).0, Component::BootParams);
    }
}

mod crash {
    use super::*;

    fn told_of(usable: (u64, u64)) -> Told {
        let kernel = signed_kernel();
        let handover = Build::kernel(&kernel, authenticode(&kernel)).crash().blob();
        let mut told = Told::new(handover, "console=ttyAMA0");
        let range =
            |(address, size): (u64, u64)| [address.to_be_bytes(), size.to_be_bytes()].concat();
        told.chosen
            .push(("linux,elfcorehdr", range((0x5c00_0000, 0x1000))));
        told.chosen
            .push(("linux,usable-memory-range", range(usable)));
        told.reservations.push((0x5c00_0000, 0x1000));
        told
    }

    #[test]
    fn in_a_crash_nothing_is_put_outside_of_what_was_reserved() {
        let memory = told_of((0x5000_0000, 0x1000_0000)).machine();
        plan_of(&memory, &authority(), |plan| {
            assert!(plan.writes.iter().all(|it| it.to >= 0x5000_0000));
            let bytes = tree_of(plan);
            let tree = DeviceTree::parse(&bytes).expect("well-formed");
            assert!(
                chosen(&tree)
                    .property("linux,elfcorehdr")
                    .unwrap()
                    .is_some()
            );
        });
    }

    #[test]
    fn what_was_loaded_outside_of_it_is_no_crash() {
        let memory = told_of((0x5200_0000, 0xe00_0000)).machine();
        assert_eq!(reason(&memory), (Component::Handover, "only-for-crash"));
    }

    #[test]
    fn a_handover_for_a_crash_is_taken_in_no_other_and_the_line_does_not_tell() {
        let mut told = told_of((0x5000_0000, 0x1000_0000));
        told.chosen.retain(|(name, _)| *name != "linux,elfcorehdr");
        assert_eq!(reason(&told.machine()).1, "only-for-crash");
        told.cmdline = b"elfcorehdr=0x5c000000 quiet".to_vec();
        assert_eq!(reason(&told.machine()).1, "only-for-crash");
        let mut told = super::told();
        told.cmdline = b"elfcorehdr=0x5c000000 quiet".to_vec();
        assert_eq!(reason(&told.machine()).1, "parameter-denied");
    }
}
