//! What the machine's own tables say.

use baton_attacks::Group;
use baton_formats::boot_params::offset;
use baton_formats::efi::MOK_TABLE_GUID;
use baton_formats::setup_data::{
    SETUP_E820_EXT, SETUP_EFI, SETUP_IMA, SETUP_INDIRECT, SETUP_KEXEC_KHO,
};
use baton_gate::arch::x86_64::BootPlan;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use baton_samples::forge::Cert;
use baton_samples::machine::*;
use baton_samples::{X509, signature_list};

const MAP: Component = Component::Memory;
const PASSED: Component = Component::BootParams;
const TABLES: Component = Component::FirmwareTables;
const MIB: u64 = 1 << 20;

/// All of the machine's RAM in one entry, and more of these.
fn ram_and(memory: &mut Memory, more: &[(u64, u64, u32)]) {
    let all = [&[(MIB, RAM_END - MIB, 1)], more].concat();
    set_map(memory.bytes(BOOT_PARAMS), &all);
}

/// Nothing is written over the gate, the handover, the command line or what the firmware keeps.
fn keeps_clear(plan: &BootPlan<'_>) {
    let gate = gate_extent();
    let kept = [
        (gate.start, gate.end - gate.start),
        (HANDOVER, 0x3000),
        (CMDLINE, 4096),
        (MOK_TABLE, 4096),
        (SYSTEM_TABLE, 0x78),
        (EFI_REGION, 0x3000),
    ];
    assert!(!plan.writes.is_empty());
    for write in &plan.writes {
        let over =
            |(start, size): &&(u64, u64)| write.to < start + size && *start < write.to + write.size;
        assert_eq!(kept.iter().find(over), None, "{:#x}", write.to);
    }
}

/// A node of setup_data, the only one.
fn only_node(memory: &mut Memory, kind: u32, data: &[u8]) {
    memory.put(SETUP_DATA, node(0, kind, data));
    set_setup_data(memory, SETUP_DATA);
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Machine);
    memory_map(&mut all);
    setup_data(&mut all);
    boot_params(&mut all);
    efi(&mut all);
    shim(&mut all);
    all.made
}

/// Attacks on the machine's memory: the name; the machine, the change; the part that is refused, and the code.
macro_rules! memory {
    ($all:ident; $($name:literal: $honest:ident, $change:expr => $component:expr, $code:literal;)*) => {
        $($all.by_gate($name, $honest, |it| it.on_memory.push($change), $component, $code);)*
    };
}

/// The same that change nothing: the words say why not.
macro_rules! survived {
    ($all:ident; $($name:literal: $honest:ident, $change:expr => $words:literal;)*) => {
        $($all.survived($name, $honest, |it| it.on_memory.push($change), $words, keeps_clear);)*
    };
}

fn memory_map(all: &mut Cases) {
    survived! { all;
        "a memory map that calls the gate's own memory free, and nothing below it":
            bzimage, |memory| {
                let gate = gate_extent().start;
                set_map(
                    memory.bytes(BOOT_PARAMS),
                    &[(gate, 0x80_0000, 1), (0x3c00_0000, 0x60_0000, 1)],
                );
            } => "the gate takes its own extent out of what is free";
        "a memory map in which the only large range is where the handover lies":
            bzimage, |memory| set_map(memory.bytes(BOOT_PARAMS), &[(HANDOVER, 0x100_0000, 1)])
                => "the handover is taken out of it, and what is left is used";
        "a memory map that calls the firmware's tables free":
            with_shim, |memory| set_map(memory.bytes(BOOT_PARAMS), &[(EFI_REGION, 0x200_0000, 1)])
                => "all that leads to shim's table, and the table, are taken out of it";
        "the same memory called free and reserved":
            bzimage, |memory| ram_and(memory, &[(MIB, HANDOVER - MIB, 2)]) => "what any entry reserves isn't used";
        "a free range that wraps around 2^64":
            bzimage, |memory| ram_and(memory, &[(u64::MAX - 0xfff, 0x10_0000, 1)]) => "an entry that wraps is no RAM";
    }
    memory! { all;
        "a reserved range that wraps around 2^64, and covers all":
            bzimage, |memory| ram_and(memory, &[(0, u64::MAX, 2)]) => MAP, "bad-memory-map";
        "the handover put over ACPI's tables by a kernel that takes them for RAM (`memmap=`)":
            bzimage, |memory| ram_and(memory, &[(HANDOVER, 0x1000, 3)]) => MAP, "bad-memory-map";
        "the gate put over what firmware keeps by a kernel that takes it for RAM":
            bzimage, |memory| ram_and(memory, &[(gate_extent().end - 0x1000, 0x1000, 4)]) => MAP, "bad-memory-map";
        "measurements put over memory that is reserved":
            bzimage, |memory| {
                ram_and(memory, &[(0x3900_0000, 0x1000, 2)]);
                let list = [0x3900_0ff8_u64.to_le_bytes(), 8_u64.to_le_bytes()];
                only_node(memory, SETUP_IMA, &list.concat());
            } => MAP, "bad-memory-map";
        "a memory map without RAM":
            bzimage, |memory| set_map(memory.bytes(BOOT_PARAMS), &[(0, 0x9_f000, 2)]) => MAP, "bad-memory-map";
        "a memory map of more entries than boot_params has room for":
            bzimage, |memory| memory.bytes(BOOT_PARAMS)[offset::E820_ENTRIES] = 129 => PASSED, "bad-memory-map";
        "an extension of the memory map that ends within an entry":
            bzimage, |memory| only_node(memory, SETUP_E820_EXT, &[0; 19]) => PASSED, "bad-memory-map";
    }
    survived! { all;
        "an extension of the memory map that calls the gate's memory free":
            bzimage, |memory| {
                set_map(memory.bytes(BOOT_PARAMS), &[(0x2000_0000, 0x1000, 1)]);
                let gate = gate_extent();
                let mut entry = (gate.start - 0x80_0000).to_le_bytes().to_vec();
                entry.extend(0x100_0000_u64.to_le_bytes());
                entry.extend(1_u32.to_le_bytes());
                only_node(memory, SETUP_E820_EXT, &entry);
            } => "it is free as little as in the map itself";
    }
    memory! { all;
        "less memory than the kernel needs":
            bzimage, |memory| set_map(memory.bytes(BOOT_PARAMS), &[(0x2000_0000, 0x8000, 1)]) => MAP, "no-room";
        "a kernel that runs at one address only, where the gate was put":
            multiboot2, |memory| set_map(
                memory.bytes(BOOT_PARAMS),
                &[(16 * MIB, RAM_END - 16 * MIB, 1)]
            ) => Component::Kernel, "address-taken";
    }
}

