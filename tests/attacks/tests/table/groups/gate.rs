//! The gate itself: others, older ones and altered ones.

use baton_attacks::Group;
use baton_formats::gate_image::{FILE_OFFSET, Format, Formats};
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, Shim, signed_image_by};
use baton_samples::arm64;
use baton_samples::build::{Build, authenticode, sha256};
use baton_samples::forge::Cert;
use baton_samples::other_formats::{pvh, vmlinux};
use baton_samples::policy::{policy, rules};
use baton_samples::small_image::CERTIFICATE_DIRECTORY;
use baton_samples::{SHA256, X509, signature_list};

/// Who signs the gate: key 8, whom the running kernel trusts.
fn gate_signer() -> Cert {
    Cert::ca(8, 8).with(baton_samples::forge::subject_key_id(8))
}

fn sign(file: &mut Vec<u8>) {
    *file = signed_image_by(std::mem::take(file), &gate_signer(), &[]);
}

/// The table's entry once more, behind itself.
fn with_second_signature(file: &mut Vec<u8>) {
    let table = baton_formats::pe::Pe::parse(file).expect("an image");
    let table = table.certificate_table().expect("a signed one");
    let size = (2 * table.len() as u32).to_le_bytes();
    file.extend_from_within(table);
    file[CERTIFICATE_DIRECTORY + 4..CERTIFICATE_DIRECTORY + 8].copy_from_slice(&size);
}

/// A machine that is locked down, and whose gate is signed by a key of its owner.
fn locked_down() -> Scene {
    let mut scene = bzimage();
    scene.locked_down = true;
    scene.keyring = vec![gate_signer()];
    scene.shim = Some(Shim {
        list: signature_list(&X509, &[&gate_signer().der()]),
        sbat_level: Some(b"sbat,1,2025051000\nshim,4\n".to_vec()),
        ..Shim::default()
    });
    scene.gate.sbat = b"sbat,1,SBAT Version,sbat,1,-\nbaton.gate,1,Baton,baton-gate,1,-\n".to_vec();
    scene.on_gate.push(sign);
    scene
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Gate);
    as_the_kernel_judges(&mut all);
    as_preflight_judges(&mut all);
    as_it_reads_itself(&mut all);
    as_a_kernel(&mut all);
    as_a_smaller_one(&mut all);
    all.made
}

fn as_the_kernel_judges(all: &mut Cases) {
    by_kernel! { all;
        "a gate that nobody signed":
            locked_down, |it| it.on_gate.clear() => "unsigned";
        "a gate that nobody trusted signed":
            locked_down, |it| {
                it.on_gate =
                    vec![|file| *file = signed_image_by(std::mem::take(file), &Cert::ca(9, 9), &[])]
            } => "unknown-signer";
        "a gate signed by a key that only gates trust, not the kernel":
            locked_down, |it| {
                it.on_gate =
                    vec![|file| *file = signed_image_by(std::mem::take(file), &Cert::leaf(2, 1), &[])]
            } => "unknown-signer";
        "a gate with one bit of its code changed":
            locked_down, |it| it.on_gate.push(|file| file[0x1800] ^= 1) => "digest-mismatch";
        "a gate with a key of the attacker's in place of its own":
            locked_down, |it| {
                it.on_gate.push(|file| {
                    // A BIT STRING with an uncompressed point of P-256 (RFC 5480, 2.2).
                    let point = |bytes: &[u8]| {
                        bytes
                            .windows(4)
                            .position(|head| head == [3, 0x42, 0, 4])
                            .expect("a key")
                            + 3
                    };
                    let (old, new) = (Cert::ca(1, 1).der(), Cert::ca(9, 9).der());
                    let keys = file
                        .windows(old.len())
                        .position(|window| window == old)
                        .expect("its .keys");
                    let (to, from) = (keys + point(&old), point(&new));
                    file[to..to + 65].copy_from_slice(&new[from..from + 65]);
                })
            } => "digest-mismatch";
        "a gate whose info block was pointed at other keys":
            locked_down, |it| it.on_gate.push(|file| file[FILE_OFFSET + 0x11] += 0x10) => "bad-gate";
        "a gate without its revocations, which were cut out of its info block":
            || { let mut scene = locked_down(); scene.gate.dbx = signature_list(&X509, &[&Cert::ca(9, 9).der()]); scene }, |it| {
                it.on_gate
                    .push(|file| file[FILE_OFFSET + 0x28..FILE_OFFSET + 0x30].fill(0))
            } => "digest-mismatch";
    }
}

