//! What is revoked by a digest, handed over so that another digest is the one that is looked at.

use baton_attacks::Group;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, Shim, signed_image, with_appended};
use baton_samples::build::{Build, authenticode, line, manifest, sha256};
use baton_samples::forge::Cert;
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::{flat_multiboot2, pe_image, pvh, vmlinux, vmlinux_with_room};
use baton_samples::small_elf::signed_elf_of;
use baton_samples::small_image::{
    CERTIFICATE_DIRECTORY, CHECKSUM, set_text_len, small_image, with_sbat,
};
use baton_samples::{SHA256, signature_list};

const KERNEL: Component = Component::Kernel;
const CODE: &str = "revoked-image";

/// A machine that has revoked something else so far.
fn on_shim(mut scene: Scene) -> Scene {
    scene.shim = Some(Shim {
        revoked: signature_list(&SHA256, &[&[7; 32]]),
        ..Shim::default()
    });
    scene
}

fn revoke(scene: &mut Scene, digest: &[u8]) {
    scene.shim().revoked = signature_list(&SHA256, &[&[7; 32], digest]);
}

fn revoke_file(scene: &mut Scene, record: usize) {
    let digest = sha256(&scene.build.records[record].1);
    revoke(scene, &digest);
}

/// An image whose length is odd.
fn odd_image() -> Vec<u8> {
    let mut image = small_image();
    image.extend([0x90; 3]);
    set_text_len(&mut image);
    image
}

/// The same as signing leaves it.
fn padded() -> Vec<u8> {
    let mut image = odd_image();
    image.resize(image.len().next_multiple_of(8), 0);
    image
}

/// Its Authenticode digest as firmware makes it of an unsigned file.
fn unpadded_digest() -> [u8; 32] {
    let image = odd_image();
    let covered = [
        &image[..CHECKSUM],
        &image[CHECKSUM + 4..CERTIFICATE_DIRECTORY],
        &image[CERTIFICATE_DIRECTORY + 8..],
    ];
    sha256(&covered.concat())
}

fn odd_signed() -> Scene {
    let image = signed_image(padded());
    on_shim(Scene::of(Build::kernel(&image, authenticode(&image))))
}

fn listing(file: &[u8]) -> Scene {
    let text = manifest(&[line("kernel", file)]);
    on_shim(Scene::of(
        Build::kernel(file, sha256(file)).signed_manifest(&text),
    ))
}

fn odd_listed() -> Scene {
    listing(&odd_image())
}

/// The signature of somebody whom nobody knows.
fn strangers(content: &[u8]) -> Vec<u8> {
    ForgeDetached::new(content, &Cert::leaf(9, 8)).build()
}

/// A file with such a signature after its end. Only what vouches for all of it counts.
fn with_strangers(file: &[u8]) -> Vec<u8> {
    with_appended(file, &strangers(file))
}

fn appended_listed() -> Scene {
    listing(&with_strangers(&vmlinux()))
}

/// With such a signature in a note, and what that is of.
fn noted_by_strangers() -> (Vec<u8>, Vec<u8>) {
    signed_elf_of(vmlinux_with_room, strangers)
}

fn noted_listed() -> Scene {
    listing(&noted_by_strangers().0)
}

fn appended_beside() -> Scene {
    on_shim(detached(&with_strangers(&vmlinux())))
}

fn elf() -> Scene {
    on_shim(vmlinux_appended())
}

fn noted() -> Scene {
    on_shim(vmlinux_noted())
}

fn kernel() -> Scene {
    on_shim(bzimage())
}

fn a_uki() -> Scene {
    on_shim(uki())
}

fn addon() -> Scene {
    on_shim(uki_with_addon())
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Revoked);
    whole_files(&mut all);
    around_signatures(&mut all);
    lengths(&mut all);
    parts(&mut all);
    all.made
}

fn whole_files(all: &mut Cases) {
    refused! { all;
        "a signed kernel that is revoked by the SHA-256 of its file":
            kernel, |it| revoke_file(it, 0) => KERNEL, CODE;
        "a UKI that is revoked by the SHA-256 of its file":
            a_uki, |it| revoke_file(it, 0) => KERNEL, CODE;
        "an addon that is revoked by the SHA-256 of its file":
            addon, |it| revoke_file(it, 1) => Component::Addon(0), CODE;
        "a kernel trusted by its digest, and revoked by the SHA-256 of its file":
            by_listed_digest, |it| revoke_file(it, 0) => KERNEL, CODE;
        "a kernel with an appended signature, revoked by the SHA-256 of all of it":
            elf, |it| revoke_file(it, 0) => KERNEL, CODE;
        "a kernel with a signature note, revoked by the SHA-256 of its file":
            noted, |it| revoke_file(it, 0) => KERNEL, CODE;
        "the same by the gate's own list":
            noted, |it| {
                let digest = sha256(&it.build.records[0].1);
                it.gate.dbx = signature_list(&SHA256, &[&digest]);
            } => KERNEL, CODE;
    }
}

