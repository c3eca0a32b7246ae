//! Keys that sign what they may not.

use baton_attacks::Group;
use baton_formats::handover::RecordKind;
use baton_formats::policy::Purpose;
use baton_verify::{Certificate, Component};

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, signed_image_by, with_appended};
use baton_samples::build::{Build, authenticode, line, manifest, sha256};
use baton_samples::cpio::{file, trailer};
use baton_samples::forge::Cert;
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::{pe_image, vmlinux};
use baton_samples::policy::{policy, rule, rules, scope};
use baton_samples::small_image::small_image;

const CODE: &str = "key-out-of-scope";
const KERNEL: Component = Component::Kernel;

/// Who may sign for one purpose alone: key 3, issued by the trusted key 1.
fn limited() -> Cert {
    Cert::leaf(3, 1)
}

/// What is accepted by default: everything.
const ALL: [u8; 4] = [0x7f, 7, 5, 0];

fn scope_of(cert: &Cert, purposes: u8, component: &str, generation: u32) -> Vec<u8> {
    let der = cert.der();
    let key = Certificate::parse(&der).expect("one").key_info().to_vec();
    let mut scope = scope(0, purposes, component, generation);
    scope[..32].copy_from_slice(&sha256(&key));
    scope
}

fn under(mut scene: Scene, scopes: &[Vec<u8>]) -> Scene {
    let all = rules(ALL, "", &[]);
    scene.gate.policy = policy("scoped", "", [&all, &all], scopes);
    scene
}

/// The key may vouch for this alone.
fn for_one(scene: Scene, purpose: Purpose) -> Scene {
    under(scene, &[scope_of(&limited(), purpose as u8, "", 0)])
}

fn put_signed(scene: &mut Scene, record: usize, image: Vec<u8>, by: &Cert) {
    let image = signed_image_by(image, by, &[]);
    let digest = authenticode(&image);
    scene.put(record, image, digest);
}

/// The signature that the record of this number is.
fn put_signature(scene: &mut Scene, record: usize, content: &[u8], by: &Cert) {
    let signature = ForgeDetached::new(content, by).build();
    let digest = sha256(&signature);
    scene.put(record, signature, digest);
}

fn kernel() -> Scene {
    for_one(bzimage(), Purpose::Initrd)
}

fn appended() -> Scene {
    for_one(vmlinux_appended(), Purpose::Manifest)
}

fn beside() -> Scene {
    for_one(vmlinux_detached(), Purpose::Initrd)
}

fn initrd() -> Scene {
    for_one(signed_initrd(), Purpose::Kernel)
}

fn listed() -> Scene {
    for_one(by_manifest(), Purpose::Kernel)
}

fn addon() -> Scene {
    for_one(uki_with_addon(), Purpose::Kernel)
}

/// A UKI of the generation that this key's kernels must have, signed by it.
fn generation() -> Scene {
    const SBAT: &[u8] = b"sbat,1,SBAT Version,sbat,1,-\nsample,2,Baton,sample,2,-\n";
    let scope = scope_of(&limited(), Purpose::Kernel as u8, "sample", 2);
    let mut scene = under(uki(), &[scope]);
    put_uki(&mut scene, SBAT);
    scene
}

/// A UKI with this SBAT metadata, signed by the limited key.
fn put_uki(scene: &mut Scene, sbat: &[u8]) {
    let sections: [(&str, &[u8]); 3] = [
        (".linux", &small_image()),
        (".cmdline", UKI_LINE),
        (".sbat", sbat),
    ];
    put_signed(scene, 0, pe_image(&sections), &limited());
}

/// An authority for initrds, and who it issued.
fn authority() -> Scene {
    let sub = Cert::ca(2, 1);
    under(
        chain(),
        &[
            scope_of(&Cert::ca(9, 9), Purpose::Initrd as u8, "", 0),
            scope_of(&Cert::ca(6, 1), Purpose::Initrd as u8, "", 0),
            scope_of(&sub, 15, "", 0),
        ],
    )
}

/// An initrd that the key for initrds signed, where a bootconfig is denied.
fn initrd_of_its_key() -> Scene {
    let strict = rules(ALL, "", &[rule(0, "bootconfig", 0, b"")]);
    let mut scene = signed_initrd();
    let scope = scope_of(&limited(), Purpose::Initrd as u8, "", 0);
    scene.gate.policy = policy("scoped", "", [&strict, &strict], &[scope]);
    put_signature(&mut scene, 2, FIRST, &limited());
    scene
}

