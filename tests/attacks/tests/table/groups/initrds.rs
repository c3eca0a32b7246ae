//! What is unpacked before the first program runs.

use baton_attacks::Group;
use baton_formats::handover::RecordKind;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::Scene;
use baton_samples::build::{Build, line, manifest, sha256, sign};
use baton_samples::cpio::{file, trailer};
use baton_samples::policy::{policy, rules};
use baton_samples::small_image::small_image;

fn initrd(index: usize) -> Component {
    Component::Initrd(index)
}

/// A signed initrd before one that nobody signed.
fn two_initrds() -> Scene {
    let mut scene = signed_initrd();
    scene.insert(2, RecordKind::Initrd, SECOND, 0);
    scene
}

/// Two initrds with a signature each.
fn both_signed() -> Scene {
    let mut scene = bzimage();
    scene.build = scene
        .build
        .initrd(SECOND)
        .signature(1, FIRST)
        .signature(2, SECOND);
    scene
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Initrds);
    with_signatures(&mut all);
    with_a_manifest(&mut all);
    where_they_must_be_signed(&mut all);
    in_a_sealed_machine(&mut all);
    with_a_uki(&mut all);
    all.made.extend(super::acpi_tables::cases());
    all.made
}

fn with_signatures(all: &mut Cases) {
    refused! { all;
        "an initrd of which one bit was changed on the way":
            bzimage, |it| it.build.records[1].1[3] ^= 1 => initrd(0), "record-altered";
        "another initrd in place of a signed one":
            signed_initrd, |it| it.put(1, SECOND.to_vec(), sha256(SECOND)) => initrd(0), "digest-mismatch";
        "an archive joined to a signed initrd's end":
            signed_initrd,
            |it| it.change(1, |bytes| bytes.extend(b"\0\0\0\x00070701 more")) => initrd(0), "digest-mismatch";
        "an archive joined to a signed initrd's start":
            signed_initrd, |it| {
                it.change(1, |bytes| {
                    *bytes = [b"070701 more\0".as_slice(), bytes].concat()
                })
            } => initrd(0), "digest-mismatch";
        "a signed initrd cut off":
            signed_initrd, |it| it.change(1, |bytes| bytes.truncate(5)) => initrd(0), "digest-mismatch";
        "two signed initrds whose signatures were swapped":
            both_signed, |it| {
                let first = it.build.records[3].1.clone();
                let second = it.build.records[4].1.clone();
                it.put(3, second.clone(), sha256(&second));
                it.put(4, first.clone(), sha256(&first));
            } => initrd(0), "digest-mismatch";
        "the initrds swapped, and their signatures not":
            both_signed, |it| it.build.records.swap(1, 2) => initrd(0), "digest-mismatch";
        "a signature damaged so that the initrd is taken as unsigned":
            signed_initrd, |it| it.change(2, |bytes| bytes[6] ^= 0x20) => initrd(0), "malformed-signature";
        "a signature that was changed on the way":
            signed_initrd, |it| it.build.records[2].1[40] ^= 1 => Component::Signature(2), "record-altered";
        "the kernel's digest as an initrd's":
            two_initrds, |it| {
                let digest = it.build.records[0].0.digest;
                it.build.records[2].0.digest = digest;
            } => initrd(1), "record-altered";
    }
}

fn with_a_manifest(all: &mut Cases) {
    refused! { all;
        "an initrd left out that the manifest lists":
            by_manifest, |it| {
                it.build.records.remove(2);
                it.build.records[3].0.subject = 2;
            } => initrd(1), "missing-initrd";
        "all initrds left out that the manifest lists":
            by_manifest, |it| {
                it.build.records.drain(1..3);
                it.build.records[2].0.subject = 1;
            } => initrd(0), "missing-initrd";
        "one more initrd than the manifest lists":
            by_manifest, |it| {
                it.insert(3, RecordKind::Initrd, b"one more", 0);
                it.build.records[5].0.subject = 4;
            } => initrd(2), "not-in-manifest";
        "one more initrd before those that the manifest lists":
            by_manifest, |it| {
                it.insert(1, RecordKind::Initrd, b"one more", 0);
                it.build.records[5].0.subject = 4;
            } => initrd(0), "not-in-manifest";
        "the manifest's initrds in another order":
            by_manifest, |it| it.build.records.swap(1, 2) => initrd(0), "not-in-manifest";
        "the manifest's initrds joined into one":
            by_manifest, |it| {
                let joined = [FIRST, SECOND].concat();
                it.put(1, joined.clone(), sha256(&joined));
                it.build.records.remove(2);
                it.build.records[3].0.subject = 2;
            } => initrd(0), "not-in-manifest";
        "one of the manifest's initrds twice, for the other":
            by_manifest, |it| it.put(2, FIRST.to_vec(), sha256(FIRST)) => initrd(1), "not-in-manifest";
        "an initrd with a right signature that isn't the one that the manifest lists":
            by_manifest, |it| {
                it.put(1, b"signed elsewhere".to_vec(), sha256(b"signed elsewhere"));
                let signature = sign(b"signed elsewhere");
                it.insert(4, RecordKind::Signature, &signature, 1);
            } => initrd(0), "not-in-manifest";
        "an initrd of which the manifest gives another length":
            by_manifest, |it| {
                let text = manifest(&[
                    line("initrd", FIRST).replace(" 16", " 17"),
                    line("initrd", SECOND),
                ]);
                let signature = sign(text.as_bytes());
                it.put(3, text.clone().into_bytes(), sha256(text.as_bytes()));
                it.put(4, signature.clone(), sha256(&signature));
            } => initrd(0), "not-in-manifest";
    }
}

