//! ACPI tables in an initrd: code for the kernel's interpreter, which Linux takes from there before it
//! knows that it is locked down.

use baton_attacks::Group;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::Scene;
use baton_samples::build::{sha256, sign};
use baton_samples::cpio::{file, trailer};

const CODE: &str = "acpi-tables";

/// A table that would be installed.
fn table() -> Vec<u8> {
    file("kernel/firmware/acpi/ssdt.aml", b"SSDT and its code")
}

fn archive() -> Vec<u8> {
    [file("init", b"#!/bin/sh"), trailer()].concat()
}

fn microcode() -> Vec<u8> {
    file("kernel/x86/microcode/GenuineIntel.bin", &[0x5a; 64])
}

fn initrd(index: usize) -> Component {
    Component::Initrd(index)
}

/// Puts other bytes in place of the first initrd.
fn put(scene: &mut Scene, parts: &[&[u8]]) {
    let bytes = parts.concat();
    scene.put(1, bytes.clone(), sha256(&bytes));
}

/// The table's entry in two, of which the first is as long as a multiple of this, and begins as an initrd.
fn halves(multiple: usize) -> (Vec<u8>, Vec<u8>) {
    let table = table();
    let (left, right) = table.split_at(112);
    let mut first = b"\x1f\x8b\x08".to_vec();
    first.resize(multiple - left.len(), b'x');
    first.extend(left);
    (first, right.to_vec())
}

/// An initrd with a signature that ends with the beginning of a table's entry.
fn signed_beginning() -> Scene {
    let (first, _) = halves(4096);
    let mut scene = signed_initrd();
    scene.put(1, first.clone(), sha256(&first));
    let signature = sign(&first);
    scene.put(2, signature.clone(), sha256(&signature));
    scene
}

/// A signed initrd after an unsigned one.
fn signed_end() -> Scene {
    let mut scene = bzimage();
    scene.build = scene.build.initrd(SECOND).signature(2, SECOND);
    scene
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Initrds);
    in_one_initrd(&mut all);
    in_one_of_several(&mut all);
    across_a_joint(&mut all);
    what_is_none(&mut all);
    all.made
}

fn in_one_initrd(all: &mut Cases) {
    refused! { all;
        "an ACPI table in an initrd that nobody signed, which Linux installs although locked down":
            bzimage, |it| put(it, &[&table(), &archive()]) => initrd(0), CODE;
        "the same for a crash":
            crash, |it| put(it, &[&table(), &archive()]) => initrd(0), CODE;
        "the same after zeros, which Linux skips":
            bzimage, |it| put(it, &[&[0; 512], &table()]) => initrd(0), CODE;
        "the same after the end of another archive, where Linux reads on":
            bzimage, |it| put(it, &[&archive(), &[0; 340], &table()]) => initrd(0), CODE;
        "the same after microcode, which may be there":
            bzimage, |it| put(it, &[&microcode(), &table(), &trailer()]) => initrd(0), CODE;
        "the same in an archive with checksums and digits in upper case":
            bzimage, |it| {
                let mut table = table();
                table[..110].make_ascii_uppercase();
                table[5] = b'2';
                put(it, &[&table]);
            } => initrd(0), CODE;
        "the same after something compressed, where Linux doesn't look":
            bzimage, |it| put(it, &[b"\x1f\x8b\x08 compressed", &table()]) => initrd(0), CODE;
        "the same at an odd place, where only a loader that puts initrds at odd addresses makes it be seen":
            bzimage, |it| put(it, &[b"\x01", &table()]) => initrd(0), CODE;
        "the same of a name that is the directory alone":
            bzimage, |it| put(it, &[&file("kernel/firmware/acpi/", b"SSDT and its code")]) => initrd(0), CODE;
    }
}