fn around_signatures(all: &mut Cases) {
    refused! { all;
        "a revoked kernel with another signature in its note, in a manifest":
            noted_listed, |it| revoke(it, &sha256(&noted_by_strangers().1)) => KERNEL, CODE;
        "a revoked kernel with a signature after its end, in a manifest with it":
            appended_listed, |it| revoke(it, &sha256(&vmlinux())) => KERNEL, CODE;
        "a revoked kernel with a signature after its end, and one of both beside it":
            appended_beside, |it| revoke(it, &sha256(&vmlinux())) => KERNEL, CODE;
        "a revoked PE kernel with a signature after its end, in a manifest with it":
            || listing(&with_strangers(&small_image())),
            |it| revoke(it, &authenticode(&small_image())) => KERNEL, CODE;
        "a revoked PE kernel with two signatures after its end, in a manifest with them":
            || listing(&with_strangers(&with_strangers(&small_image()))),
            |it| revoke(it, &authenticode(&small_image())) => KERNEL, CODE;
    }
}

fn lengths(all: &mut Cases) {
    refused! { all;
        "a signed kernel that is revoked by the digest that firmware makes without padding":
            odd_signed, |it| revoke(it, &unpadded_digest()) => KERNEL, CODE;
        "an unsigned kernel of odd length in a manifest, revoked by that digest":
            odd_listed, |it| revoke(it, &unpadded_digest()) => KERNEL, CODE;
        "an unsigned kernel of odd length in a manifest, revoked by the digest with padding":
            odd_listed, |it| revoke(it, &authenticode(&odd_image())) => KERNEL, CODE;
        "a kernel of odd length after which zeros stand, in a manifest":
            || listing(&padded()), |it| revoke(it, &unpadded_digest()) => KERNEL, CODE;
    }
}

const OF_GENERATION_1: &[u8] = b"sbat,1,SBAT Version,sbat,1,-\nsample,1,Baton,sample,1,-\n";

/// As a section of a longer alignment has it.
fn after_zeros(mut file: Vec<u8>) -> Vec<u8> {
    file.resize(file.len().next_multiple_of(0x1000), 0);
    file
}

fn parts(all: &mut Cases) {
    refused! { all;
        "a UKI around a revoked kernel":
            a_uki, |it| revoke(it, &authenticode(&small_image())) => KERNEL, CODE;
        "a UKI around a signed one after which zeros stand":
            || { let image = signed_image(pe_image(&[(".linux", &after_zeros(signed_image(small_image())))])); on_shim(Scene::of(Build::kernel(&image, authenticode(&image)))) },
            |it| revoke(it, &authenticode(&small_image())) => KERNEL, CODE;
        "a UKI around an unsigned one after which zeros stand, revoked by the SHA-256 of its file":
            || { let image = signed_image(pe_image(&[(".linux", &after_zeros(small_image()))])); on_shim(Scene::of(Build::kernel(&image, authenticode(&image)))) },
            |it| revoke(it, &sha256(&small_image())) => KERNEL, CODE;
        "a UKI around a signed kernel after which something stands, so that no PE reader takes it":
            a_uki, |it| {
                let linux = [signed_image(small_image()), vec![7; 8]].concat();
                let image = signed_image(pe_image(&[(".linux", &linux)]));
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
            } => KERNEL, "bad-image";
        "a module of a multiboot2 kernel, signed and listed, that is revoked by its Authenticode digest":
            || on_shim(listed(&flat_multiboot2(), &[&signed_image(small_image())])),
            |it| revoke(it, &authenticode(&small_image())) => Component::Initrd(0), CODE;
        "a listed module of a kernel with a PVH entry, revoked by the SHA-256 before its appended signature":
            || on_shim(listed(&pvh(), &[&with_strangers(&vmlinux())])),
            |it| revoke(it, &sha256(&vmlinux())) => Component::Initrd(0), CODE;
        "a listed module of a multiboot2 kernel, of a generation that is revoked":
            || { on_shim(listed(&flat_multiboot2(), &[&with_sbat(&[OF_GENERATION_1])])) }, |it| it.shim().sbat_level = Some(b"sbat,1,1\nsample,2\n".to_vec())
                => Component::Initrd(0), "revoked-by-sbat";
        "a UKI around an initrd that is revoked by itself":
            a_uki, |it| revoke(it, &sha256(b"the UKI's initrd")) => KERNEL, CODE;
        "an addon around one":
            || { let mut scene = addon(); let image = addon_of(&[(".cmdline", b"debug"), (".initrd", b"revoked")]); let digest = authenticode(&image); scene.put(1, image, digest); scene },
            |it| revoke(it, &sha256(b"revoked")) => Component::Addon(0), CODE;
    }
}