/// A policy that accepts no initrd that nobody vouches for.
fn signed_only(mut scene: Scene) -> Scene {
    let rules = rules([0x7f, 6, 5, 0], "", &[]);
    scene.gate.policy = policy("signed initrds", "", [&rules, &rules], &[]);
    scene
}

fn signed_alone() -> Scene {
    signed_only(signed_initrd())
}

fn uki_alone() -> Scene {
    signed_only(open_uki())
}

/// A normal load takes any initrd, a crash load only signed ones.
fn crash_is_strict() -> Scene {
    let (normal, crash_alone) = (
        rules([0x7f, 7, 5, 0], "", &[]),
        rules([0x7f, 6, 5, 0], "", &[]),
    );
    let mut scene = signed_initrd();
    scene.build = scene.build.crash();
    scene.crash = true;
    scene.gate.policy = policy("strict crash", "", [&normal, &crash_alone], &[]);
    scene
}

fn where_they_must_be_signed(all: &mut Cases) {
    const CODE: &str = "not-accepted";
    refused! { all;
        "an initrd without its signature, where initrds must be signed":
            signed_alone, |it| { it.build.records.truncate(2); } => initrd(0), CODE;
        "signed microcode alone in the initrd's place, so that a program on the disk is run":
            signed_alone, |it| {
                let microcode = file("kernel/x86/microcode/GenuineIntel.bin", &[0x5a; 64]);
                let bytes = [file("early_cpio", b"1"), microcode, trailer()].concat();
                let signature = sign(&bytes);
                it.put(1, bytes.clone(), sha256(&bytes));
                it.put(2, signature.clone(), sha256(&signature));
            } => initrd(0), "no-initrd";
        "microcode alone in the initrd's place, listed by a manifest that lists no kernel":
            signed_alone, |it| {
                let microcode = file("kernel/x86/microcode/GenuineIntel.bin", &[0x5a; 64]);
                let bytes = [file("early_cpio", b"1"), microcode, trailer()].concat();
                let listed = manifest(&[line("initrd", &bytes)]);
                it.build.records.truncate(1);
                it.build = it.build.clone().initrd(&bytes).signed_manifest(&listed);
            } => initrd(0), "no-initrd";
        "the initrd left out, with a manifest of the kernel where the policy accepts none":
            || { let rules = rules([1, 2, 1, 0], "", &[]); let mut scene = signed_initrd(); scene.gate.policy = policy("without manifests", "", [&rules, &rules], &[]); scene }, |it| {
                let text = manifest(&[line("kernel", it.kernel())]);
                it.build = Build::signed().signed_manifest(&text);
            } => initrd(0), "no-initrd";
        "one more initrd, unsigned, after the signed one":
            signed_alone, |it| it.insert(2, RecordKind::Initrd, SECOND, 0) => initrd(1), CODE;
        "an unsigned initrd for a UKI that has its own":
            uki_alone, |it| it.build = it.build.clone().initrd(SECOND) => initrd(0), CODE;
        "an unsigned initrd for a crash, where only that load type asks for signatures":
            crash_is_strict, |it| { it.build.records.truncate(2); } => initrd(0), CODE;
    }
}

fn in_a_sealed_machine(all: &mut Cases) {
    const CODE: &str = "not-accepted";
    refused! { all;
        "another initrd after a UKI's, by a manifest that lists no kernel":
            sealed_uki, |it| {
                let listed = manifest(&[line("initrd", FIRST)]);
                it.build = it.build.clone().initrd(FIRST).signed_manifest(&listed);
            } => initrd(0), "manifest-without-kernel";
        "an initrd that nobody signed, added to a sealed UKI":
            sealed_uki, |it| it.build = it.build.clone().initrd(SECOND) => initrd(0), CODE;
        "an initrd with a right signature, added to a sealed UKI that it wasn't signed with":
            sealed_uki, |it| { it.build = it.build.clone().initrd(SECOND).signature(1, SECOND); } => initrd(0), CODE;
        "a manifest of the kernel alone, so that any initrd goes with it":
            sealed_manifest, |it| {
                let open = manifested(&[line("kernel", &small_image()), "cmdline quiet\n".into()]);
                it.build = open.build;
            } => initrd(0), CODE;
    }
}

fn with_a_uki(all: &mut Cases) {
    all.survived(
        "an unsigned initrd that is to come before a UKI's own",
        open_uki,
        |it| it.build = it.build.clone().initrd(b"\0\0\0\0one more"),
        "what is signed with the kernel is unpacked first, whatever the handover adds",
        |plan| {
            let joined = plan
                .writes
                .iter()
                .find(|write| write.bytes.starts_with(b"the UKI's initrd"));
            assert!(joined.expect("the UKI's comes first").bytes.len() >= 16);
        },
    );
}
