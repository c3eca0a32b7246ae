//! Memory between the load and the start. What user space loaded was judged, and then changed.

use baton_attacks::Group;
use baton_formats::boot_params::offset;
use baton_formats::handover::TABLE_OFFSET;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use baton_samples::machine::{BOOT_PARAMS, CMDLINE, HANDOVER, Memory};

const PAGE: usize = 4096;

/// Changes a byte of the handover where it lies in memory.
fn flip(memory: &mut Memory, at: usize) {
    memory.bytes(HANDOVER)[at] ^= 1;
}

/// Attacks on the machine's memory: the name; the machine, the change; the part that is refused, and the code.
macro_rules! memory {
    ($all:ident; $($name:literal: $honest:ident, $change:expr => $component:expr, $code:literal;)*) => {
        $($all.by_gate($name, $honest, |it| it.on_memory.push($change), $component, $code);)*
    };
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::AfterLoading);
    let all_cases = &mut all;
    memory! { all_cases;
        "one bit of the kernel in memory":
            bzimage, |memory| flip(memory, PAGE + 0x500) => Component::Kernel, "digest-mismatch";
        "one bit of a UKI's initrd in memory":
            uki, |memory| {
                let blob = memory.bytes(HANDOVER);
                let at = blob
                    .windows(16)
                    .position(|window| window == b"the UKI's initrd");
                blob[at.expect("it is there")] ^= 1;
            } => Component::Kernel, "digest-mismatch";
        "one bit of an unsigned initrd in memory":
            bzimage, |memory| {
                let blob = memory.bytes(HANDOVER);
                let at = blob.windows(FIRST.len()).position(|window| window == FIRST);
                blob[at.expect("it is there")] ^= 1;
            } => Component::Initrd(0), "record-altered";
        "one bit of a signed initrd, and its digest to fit":
            signed_initrd, |memory| {
                let blob = memory.bytes(HANDOVER);
                let at = blob
                    .windows(FIRST.len())
                    .position(|window| window == FIRST)
                    .expect("it is there");
                blob[at] ^= 1;
                let digest = baton_samples::build::sha256(&blob[at..at + FIRST.len()]);
                let field = TABLE_OFFSET + 64 + 0x18;
                blob[field..field + 32].copy_from_slice(&digest);
            } => Component::Initrd(0), "digest-mismatch";
        "one bit of the kernel's digest in memory":
            bzimage, |memory| flip(memory, TABLE_OFFSET + 0x18) => Component::Kernel, "handover-digest-mismatch";
        "the handover's flag for a crash in memory":
            bzimage, |memory| flip(memory, 0x18) => Component::Handover, "only-for-crash";
        "the length of the kernel's record in memory, one byte longer":
            bzimage, |memory| memory.bytes(HANDOVER)[TABLE_OFFSET + 0x10] += 1 => Component::Kernel, "bad-image";
        "one bit of a manifest in memory":
            by_manifest, |memory| {
                let blob = memory.bytes(HANDOVER);
                let at = blob
                    .windows(14)
                    .position(|window| window == b"baton-manifest");
                blob[at.expect("it is there") + 20] ^= 1;
            } => Component::Manifest, "record-altered";
        "one bit of a signature in memory":
            vmlinux_detached, |memory| {
                let last = memory.bytes(HANDOVER).len() - PAGE;
                flip(memory, last + 50);
            } => Component::Signature(1), "record-altered";
        "a UKI's command line in memory":
            uki, |memory| memory.bytes(CMDLINE)[0] = b'R' => Component::CommandLine, "command-line-not-of-uki";
        "a manifest's command line in memory":
            by_manifest,
            |memory| memory.bytes(CMDLINE)[5] = b' ' => Component::CommandLine, "command-line-not-in-manifest";
        "the address of another handover in boot_params, without its end":
            bzimage, |memory| {
                let at = offset::RAMDISK_SIZE;
                memory.bytes(BOOT_PARAMS)[at + 1] -= 0x10;
            } => Component::Handover, "handover-truncated";
    }
    all.made
}
