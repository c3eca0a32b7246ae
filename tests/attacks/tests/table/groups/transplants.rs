//! Signatures that are right, and of something else.

use baton_attacks::Group;
use baton_formats::handover::RecordKind;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, appended, signed_image, with_appended};
use baton_samples::build::{authenticode, line, manifest, sha256, sign, signer};
use baton_samples::der::{join, tlv};
use baton_samples::forge::{DATA, Forge, SPC_INDIRECT_DATA, content_type, message_digest};
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::{pe_image, vmlinux};
use baton_samples::small_elf::{DESCRIPTOR, small_elf};
use baton_samples::small_image::{LEN, small_image};
use baton_samples::{attach_table, win_certificate};

const KERNEL: Component = Component::Kernel;

/// Puts another signature in place of the handover's first one.
fn put_signature(scene: &mut Scene, signature: Vec<u8>) {
    let records = &scene.build.records;
    let index = records
        .iter()
        .position(|(part, _)| part.kind == RecordKind::Signature);
    let digest = sha256(&signature);
    scene.put(index.expect("there is one"), signature, digest);
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Transplants);
    authenticode_ones(&mut all);
    detached_ones(&mut all);
    manifests(&mut all);
    all.made
}

fn authenticode_ones(all: &mut Cases) {
    refused! { all;
        "the certificate table of another signed kernel":
            bzimage, |it| {
                let table = signed_image(other_image())[other_image().len()..].to_vec();
                let image = attach_table(&small_image(), &table);
                it.put_kernel(image, authenticode(&small_image()));
            } => KERNEL, "digest-mismatch";
        "an unsigned kernel in a signed one's place, with that one's digest in the handover":
            bzimage, |it| {
                let digest = it.build.records[0].0.digest;
                let table = it.kernel()[LEN..].to_vec();
                it.put_kernel(attach_table(&other_image(), &table), digest);
            } => KERNEL, "digest-mismatch";
        "a signed kernel in place of the one that the handover's digest is of":
            bzimage, |it| {
                let digest = it.build.records[0].0.digest;
                it.put_kernel(signed_image(other_image()), digest);
            } => KERNEL, "handover-digest-mismatch";
        "the certificate table of a signed kernel on a UKI":
            uki, |it| {
                let image = pe_image(&[(".linux", &small_image()), (".cmdline", UKI_LINE)]);
                let table = Forge::new(&signer()).build()[LEN..].to_vec();
                let entry = 0xc8 + 4 * 8;
                let mut signed = image.clone();
                signed.resize(signed.len().next_multiple_of(8), 0);
                let at = signed.len() as u32;
                signed[entry..entry + 4].copy_from_slice(&at.to_le_bytes());
                signed[entry + 4..entry + 8].copy_from_slice(&(table.len() as u32).to_le_bytes());
                signed.extend(table);
                let digest = authenticode(&signed);
                it.put_kernel(signed, digest);
            } => KERNEL, "digest-mismatch";
        "a detached signature in a certificate table":
            bzimage, |it| {
                let image = attach_table(&small_image(), &win_certificate(&sign(&small_image())));
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
            } => KERNEL, "malformed-signature";
        "a signature of data in a certificate table, where one of an image's digest belongs":
            bzimage, |it| {
                // What was signed is data, and not what Authenticode signs.
                let mut forge = Forge::new(&signer());
                forge.content_type = baton_samples::der::oid(DATA);
                let image = forge.build();
                let digest = authenticode(&image);
                it.put_kernel(image, digest);
            } => KERNEL, "malformed-signature";
        "a signed addon in place of a UKI":
            open_uki, |it| {
                let addon = addon_of(&[(".cmdline", b"debug")]);
                let digest = authenticode(&addon);
                it.put_kernel(addon, digest);
            } => KERNEL, "bad-uki";
        "a signed UKI in place of an addon":
            uki_with_addon, |it| {
                let uki = signed_image(pe_image(&[(".linux", &small_image())]));
                let digest = authenticode(&uki);
                it.put(1, uki, digest);
            } => Component::Addon(0), "bad-uki";
    }
}