fn in_one_of_several(all: &mut Cases) {
    refused! { all;
        "an ACPI table in the second of two initrds":
            bzimage, |it| it.build = it.build.clone().initrd(&table()) => initrd(1), CODE;
        "an ACPI table in an unsigned initrd after a signed one":
            signed_initrd, |it| it.insert(2, baton_formats::handover::RecordKind::Initrd, &table(), 0) => initrd(1), CODE;
        "an ACPI table in an unsigned initrd for a UKI that has its own":
            open_uki, |it| it.build = it.build.clone().initrd(&table()) => initrd(0), CODE;
    }
}

/// A signed initrd with an archive in one of its files, after an unsigned one whose only entry is said to
/// end where that begins.
fn reaching_into_a_file(scene: &mut Scene) {
    let inner = [file("notes", b"see below"), table(), trailer()].concat();
    let signed = [file("usr/share/firmware.cpio", &inner), trailer()].concat();
    let before = signed.windows(5).position(|it| it == b"notes").expect("it") - 110;
    // The first record is one page, which the second one's contents follow.
    let mut reaching = file("x", b"");
    let size = 4096 - reaching.len() + before;
    reaching[54..62].copy_from_slice(format!("{size:08x}").as_bytes());
    put(scene, &[&reaching]);
    scene.put(2, signed.clone(), sha256(&signed));
    let signature = sign(&signed);
    scene.put(3, signature.clone(), sha256(&signature));
}

fn across_a_joint(all: &mut Cases) {
    refused! { all;
        "an ACPI table in a file of a signed initrd, to which an entry before it leads Linux's reader":
            signed_end, reaching_into_a_file => initrd(1), CODE;
        "an ACPI table of which one initrd holds the header and the next one the rest":
            bzimage, |it| {
                let (first, second) = halves(4096);
                put(it, &[&first]);
                it.build = it.build.clone().initrd(&second);
            } => initrd(1), CODE;
        "the same of initrds that the gate joins behind a UKI's own":
            open_uki, |it| {
                let (first, second) = halves(116);
                it.build = it.build.clone().initrd(&first).initrd(&second);
            } => initrd(1), CODE;
        "the same in pieces of eight bytes":
            open_uki, |it| {
                for piece in table()[..136].chunks(8) {
                    it.build = it.build.clone().initrd(piece);
                }
            } => initrd(16), CODE;
        "the same of a signed initrd's end and an unsigned one's beginning":
            signed_beginning, |it| {
                let (_, second) = halves(4096);
                it.insert(2, baton_formats::handover::RecordKind::Initrd, &second, 0);
            } => initrd(1), CODE;
        "the same of an unsigned initrd's end and a signed one's beginning":
            signed_end, |it| {
                let (first, second) = halves(4096);
                put(it, &[&first]);
                it.put(2, second.clone(), sha256(&second));
                let signature = sign(&second);
                it.put(3, signature.clone(), sha256(&signature));
            } => initrd(1), "not-an-initrd";
        "the same of a UKI's own initrd and an unsigned one's beginning":
            || uki_with_initrd(&halves(116).0),
            |it| it.build = it.build.clone().initrd(&halves(116).1) => initrd(0), CODE;
    }
}

fn what_is_none(all: &mut Cases) {
    all.survived(
        "microcode in an initrd that nobody signed",
        bzimage,
        |it| put(it, &[&microcode(), &archive()]),
        "the processor takes what its maker signed, and nothing else",
        |_| {},
    );
    all.survived(
        "the directory's name in a file's contents",
        bzimage,
        |it| put(it, &[&file("notes", b"see kernel/firmware/acpi/ssdt.aml")]),
        "no entry has it, so that Linux doesn't find it",
        |_| {},
    );
    all.survived(
        "an ACPI table in a signed initrd, and an initrd that nobody signed after it",
        || {
            let mut scene = bzimage();
            let table = table();
            scene.put(1, table.clone(), sha256(&table));
            scene.build = scene.build.signature(1, &table);
            scene
        },
        |it| it.insert(2, baton_formats::handover::RecordKind::Initrd, SECOND, 0),
        "whoever signed the initrd vouches for its tables",
        |_| {},
    );
}
