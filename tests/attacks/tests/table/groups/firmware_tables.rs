//! What the tables say that EFI's configuration tables lead to, and where they lie.

use baton_attacks::Group;
use baton_formats::boot_params::offset;
use baton_formats::efi::{Guid, MOK_TABLE_GUID};
use baton_formats::setup_data::{SETUP_EFI, SETUP_IMA};
use baton_gate::arch::x86_64::BootPlan;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use baton_samples::machine::*;

/// In RAM, where user space may have had its hands, and in memory that the map reserves.
const IN_RAM: u64 = 0x3a00_0000;
const RESERVED: u64 = 0x7f00_8000;

// As they stand in memory (include/linux/efi.h).
const MEMORY_ATTRIBUTES: Guid =
    *b"\x1d\x91\xfa\xdc\xeb\x26\x9f\x46\xa2\x20\x38\xb7\xdc\x46\x12\x20";
const ESRT: Guid = *b"\x63\xa2\x22\xb1\x61\x36\x68\x4f\x99\x29\x78\xf8\xb0\xd6\x21\x80";
const TPM_LOG: Guid = *b"\xb0\x9c\x79\xb7\xa2\xec\x43\x49\x96\x67\x1f\xae\x07\xb7\x47\xfa";
const FINAL_EVENTS: Guid = *b"\x96\xd0\x2e\x1e\xe2\x30\x54\x42\xbd\x89\x86\x3b\xbe\xf8\x23\x25";
const MEM_RESERVE: Guid = *b"\xc6\xb0\x8e\x88\xde\x8e\xf5\x4f\xa8\xf0\x9a\xee\x5c\xb9\x77\xc2";
const SMBIOS3: Guid = *b"\x44\x15\xfd\xf2\x94\x97\x2c\x4a\x99\x2e\xe5\xbb\xcf\x20\xe3\x94";
const SECRETS: Guid = *b"\xad\x56\xf9\xad\x8c\xe9\x4c\x48\xae\x11\xb5\x1c\x7d\x33\x64\x47";
const SEED: Guid = *b"\xbc\xe5\xe1\x1c\xeb\x7c\xf2\x42\x81\xe5\x8a\xad\xf1\x80\xf5\x7b";
const INITRD: Guid = *b"\x27\xe4\x68\x55\xfc\x68\x3d\x4f\xac\x74\xca\x55\x52\x31\xcc\x68";

fn words(fields: &[u32]) -> Vec<u8> {
    let mut bytes: Vec<u8> = fields.iter().flat_map(|it| it.to_le_bytes()).collect();
    bytes.resize(4096, 0x5a);
    bytes
}

fn longs(fields: &[u64]) -> Vec<u8> {
    let mut bytes: Vec<u8> = fields.iter().flat_map(|it| it.to_le_bytes()).collect();
    bytes.resize(4096, 0x5a);
    bytes
}

/// Where the old kernel says where the array of configuration tables is.
const TOLD_AT: u64 = SETUP_DATA + 16 + 16;

/// The next kernel is led to an array without the last table.
fn left_out(plan: &BootPlan<'_>) {
    let told = written_at(plan, TOLD_AT);
    let address = u64::from_le_bytes(told.try_into().expect("8 bytes"));
    let array = written_at(plan, address);
    assert_eq!(array.len(), 3 * 24);
    assert_eq!(array[48..], [0; 24]);
    assert_ne!(array[24..48], [0; 24], "shim's is still there");
}

/// The next kernel finds the array as the firmware has it.
fn as_it_is(plan: &BootPlan<'_>) {
    assert!(plan.writes.iter().all(|write| write.to != TOLD_AT));
}

/// Attacks on the firmware's tables, which the gate refuses: the name; the change.
macro_rules! memory {
    ($all:ident; $($name:literal: $change:expr;)*) => {$(
        $all.by_gate(
            $name,
            with_shim,
            |it| it.on_memory.push($change),
            Component::FirmwareTables,
            "bad-firmware-table",
        );
    )*};
}

/// The same that change nothing: the words say why not, the function holds the plan to that.
macro_rules! survived {
    ($all:ident; $($name:literal: $change:expr => $words:literal, $check:ident;)*) => {
        $($all.survived($name, with_shim, |it| it.on_memory.push($change), $words, $check);)*
    };
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Machine);
    lengths(&mut all);
    places(&mut all);
    on_the_way(&mut all);
    all.made
}