fn detached_ones(all: &mut Cases) {
    refused! { all;
        "another kernel's detached signature":
            vmlinux_detached, |it| put_signature(it, sign(&small_elf(0))) => KERNEL, "digest-mismatch";
        "another kernel's detached signature beside one that its own signature vouches for":
            bzimage, |it| {
                it.build = it.build.clone().signature(0, b"something else");
            } => KERNEL, "digest-mismatch";
        "an initrd's signature, said to be the kernel's":
            || { let mut scene = vmlinux_detached(); scene.insert(1, RecordKind::Initrd, FIRST, 0); scene.build = scene.build.signature(1, FIRST); scene }, |it| {
                it.build.records.remove(2);
                it.build.records[2].0.subject = 0;
            } => KERNEL, "digest-mismatch";
        "a kernel's signature, said to be an initrd's":
            signed_initrd, |it| put_signature(it, sign(&small_image())) => Component::Initrd(0), "digest-mismatch";
        "an Authenticode signature as a detached one":
            vmlinux_detached, |it| put_signature(it, Forge::new(&signer()).pkcs7()) => KERNEL, "malformed-signature";
        "a detached signature that carries its own content":
            vmlinux_detached, |it| {
                let mut forge = ForgeDetached::new(&vmlinux(), &signer());
                forge.content_info = baton_samples::der::seq(&[
                    baton_samples::der::oid(DATA),
                    baton_samples::der::explicit(0, &baton_samples::der::octets(&vmlinux())),
                ]);
                put_signature(it, forge.build());
            } => KERNEL, "malformed-signature";
        "the attributes of a signature as content, with that signature":
            signed_initrd, |it| {
                let attributes = [
                    content_type(DATA),
                    message_digest(&sha256(b"what was signed")),
                ];
                let set = tlv(0x31, &join(&attributes));
                let mut forge = ForgeDetached::module(&set, &signer());
                forge = forge.carrying(&[&signer()]);
                it.put(1, set.clone(), sha256(&set));
                put_signature(it, forge.build());
            } => Component::Initrd(0), "ambiguous-signature";
        "the attributes of an Authenticode signature as content, with that signature":
            signed_initrd, |it| {
                let attributes = [
                    content_type(SPC_INDIRECT_DATA),
                    message_digest(&sha256(b"what was signed")),
                ];
                let set = tlv(0x31, &join(&attributes));
                let forge = ForgeDetached::module(&set, &signer()).carrying(&[&signer()]);
                it.put(1, set.clone(), sha256(&set));
                put_signature(it, forge.build());
            } => Component::Initrd(0), "ambiguous-signature";
        "another kernel's appended signature":
            vmlinux_appended, |it| {
                let image = with_appended(&vmlinux(), &sign(&small_elf(0)));
                it.put_kernel(image, sha256(&vmlinux()));
            } => KERNEL, "digest-mismatch";
        "a signed kernel module in place of a kernel":
            vmlinux_appended, |it| {
                let mut module = vmlinux();
                module[0x10] = 1; // ET_REL
                it.put_kernel(appended(&module), sha256(&module));
            } => KERNEL, "bad-elf";
        "another kernel's signature in a note":
            vmlinux_noted, |it| {
                it.change(0, |file| {
                    let other = sign(&small_elf(0));
                    let length = u32::from_le_bytes(file[0x184..0x188].try_into().expect("4")) as usize;
                    let fits = other.len() == length;
                    file[DESCRIPTOR..DESCRIPTOR + length.min(other.len())]
                        .copy_from_slice(&other[..length.min(other.len())]);
                    assert!(fits, "the note's room is that of a signature");
                })
            } => KERNEL, "digest-mismatch";
        "a signed text in place of a kernel":
            vmlinux_detached, |it| {
                let text = b"Dear administrator, this is a signed mail.".to_vec();
                it.put(0, text.clone(), sha256(&text));
                put_signature(it, sign(&text));
            } => KERNEL, "unknown-format";
    }
}

fn manifests(all: &mut Cases) {
    refused! { all;
        "another manifest's signature":
            by_manifest, |it| put_signature(it, sign(b"baton-manifest 1\ncmdline quiet\n"))
                => Component::Manifest, "digest-mismatch";
        "a signed manifest of another kernel":
            by_manifest, |it| {
                let text = manifest(&[line("kernel", &other_image()), "cmdline quiet\n".into()]);
                it.put(3, text.clone().into_bytes(), sha256(text.as_bytes()));
                put_signature(it, sign(text.as_bytes()));
            } => KERNEL, "not-in-manifest";
        "a signed manifest whose kernel has this one's digest and another length":
            by_manifest, |it| {
                let listed = line("kernel", &small_image()).replace("2048", "2049");
                let text = manifest(&[listed]);
                it.put(3, text.clone().into_bytes(), sha256(text.as_bytes()));
                put_signature(it, sign(text.as_bytes()));
            } => KERNEL, "not-in-manifest";
        "a signed list of digests that is no manifest":
            by_manifest, |it| {
                let text = line("kernel", &small_image());
                it.put(3, text.clone().into_bytes(), sha256(text.as_bytes()));
                put_signature(it, sign(text.as_bytes()));
            } => Component::Manifest, "bad-manifest";
        "a manifest's line changed to the kernel at hand":
            by_manifest, |it| {
                it.put_kernel(other_image(), sha256(&other_image()));
                let old = line("kernel", &small_image());
                let new = line("kernel", &other_image());
                it.change(3, |text| {
                    let there = String::from_utf8(text.clone()).expect("text");
                    *text = there.replace(&old, &new).into_bytes();
                });
            } => Component::Manifest, "digest-mismatch";
        "a signed manifest of initrds, with a kernel that nobody signed":
            by_manifest, |it| {
                let text = manifest(&[line("initrd", FIRST), line("initrd", SECOND)]);
                it.put(3, text.clone().into_bytes(), sha256(text.as_bytes()));
                put_signature(it, sign(text.as_bytes()));
            } => KERNEL, "unsigned";
    }
}