fn setup_data(all: &mut Cases) {
    memory! { all;
        "a list of setup_data that goes round":
            bzimage, |memory| {
                memory.put(SETUP_DATA, node(SETUP_DATA, 9, &[1; 4]));
                set_setup_data(memory, SETUP_DATA);
            } => PASSED, "bad-boot-params";
        "a list of setup_data that begins outside memory":
            bzimage, |memory| set_setup_data(memory, u64::MAX - 3) => PASSED, "bad-boot-params";
        "a node of setup_data whose length reaches outside memory":
            bzimage, |memory| {
                let mut bytes = node(0, 9, &[1; 4]);
                bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
                memory.put(SETUP_DATA, bytes);
                set_setup_data(memory, SETUP_DATA);
            } => PASSED, "bad-boot-params";
        "a node for EFI that is shorter than its kind":
            with_shim, |memory| only_node(memory, SETUP_EFI, &[0; 24]) => PASSED, "bad-boot-params";
        "a measurement list that wraps around 2^64":
            bzimage, |memory| only_node(memory, SETUP_IMA, &[0xff; 16]) => PASSED, "bad-boot-params";
        "indirect data that wrap around 2^64":
            bzimage, |memory| only_node(memory, SETUP_INDIRECT, &[0xff; 24]) => PASSED, "bad-boot-params";
    }
    survived! { all;
        "indirect data that lie where the kernel would go":
            bzimage, |memory| {
                let mut data = vec![0; 8];
                data.extend(0x10_0000_u64.to_le_bytes());
                data.extend(0x100_0000_u64.to_le_bytes());
                only_node(memory, SETUP_INDIRECT, &data);
            } => "they are kept, and the kernel goes elsewhere";
    }
    memory! { all;
        "a list of scratch areas that ends within an entry":
            bzimage, |memory| {
                add_scratch(memory, 0x2000_0000, 0x800_0000);
                memory.put(SCRATCH_LIST, vec![0; 24]);
                let fields = [0x3fa0_0000_u64, 0x1000, SCRATCH_LIST, 24];
                let data: Vec<u8> = fields.into_iter().flat_map(u64::to_le_bytes).collect();
                only_node(memory, SETUP_KEXEC_KHO, &data);
            } => PASSED, "bad-boot-params";
        "scratch areas that are no RAM":
            bzimage, |memory| add_scratch(memory, 0x7f00_0000, 0x10_0000) => MAP, "no-room";
    }
    survived! { all;
        "a scratch area over the gate and the handover":
            bzimage, |memory| add_scratch(memory, HANDOVER, RAM_END - HANDOVER) => "both are taken out of it";
    }
}