fn as_preflight_judges(all: &mut Cases) {
    by_kernel! { all;
        "an older gate whose generation the machine has revoked":
            locked_down,
            |it| it.shim().sbat_level = Some(b"sbat,1,2026010100\nbaton.gate,2\n".to_vec()) => "revoked-by-sbat";
        "a gate whose digest the machine has revoked":
            locked_down, |it| {
                let digest = authenticode(&it.gate_file());
                it.shim().revoked = signature_list(&SHA256, &[&digest]);
            } => "revoked-image";
        "a gate whose digest the firmware has revoked, which the kernel doesn't look at":
            locked_down,
            |it| it.firmware_dbx = signature_list(&SHA256, &[&authenticode(&it.gate_file())]) => "revoked-image";
        "a gate that is revoked by the SHA-256 of its file":
            locked_down, |it| {
                let digest = sha256(&it.gate_file());
                it.shim().revoked = signature_list(&SHA256, &[&digest]);
            } => "revoked-image";
        "the same with a second signature after the first, which the kernel doesn't look at":
            locked_down, |it| {
                it.on_gate.push(with_second_signature);
                let digest = sha256(&it.gate_file());
                it.firmware_dbx = signature_list(&SHA256, &[&digest]);
            } => "revoked-image";
        "a gate whose signer the firmware has revoked":
            locked_down,
            |it| it.firmware_dbx = signature_list(&X509, &[&gate_signer().der()]) => "revoked-certificate";
        "a revoked gate on a machine that doesn't insist on signatures":
            || { let mut scene = locked_down(); scene.locked_down = false; scene },
            |it| it.shim().sbat_level = Some(b"sbat,1,2026010100\nbaton.gate,2\n".to_vec()) => "revoked-by-sbat";
        "a gate of an older form, which reads its own parts elsewhere":
            locked_down, |it| it.on_gate = vec![|file| file[FILE_OFFSET + 8] = 1, sign] => "bad-gate";
        "a signed kernel in place of the gate":
            locked_down, |it| {
                it.on_gate = vec![
                    |file| *file = baton_samples::small_image::small_image(),
                    sign,
                ]
            } => "bad-gate";
    }
}

fn as_it_reads_itself(all: &mut Cases) {
    const GATE: Component = Component::Gate;
    by_gate! { all;
        "a gate built with a policy that can't be read, which must not mean that all is allowed":
            bzimage, |it| it.gate.policy = b"BPOL garbage".to_vec() => GATE, "bad-gate";
        "a gate built with a policy of a later form":
            bzimage, |it| {
                let stock = baton_formats::policy::Policy::stock();
                it.gate.policy = stock.as_bytes().to_vec();
                it.gate.policy[4] += 1;
            } => GATE, "bad-gate";
        "a gate whose keys lie outside of its file":
            bzimage, |it| it.on_gate.push(|file| file[FILE_OFFSET + 0x12] = 0xf) => GATE, "bad-gate";
        "a gate whose info block was zeroed":
            bzimage, |it| { it.on_gate.push(|file| file[FILE_OFFSET..FILE_OFFSET + 8].fill(0)) } => GATE, "bad-gate";
    }
}

/// A gate in the kernel's place, signed by a trusted key.
fn put_older_gate(scene: &mut Scene) {
    let mut old = locked_down();
    old.on_gate =
        vec![|file| *file = signed_image_by(std::mem::take(file), &Cert::leaf(2, 1), &[])];
    let old = old.gate_file();
    let digest = authenticode(&old);
    scene.put_kernel(old, digest);
}

