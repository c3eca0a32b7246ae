//! A crash that is none, and the reverse.

use baton_attacks::Group;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{CRASH_MAP, DUMP, dump_header};
use baton_samples::machine::{BOOT_PARAMS, CMDLINE, Memory, RAM_END, set_map};

const HANDOVER: Component = Component::Handover;

/// Puts another command line in place, with which the gate is loaded past preflight.
fn line(memory: &mut Memory, line: &[u8]) {
    let mut bytes = line.to_vec();
    bytes.resize(4096, 0);
    memory.put(CMDLINE, bytes);
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Occasion);
    refused! { all;
        "a handover made for a crash, loaded as another kernel":
            crash, |it| it.crash = false => HANDOVER, "only-for-crash";
        "a handover made for no crash, loaded for one":
            bzimage, |it| it.crash = true => HANDOVER, "not-for-crash";
        "a handover for a crash whose flag was cleared":
            crash, |it| it.on_blob.push(|blob| blob[0x18] = 0) => HANDOVER, "not-for-crash";
        "a handover for no crash whose flag was set":
            bzimage, |it| it.on_blob.push(|blob| blob[0x18] = 1) => HANDOVER, "only-for-crash";
        "the parameter that tells of a crash, not at the line's start":
            crash, |it| {
                it.crash = false;
                it.line = b"quiet elfcorehdr=0x1000000".to_vec();
            } => HANDOVER, "only-for-crash";
        "the parameter that tells of a crash, in quotes":
            crash, |it| {
                it.crash = false;
                it.line = b"\"elfcorehdr=0x1000000\" quiet".to_vec();
            } => HANDOVER, "only-for-crash";
        "the parameter that tells of a crash, after a space":
            crash, |it| {
                it.crash = false;
                it.line = b" elfcorehdr=0x1000000".to_vec();
            } => HANDOVER, "only-for-crash";
        "the parameter that tells of a crash, on a normal load of a handover for one":
            bzimage, |it| it.line = b"elfcorehdr=0x1000000 quiet".to_vec() => HANDOVER, "not-for-crash";
    }
    drawn(&mut all);
    reserved(&mut all);
    all.made
}

/// Root loads a handover for a crash as another kernel, past preflight.
fn drawn(all: &mut Cases) {
    by_gate! { all;
        "a handover for a crash, loaded as another kernel by root with the parameter that tells of a crash first":
            crash, |it| {
                it.on_memory.push(|memory| {
                    no_crash(memory);
                    memory.put(DUMP, vec![0; 64]);
                });
            } => HANDOVER, "only-for-crash";
        "the same, with the headers of a dump where the parameter says":
            crash, |it| it.on_memory.push(no_crash) => HANDOVER, "only-for-crash";
        "the same, with a place that is no RAM, and holds no dump":
            crash, |it| {
                it.on_memory.push(|memory| {
                    no_crash(memory);
                    memory.put(0x7fff_f000, vec![0; 64]);
                    line(memory, b"elfcorehdr=0x7ffff000 quiet");
                });
            } => HANDOVER, "only-for-crash";
        "the same, with the headers of a dump in RAM that the gate's page tables don't reach":
            crash, |it| { it.reach = DUMP; it.on_memory.push(no_crash); } => HANDOVER, "only-for-crash";
        "the same, with the headers of a dump drawn on the firmware's screen":
            crash, |it| {
                it.on_memory.push(|memory| {
                    no_crash(memory);
                    memory.put(0xfd00_0000, dump_header());
                    line(memory, b"elfcorehdr=0xfd000000 quiet");
                });
            } => HANDOVER, "only-for-crash";
        "the same, with the headers of a dump as characters on a VGA screen, behind which RAM begins":
            crash, |it| {
                it.on_memory.push(|memory| {
                    no_crash(memory);
                    memory.put(0xb_8000, dump_header());
                    line(memory, b"elfcorehdr=0xb8000 quiet");
                });
            } => HANDOVER, "only-for-crash";
    }
}

/// What the map of a crash lists besides the memory that was reserved for it.
fn reserved(all: &mut Cases) {
    all.survived(
        "a crash whose map lists memory that was user space's until then (`crashkernel=…,cma`)",
        crash,
        |it| {
            it.on_memory.push(|memory| {
                let cma = [(0x800_0000, 0x800_0000, 1), (RAM_END, 0x800_0000, 1)];
                let map = [&CRASH_MAP[..], &cma[..]].concat();
                set_map(memory.bytes(BOOT_PARAMS), &map);
            });
        },
        "only what was reserved for a crash is used",
        |plan| {
            assert!(!plan.writes.is_empty());
            for write in &plan.writes {
                let inside = DUMP < write.to && write.to + write.size <= RAM_END;
                assert!(inside, "{:#x}", write.to);
            }
        },
    );
}

/// The map of a machine that runs.
fn no_crash(memory: &mut Memory) {
    let map = [
        (0, 0x9_f000, 1),
        (0x10_0000, RAM_END - 0x10_0000, 1),
        (0x7f00_0000, 0x10_0000, 2),
        (0x1_0000_0000, 0x1_0000_0000, 1),
    ];
    set_map(memory.bytes(BOOT_PARAMS), &map);
}