fn boot_params(all: &mut Cases) {
    memory! { all;
        "a handover outside memory":
            bzimage, |memory| {
                let at = offset::RAMDISK_SIZE;
                memory.bytes(BOOT_PARAMS)[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            } => PASSED, "bad-boot-params";
        "no handover at all":
            bzimage, |memory| {
                let at = offset::RAMDISK_SIZE;
                memory.bytes(BOOT_PARAMS)[at..at + 4].fill(0);
            } => PASSED, "bad-boot-params";
        "a command line without an end":
            bzimage, |memory| memory.bytes(CMDLINE).fill(b'a') => PASSED, "bad-boot-params";
    }
    survived! { all;
        "a root pointer of ACPI that points to nothing":
            multiboot2, |memory| {
                let at = offset::ACPI_RSDP_ADDR;
                memory.bytes(BOOT_PARAMS)[at..at + 8].fill(0xff);
            } => "what can't be read isn't passed on";
    }
}

fn efi(all: &mut Cases) {
    memory! { all;
        "EFI of 32 bits, whose tables are to be read as those of 64, so that shim's aren't found":
            with_shim, |memory| memory.bytes(BOOT_PARAMS)[offset::EFI_INFO..][..4].copy_from_slice(b"EL32")
                => PASSED, "bad-boot-params";
        "EFI without the way to its tables, where a revocation may be":
            with_shim, |memory| set_setup_data(memory, 0) => PASSED, "bad-boot-params";
        "an EFI memory map with descriptors shorter than there are":
            with_shim, |memory| memory.bytes(BOOT_PARAMS)[offset::EFI_INFO + 8] = 39 => PASSED, "bad-boot-params";
        "an EFI memory map with descriptors of length zero":
            with_shim, |memory| memory.bytes(BOOT_PARAMS)[offset::EFI_INFO + 8] = 0 => PASSED, "bad-boot-params";
        "a region of EFI that wraps around 2^64":
            with_shim, |memory| memory.bytes(EFI_MAP)[24..32].fill(0xff) => PASSED, "bad-boot-params";
        "a system table of EFI that isn't one":
            with_shim, |memory| memory.bytes(SYSTEM_TABLE)[0] = 0 => TABLES, "bad-firmware-table";
        "a system table of EFI outside memory":
            with_shim,
            |memory| memory.bytes(BOOT_PARAMS)[offset::EFI_INFO + 7] = 0x11 => TABLES, "bad-firmware-table";
        "a system table with 2^63 configuration tables":
            with_shim, |memory| memory.bytes(SYSTEM_TABLE)[0x6f] = 0x80 => TABLES, "bad-firmware-table";
        "more configuration tables than memory has":
            with_shim, |memory| memory.bytes(SYSTEM_TABLE)[0x68] = 200 => TABLES, "bad-firmware-table";
        "no configuration tables, so that nothing is trusted and nothing revoked":
            with_shim, |memory| memory.bytes(SYSTEM_TABLE)[0x68..0x70].fill(0) => Component::Kernel, "unknown-signer";
        "configuration tables without shim's":
            with_shim, |memory| {
                let tables = memory.bytes(CONFIG_TABLES);
                let at = tables.windows(16).position(|guid| guid == MOK_TABLE_GUID);
                tables[at.expect("shim's")] ^= 1;
            } => Component::Kernel, "unknown-signer";
    }
}

/// Puts a table of these entries in place of shim's, ended as it should be.
fn table(memory: &mut Memory, entries: &[Vec<u8>]) {
    memory.put(MOK_TABLE, [entries.concat(), vec![0; 264]].concat());
}

fn trusting(key: u8) -> Vec<u8> {
    mok_entry(
        "MokListRT",
        &signature_list(&X509, &[&Cert::ca(key, key).der()]),
    )
}

fn revoking(key: u8) -> Vec<u8> {
    mok_entry(
        "MokListXRT",
        &signature_list(&X509, &[&Cert::ca(key, key).der()]),
    )
}

fn shim(all: &mut Cases) {
    memory! { all;
        "shim's table without an end":
            with_shim, |memory| memory.put(MOK_TABLE, trusting(1)) => TABLES, "bad-firmware-table";
        "an entry of shim's table that is larger than memory":
            with_shim, |memory| memory.bytes(MOK_TABLE)[256..264].fill(0xff) => TABLES, "bad-firmware-table";
        "an entry of shim's table whose name doesn't end":
            with_shim, |memory| memory.bytes(MOK_TABLE)[..256].fill(b'M') => TABLES, "bad-firmware-table";
        "the list of revoked keys twice, the second one empty":
            with_shim, |memory| table(
                memory,
                &[trusting(1), revoking(1), mok_entry("MokListXRT", &[])]
            ) => TABLES, "bad-firmware-table";
        "the list of trusted keys twice, the second one the attacker's":
            with_shim, |memory| table(memory, &[trusting(1), trusting(9)]) => TABLES, "bad-firmware-table";
        "a revocation level twice, the second one older":
            with_shim, |memory| {
                table(
                    memory,
                    &[
                        trusting(1),
                        mok_entry("SbatLevelRT", b"sbat,1,2025051000\nshim,4\n"),
                        mok_entry("SbatLevelRT", b"sbat,1,2021030218\n"),
                    ],
                );
            } => TABLES, "bad-firmware-table";
        "a hundred entries before the list of revoked keys":
            with_shim, |memory| {
                let filler = vec![mok_entry("Filler", b"x"); 100];
                table(memory, &[filler, vec![trusting(1), revoking(1)]].concat());
            } => TABLES, "bad-firmware-table";
        "a list of another name that is to be taken for that of trusted keys":
            with_shim, |memory| {
                let list = signature_list(&X509, &[&Cert::ca(1, 1).der()]);
                table(
                    memory,
                    &[mok_entry("MokListR", &list), mok_entry("moklistrt", &list)],
                );
            } => Component::Kernel, "unknown-signer";
    }
}