/// An addon that the key for addons signed, where a bootconfig is denied.
fn addon_of_its_key() -> Scene {
    let strict = rules(ALL, "", &[rule(0, "bootconfig", 0, b"")]);
    let mut scene = uki_with_addon();
    let scope = scope_of(&limited(), Purpose::Addon as u8, "", 0);
    scene.gate.policy = policy("scoped", "", [&strict, &strict], &[scope]);
    put_signed(
        &mut scene,
        1,
        pe_image(&[(".cmdline", b"debug")]),
        &limited(),
    );
    scene
}

fn put_initrd(scene: &mut Scene, bytes: &[u8]) {
    scene.put(1, bytes.to_vec(), sha256(bytes));
    put_signature(scene, 2, bytes, &limited());
}

fn put_addon(scene: &mut Scene, section: &str, bytes: &[u8]) {
    let sections: [(&str, &[u8]); 2] = [(".cmdline", b"debug"), (section, bytes)];
    put_signed(scene, 1, pe_image(&sections), &limited());
}

fn table() -> Vec<u8> {
    let table = file("kernel/firmware/acpi/ssdt.aml", b"SSDT and its code");
    [table, file("init", b"#!/bin/sh"), trailer()].concat()
}

/// Parameters, and what Linux looks for at the initrds' end.
fn parameters() -> Vec<u8> {
    [FIRST, b"kernel.lsm=yama\n\x10\0\0\0\0\0\0\0#BOOTCONFIG\n"].concat()
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Scopes);
    purposes(&mut all);
    generations(&mut all);
    code(&mut all);
    all.made
}

fn purposes(all: &mut Cases) {
    refused! { all;
        "a kernel signed by a key for initrds":
            kernel, |it| put_signed(it, 0, small_image(), &limited()) => KERNEL, CODE;
        "a kernel with a signature at its end by a key for manifests":
            appended, |it| {
                let signature = ForgeDetached::new(&vmlinux(), &limited()).build();
                it.put_kernel(with_appended(&vmlinux(), &signature), sha256(&vmlinux()));
            } => KERNEL, CODE;
        "a kernel with a signature beside it by a key for initrds":
            beside, |it| put_signature(it, 1, &vmlinux(), &limited()) => KERNEL, CODE;
        "an initrd signed by a key for kernels":
            initrd, |it| put_signature(it, 2, FIRST, &limited()) => Component::Initrd(0), CODE;
        "a manifest signed by a key for kernels, to bring an initrd in":
            listed, |it| {
                let text = it.build.records[3].1.clone();
                put_signature(it, 4, &text, &limited());
            } => Component::Manifest, CODE;
        "an addon signed by a key for kernels, to bring a parameter in":
            addon,
            |it| put_signed(it, 1, pe_image(&[(".cmdline", b"debug")]), &limited()) => Component::Addon(0), CODE;
        "another certificate for the key for initrds":
            kernel, |it| { put_signed(it, 0, small_image(), &Cert { serial: 99, ..limited() }) } => KERNEL, CODE;
        "a signer whom an authority for initrds issued":
            authority, |it| {
                let image = signed_image_by(small_image(), &Cert::leaf(7, 6), &[&Cert::ca(6, 1)]);
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
            } => KERNEL, CODE;
        "the trusted certificate itself, which is for initrds alone":
            bzimage, |it| {
                let scopes = [scope_of(&Cert::ca(1, 1), Purpose::Initrd as u8, "", 0)];
                *it = under(std::mem::replace(it, bzimage()), &scopes);
            } => KERNEL, CODE;
        "a key with two scopes, of which one lets it sign kernels":
            kernel, |it| {
                let scopes = [
                    scope_of(&limited(), Purpose::Kernel as u8, "", 0),
                    scope_of(&limited(), Purpose::Initrd as u8, "", 0),
                ];
                *it = under(std::mem::replace(it, bzimage()), &scopes);
                put_signed(it, 0, small_image(), &limited());
            } => KERNEL, CODE;
        "a signature of the kernel by a key for initrds, beside one that would do":
            kernel, |it| {
                let signature = ForgeDetached::new(it.kernel(), &limited()).build();
                let digest = sha256(&signature);
                let build = std::mem::take(&mut it.build);
                it.build = build.with(RecordKind::Signature, &signature, digest, 0);
            } => KERNEL, CODE;
    }
}