fn lengths(all: &mut Cases) {
    survived! { all;
        "in usable memory, memory attributes of four billion entries":
            |it| add_table(it, MEMORY_ATTRIBUTES, IN_RAM, words(&[1, u32::MAX, 48, 0])) => "Linux's limit holds: they aren't handed on", left_out;
        "in usable memory, memory attributes whose entries are 4 GiB each":
            |it| add_table(it, MEMORY_ATTRIBUTES, IN_RAM, words(&[1, 2, u32::MAX, 0])) => "no descriptor is that long: they aren't handed on", left_out;
        "in usable memory, a table of firmware to update with four billion entries":
            |it| add_table(it, ESRT, IN_RAM, words(&[u32::MAX, u32::MAX, 1, 0])) => "Linux's limit holds: it isn't handed on", left_out;
        "in usable memory, an event log of the TPM that is larger than memory":
            |it| add_table(it, TPM_LOG, IN_RAM, words(&[u32::MAX, 0, 1, 0])) => "all of it must be there: it isn't handed on", left_out;
        "in usable memory, final events of the TPM that are 2^64 in number":
            |it| add_table(it, FINAL_EVENTS, IN_RAM, longs(&[1, u64::MAX])) => "they are counted one by one, up to a limit: they aren't handed on", left_out;
        "in usable memory, a random seed over which the next kernel would write 4 GiB of zeros":
            |it| add_table(it, SEED, IN_RAM, words(&[u32::MAX])) => "Linux's limit holds: it isn't handed on", left_out;
        "in usable memory, a list of reserved memory that goes round":
            |it| add_table(it, MEM_RESERVE, IN_RAM, longs(&[1, IN_RAM, 0, 0])) => "it must end: it isn't handed on", left_out;
        "in usable memory, reserved memory that wraps around 2^64":
            |it| add_table(
                it,
                MEM_RESERVE,
                IN_RAM,
                longs(&[1 << 32 | 1, 0, u64::MAX, 2])
            ) => "it isn't handed on", left_out;
        "in usable memory, an entry of SMBIOS whose structures wrap around 2^64":
            |it| {
                let mut entry = b"_SM3_\0\x18\x03\0\0\0\0\xff\xff\0\0".to_vec();
                entry.extend([0xff; 8]);
                entry.resize(4096, 0);
                add_table(it, SMBIOS3, IN_RAM, entry);
            } => "it isn't handed on", left_out;
        "in usable memory, secrets that lie in no memory":
            |it| add_table(it, SECRETS, IN_RAM, longs(&[0x7000_0000_0000, 4096])) => "they aren't handed on", left_out;
        "in the firmware's memory, memory attributes of four billion entries":
            |it| add_table(
                it,
                MEMORY_ATTRIBUTES,
                RESERVED,
                words(&[1, u32::MAX, 48, 0])
            ) => "nothing is kept for them, and the next kernel judges them as the first one did", as_it_is;
    }
}

fn places(all: &mut Cases) {
    survived! { all;
        "a table at an address where no memory is":
            |it| add_table(it, MEMORY_ATTRIBUTES, 0x7000_0000_0000, vec![]) => "what no map knows isn't read", as_it_is;
        "a table at the last address there is":
            |it| add_table(it, MEMORY_ATTRIBUTES, u64::MAX, vec![]) => "what wraps isn't read", as_it_is;
        "a handover that was put over the memory attributes":
            |it| add_table(it, MEMORY_ATTRIBUTES, HANDOVER + 0x1000, vec![]) => "what was loaded since is no table: they aren't handed on", left_out;
        "an initrd of root's own, where the first kernel's was told of and user space got the memory since":
            |it| add_table(it, INITRD, IN_RAM, longs(&[IN_RAM + 0x1000, 0x1000])) => "the first kernel's is never handed on", left_out;
        "the first kernel's initrd, told of in the middle of the handover, where the next kernel would write zeros":
            |it| add_table(it, INITRD, HANDOVER + 0x1004, vec![]) => "the first kernel's is never handed on", left_out;
    }
}

/// Puts a node of setup_data before the others.
fn first_node(memory: &mut Memory, kind: u32, data: &[u8]) {
    memory.put(0x3f70_0000, node(SETUP_DATA, kind, data));
    set_setup_data(memory, 0x3f70_0000);
}

fn on_the_way(all: &mut Cases) {
    memory! { all;
        "configuration tables that the handover brought":
            |it| it.bytes(SETUP_DATA)[32..40].copy_from_slice(&HANDOVER.to_le_bytes());
        "a system table where the command line was put":
            |it| {
                let table = it.bytes(SYSTEM_TABLE).clone();
                it.bytes(CMDLINE)[..table.len()].copy_from_slice(&table);
                let at = offset::EFI_INFO + 4;
                it.bytes(BOOT_PARAMS)[at..at + 4].copy_from_slice(&(CMDLINE as u32).to_le_bytes());
            };
        "measurements of IMA, with names that root chose, where shim's table was":
            |it| {
                let mut ima = MOK_TABLE.to_le_bytes().to_vec();
                ima.extend(0x1000_u64.to_le_bytes());
                first_node(it, SETUP_IMA, &ima);
            };
        "what Kexec HandOver keeps, where the configuration tables were":
            |it| {
                add_scratch(it, 0x1000_0000, 0x1000_0000);
                let mut efi = vec![0; 96];
                efi[16..24].copy_from_slice(&0x3fa0_0000_u64.to_le_bytes());
                let tables = it.bytes(CONFIG_TABLES).clone();
                it.put(0x3fa0_0000, tables);
                first_node(it, SETUP_EFI, &efi);
            };
        "a second table of shim's, which Linux would take in place of the first":
            |it| { let table = it.bytes(MOK_TABLE).clone(); add_table(it, MOK_TABLE_GUID, RESERVED, table); };
        "a word of the EFI tables that lies in the gate, where a table must be left out":
            |it| {
                let mut efi = vec![0; 96];
                efi[16..24].copy_from_slice(&CONFIG_TABLES.to_le_bytes());
                it.put(gate_extent().start, node(0, SETUP_EFI, &efi));
                set_setup_data(it, gate_extent().start);
                add_table(it, INITRD, IN_RAM, longs(&[0, 0]));
            };
    }
    by_gate! { all;
        "a full memory map, where a table must be left out":
            with_shim, |it| {
                it.on_memory.push(|it| {
                    let mut map = vec![(0x10_0000, RAM_END - 0x10_0000, 1)];
                    map.extend((0..127).map(|n| (0x8000_0000 + n * 0x2000, 0x1000, 2)));
                    set_map(it.bytes(BOOT_PARAMS), &map);
                    add_table(it, INITRD, IN_RAM, longs(&[0, 0]));
                });
            } => Component::Memory, "bad-memory-map";
    }
}