fn as_a_kernel(all: &mut Cases) {
    refused! { all;
        "an older gate of a revoked generation, started as a kernel by the new one":
            locked_down, |it| {
                put_older_gate(it);
                it.shim().sbat_level = Some(b"sbat,1,2026010100\nbaton.gate,2\n".to_vec());
                it.gate.sbat =
                    b"sbat,1,SBAT Version,sbat,1,-\nbaton.gate,2,Baton,baton-gate,2,-\n".to_vec();
            } => Component::Kernel, "revoked-by-sbat";
        "an older gate started as a kernel, on a machine that hasn't revoked it, by a newer one that has":
            locked_down, |it| {
                put_older_gate(it);
                let all = rules([0x7f, 7, 5, 0], "", &[]);
                it.gate.policy = policy("newer", "sbat,1,1\nbaton.gate,2\n", [&all, &all], &[]);
            } => Component::Kernel, "revoked-by-sbat";
    }
}

/// A gate that is built without these formats.
fn without(formats: &[Format]) -> Formats {
    let bits = formats.iter().fold(0, |bits, it| bits | 1 << *it as u32);
    Formats::from_bits(bits).expect("bits of formats")
}

/// What a gate is built without it doesn't boot, and preflight knows.
fn as_a_smaller_one(all: &mut Cases) {
    const KERNEL: Component = Component::Kernel;
    const UKIS_ALONE: [Format; 4] = [
        Format::BzImage,
        Format::Elf,
        Format::Pvh,
        Format::Multiboot2,
    ];
    refused! { all;
        "an ELF kernel with an appended signature, for a gate that is built without ELF":
            vmlinux_appended, |it| it.gate.formats = without(&UKIS_ALONE[1..]) => KERNEL, "not-built-in";
        "an ELF kernel with a signature in a note, for the same":
            vmlinux_noted, |it| it.gate.formats = without(&UKIS_ALONE[1..]) => KERNEL, "not-built-in";
        "an ELF kernel in place of a UKI's own, for the same":
            || {
                let image = uki_with_kernel(&vmlinux());
                Scene::of(Build::kernel(&image, authenticode(&image)))
            },
            |it| it.gate.formats = without(&[Format::Elf]) => KERNEL, "not-built-in";
        "a kernel with a PVH entry, for a gate that is built without that":
            || listed(&pvh(), &[]), |it| it.gate.formats = without(&[Format::Pvh]) => KERNEL, "not-built-in";
        "a multiboot2 kernel, for a gate that is built without that":
            multiboot2, |it| it.gate.formats = without(&[Format::Multiboot2]) => KERNEL, "not-built-in";
        "a bzImage, for a gate that is built for UKIs alone":
            bzimage, |it| it.gate.formats = without(&UKIS_ALONE) => KERNEL, "not-built-in";
        "a kernel of arm64, for a gate of x86":
            bzimage, |it| {
                let kernel = arm64::signed_kernel();
                it.build = Build::kernel(&kernel, authenticode(&kernel));
            } => KERNEL, "other-architecture";
        "a kernel of arm64 in place of a UKI's own, for the same":
            || {
                let image = uki_with_kernel(&baton_samples::small_image::small_image());
                Scene::of(Build::kernel(&image, authenticode(&image)))
            },
            |it| {
                let image = uki_with_kernel(&arm64::small_kernel());
                it.build = Build::kernel(&image, authenticode(&image));
            } => KERNEL, "other-architecture";
        "a UKI, for a gate that is built without UKIs, and could boot the bzImage in it":
            open_uki, |it| it.gate.formats = without(&[Format::Uki]) => KERNEL, "not-built-in";
    }
    by_gate! { all;
        "a gate whose info block names a format that there isn't":
            bzimage, |it| it.on_gate.push(|file| file[FILE_OFFSET + 0x34] = 0x40) => Component::Gate, "bad-gate";
        "a gate whose info block names formats of two architectures":
            bzimage, |it| it.on_gate.push(|file| file[FILE_OFFSET + 0x34] = 0x20) => Component::Gate, "bad-gate";
    }
}