fn generations(all: &mut Cases) {
    refused! { all;
        "a kernel of an older generation than its key may sign":
            generation, |it| put_uki(it, b"sbat,1,SBAT Version,sbat,1,-\nsample,1,Baton,sample,1,-\n") => KERNEL, CODE;
        "a kernel that doesn't state the component that its key may sign":
            generation, |it| put_uki(it, b"sbat,1,SBAT Version,sbat,1,-\nsample2,9,Baton,sample,9,-\n") => KERNEL, CODE;
        "a kernel without generations, by a key for kernels of one":
            generation, |it| {
                put_signed(
                    it,
                    0,
                    pe_image(&[(".linux", &small_image()), (".cmdline", UKI_LINE)]),
                    &limited(),
                );
            } => KERNEL, CODE;
        "a component stated twice, first with the generation that the key may sign":
            generation, |it| put_uki(it, b"sbat,1,SBAT Version,sbat,1,-\nsample,2,Baton,sample,2,-\nsample,1,Baton,sample,1,-\n") => KERNEL, CODE;
    }
}

/// What is code to the kernel, by keys that may vouch for none.
fn code(all: &mut Cases) {
    refused! { all;
        "an ACPI table in an initrd signed by a key for initrds":
            initrd_of_its_key, |it| put_initrd(it, &table()) => Component::Initrd(0), "acpi-tables";
        "an ACPI table by a key with two scopes, for initrds and either kernels or manifests":
            initrd_of_its_key, |it| {
                let all = rules(ALL, "", &[]);
                let scopes = [Purpose::Kernel, Purpose::Manifest]
                    .map(|also| scope_of(&limited(), Purpose::Initrd as u8 | also as u8, "", 0));
                it.gate.policy = policy("scoped", "", [&all, &all], &scopes);
                put_initrd(it, &table());
            } => Component::Initrd(0), "acpi-tables";
        "an ACPI table by a key for initrds and manifests, where no kernel counts by a manifest":
            initrd_of_its_key, |it| {
                let [_, initrd, command_line, flags] = ALL;
                let rules = rules([0x3f, initrd, command_line, flags], "", &[]);
                let purposes = Purpose::Initrd as u8 | Purpose::Manifest as u8;
                let scope = scope_of(&limited(), purposes, "", 0);
                it.gate.policy = policy("scoped", "", [&rules, &rules], &[scope]);
                put_initrd(it, &table());
            } => Component::Initrd(0), "acpi-tables";
        "an ACPI table by a key for initrds and kernels, where kernels count by manifests alone":
            initrd_of_its_key, |it| {
                let [_, initrd, command_line, flags] = ALL;
                let rules = rules([0x40, initrd, command_line, flags], "", &[]);
                let scope = scope_of(&limited(), Purpose::Initrd as u8 | Purpose::Kernel as u8, "", 0);
                it.gate.policy = policy("scoped", "", [&rules, &rules], &[scope]);
                let listed = manifest(&[line("kernel", &small_image())]);
                let signature = ForgeDetached::new(&table(), &limited()).build();
                it.build = Build::bare()
                    .initrd(&table())
                    .manifest(&listed)
                    .with(RecordKind::Signature, &signature, sha256(&signature), 1)
                    .signature(2, listed.as_bytes());
            } => Component::Initrd(0), "acpi-tables";
        "parameters in the end of an initrd signed by a key for initrds":
            initrd_of_its_key, |it| put_initrd(it, &parameters()) => Component::Initrd(0), "hidden-bootconfig";
        "an ACPI table as the microcode of an addon signed by a key for addons":
            addon_of_its_key, |it| put_addon(it, ".ucode", &table()) => Component::Addon(0), "acpi-tables";
        "an ACPI table in the initrd of an addon signed by a key for addons":
            addon_of_its_key, |it| put_addon(it, ".initrd", &table()) => Component::Addon(0), "acpi-tables";
        "parameters in the end of the initrd of an addon signed by a key for addons":
            addon_of_its_key,
            |it| put_addon(it, ".initrd", &parameters()) => Component::Addon(0), "hidden-bootconfig";
        "a device tree in an addon signed by a key for addons":
            addon_of_its_key, |it| put_addon(it, ".dtb", b"\xd0\x0d\xfe\xed and more") => Component::Addon(0), CODE;
    }
}
