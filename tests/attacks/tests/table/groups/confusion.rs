//! One thing that is to be taken for another.

use baton_attacks::Group;
use baton_formats::handover::{RECORD_LEN, RecordKind, TABLE_OFFSET};
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::Scene;
use baton_samples::build::{authenticode, sha256, sign, signer};
use baton_samples::der::{explicit, octets, oid, seq, set};
use baton_samples::forge::Cert;
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::*;
use baton_samples::signature_list;
use baton_samples::small_elf::{elf_with, note, signature_note, signed_elf_of, small_elf};
use baton_samples::small_image::small_image;

const KERNEL: Component = Component::Kernel;
const HANDOVER: Component = Component::Handover;

/// The offset in the header page of a field of the record of this number.
const fn field(record: usize, offset: usize) -> usize {
    TABLE_OFFSET + RECORD_LEN * record + offset
}

fn write(blob: &mut [u8], at: usize, bytes: &[u8]) {
    blob[at..at + bytes.len()].copy_from_slice(bytes);
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Confusion);
    headers(&mut all);
    records(&mut all);
    formats(&mut all);
    malformed(&mut all);
    all.made
}

/// A change of the handover's bytes.
/// Attacks on the handover's bytes: the name; the machine, the change; the code.
macro_rules! blob {
    ($all:ident; $($name:literal: $honest:ident, $change:expr => $code:literal;)*) => {
        $($all.refused($name, $honest, |it| it.on_blob.push($change), HANDOVER, $code);)*
    };
}

fn headers(all: &mut Cases) {
    by_gate! { all;
        "a plain initrd in place of a handover, loaded without preflight":
            bzimage, |it| it.on_blob.push(|blob| write(blob, 0, b"070701\0\0")) => HANDOVER, "handover-magic";
    }
    blob! { all;
        "a handover of a version that isn't known":
            bzimage, |blob| blob[8] = 2 => "handover-version";
        "a handover of no records":
            bzimage, |blob| write(blob, 0xc, &[0; 4]) => "handover-malformed";
        "a handover of more records than its table has room for":
            bzimage, |blob| write(blob, 0xc, &[33, 0, 0, 0]) => "handover-malformed";
        "a handover of 2^32 − 1 records, whose table's length wraps":
            bzimage, |blob| write(blob, 0xc, &[0xff; 4]) => "handover-malformed";
        "a handover that says it is longer than it is":
            bzimage, |blob| blob[0x11] += 0x10 => "handover-truncated";
        "a handover with a page after its end, which says so":
            bzimage, |blob| {
                blob.extend([0; 4096]);
                let length = (blob.len() as u64).to_le_bytes();
                write(blob, 0x10, &length);
            } => "handover-malformed";
        "a handover cut off within its initrd":
            bzimage, |blob| blob.truncate(blob.len() - 4096) => "handover-truncated";
        "a handover with a flag that isn't known":
            bzimage, |blob| blob[0x18] = 2 => "handover-unknown-flags";
        "data hidden in the header page after the table":
            bzimage, |blob| blob[4095] = 1 => "handover-malformed";
    }
}

fn records(all: &mut Cases) {
    blob! { all;
        "a record of a kind that isn't known":
            bzimage, |blob| blob[field(1, 0)] = 5 => "handover-unknown-kind";
        "a record with a flag that isn't known":
            bzimage, |blob| blob[field(1, 4)] = 1 => "handover-unknown-flags";
        "a record that lies over the one before it":
            bzimage, |blob| write(blob, field(1, 8), &4096_u64.to_le_bytes()) => "handover-bad-record";
        "a gap between two records, with data in it":
            bzimage, |blob| {
                let at = field(1, 8);
                blob[at + 1] += 0x10;
                blob.extend([0x90; 4096]);
                let length = (blob.len() as u64).to_le_bytes();
                write(blob, 0x10, &length);
            } => "handover-bad-record";
        "a record whose length reaches beyond the handover's end":
            bzimage, |blob| blob[field(1, 0x12)] = 1 => "handover-truncated";
        "a record whose end wraps around 2^64":
            bzimage, |blob| write(blob, field(1, 0x10), &(u64::MAX - 4095).to_le_bytes()) => "handover-truncated";
        "a record without bytes":
            bzimage, |blob| write(blob, field(1, 0x10), &[0; 8]) => "handover-bad-record";
        "data hidden in the padding after a record":
            bzimage, |blob| *blob.last_mut().expect("some") = 1 => "handover-bad-record";
        "a record's reserved field that isn't zero":
            bzimage, |blob| blob[field(1, 0x3c)] = 1 => "handover-bad-record";
        "a second kernel, in place of the initrd":
            bzimage, |blob| blob[field(1, 0)] = 1 => "handover-bad-record";
        "no kernel, but two initrds":
            bzimage, |blob| blob[field(0, 0)] = 2 => "handover-no-kernel";
        "an initrd after the manifest that doesn't list it":
            by_manifest, |blob| blob[field(4, 0)] = 2 => "handover-bad-record";
        "a second manifest, unsigned, after the signed one":
            by_manifest, |blob| blob[field(2, 0)] = 4 => "handover-bad-record";
        "a signature that is said to be its own":
            vmlinux_detached, |blob| blob[field(1, 0x38)] = 1 => "handover-bad-record";
    }
    refused! { all;
        "two signatures of one record, the second one wrong":
            || { let mut scene = vmlinux_detached(); scene.insert(1, RecordKind::Initrd, FIRST, 0); scene.build = scene.build.signature(1, FIRST); scene },
            |it| it.on_blob.push(|blob| blob[field(3, 0x38)] = 0) => HANDOVER, "handover-bad-record";
        "a profile that the UKI hasn't":
            open_uki, |it| it.build.profile = 1 => KERNEL, "no-such-profile";
        "a profile of a kernel that is no UKI":
            bzimage, |it| it.build.profile = u32::MAX => KERNEL, "no-such-profile";
        "a signed addon for a kernel that is no UKI":
            bzimage, |it| it.build = it.build.clone().addon(&addon_of(&[(".cmdline", b"debug")]))
                => Component::Addon(0), "addon-without-uki";
        "so many signed addons that the record of the verdict has no room for an unsigned initrd":
            open_uki, |it| {
                let sections: [(&str, &[u8]); 2] = [(".initrd", b"more"), (".ucode", b"more")];
                let addon = addon_of(&sections);
                it.build = (0..16).fold(it.build.clone().initrd(SECOND), |it, _| it.addon(&addon));
            } => Component::Handover, "too-many-parts";
        "a signed addon for a kernel of another release":
            uki_with_addon, |it| {
                let addon = addon_of(&[(".cmdline", b"debug"), (".uname", b"5.0.0")]);
                let digest = authenticode(&addon);
                it.put(1, addon, digest);
            } => Component::Addon(0), "addon-for-another";
    }
}

/// Puts a file, with a right detached signature of it.
fn put(scene: &mut Scene, file: &[u8]) {
    let signature = sign(file);
    scene.put_kernel(file.to_vec(), sha256(file));
    let digest = sha256(&signature);
    scene.put(1, signature, digest);
}

/// Files in the kernel's place: the name; the machine, the file; the code.
macro_rules! file {
    ($all:ident; $($name:literal: $honest:ident, $file:expr => $code:literal;)*) => {
        $($all.refused($name, $honest, |it| put(it, &Vec::from($file)), KERNEL, $code);)*
    };
}

fn formats(all: &mut Cases) {
    all.survived(
        "Linux with a multiboot2 header, by which it isn't told of Secure Boot",
        vmlinux_detached,
        |it| put(it, &with_multiboot2_header(vmlinux())),
        "Linux is entered as Linux, with boot_params, whatever other entries it has",
        |plan| {
            assert!(matches!(
                plan.entry,
                baton_gate::arch::x86_64::convert::Entry::Long { .. }
            ))
        },
    );
    all.survived(
        "Linux with a PVH entry, by which it isn't told of Secure Boot",
        vmlinux_detached,
        |it| {
            put(
                it,
                &elf_with(
                    &[
                        note(b"Xen\0", 18, &0x10_0010_u32.to_le_bytes()),
                        note(b"Linux\0", 0x100, b"salt"),
                    ]
                    .concat(),
                ),
            )
        },
        "Linux is entered as Linux, with boot_params, whatever other entries it has",
        |plan| {
            assert!(matches!(
                plan.entry,
                baton_gate::arch::x86_64::convert::Entry::Long { .. }
            ))
        },
    );
    file! { all;
        "a PE image with a multiboot2 kernel in it":
            vmlinux_detached, pe_image(&[(".text", &flat_multiboot2())]) => "bad-kernel";
        "a compressed kernel, which is another once it is unpacked":
            vmlinux_detached, b"\x1f\x8b\x08\0 compressed" => "unknown-format";
        "an ELF file that is no kernel":
            vmlinux_detached, small_elf(0) => "unknown-format";
        "a 32-bit Linux, which isn't entered in 64-bit mode":
            vmlinux_detached, {
                let mut file = vmlinux();
                file[4] = 1; // ELFCLASS32
                file
            } => "bad-elf";
        "a file that begins with a DOS header and is neither PE nor a kernel":
            vmlinux_detached, [&b"MZ"[..], &[0_u8; 4096]].concat() => "bad-image";
    }
    refused! { all;
        "a multiboot2 header in what a signature in a note leaves open":
            vmlinux_noted, |it| {
                let (noted, unsigned) = signed_elf_of(small_elf, |content| {
                    let mut forge = ForgeDetached::new(content, &signer());
                    let attribute = seq(&[oid("1.2.3"), set(&[octets(&multiboot2_headers())])]);
                    forge.unauthenticated = explicit(1, &attribute);
                    forge.build()
                });
                it.put_kernel(noted, sha256(&unsigned));
            } => KERNEL, "only-by-manifest";
        "two signature notes, each of which leaves bytes of its own open":
            vmlinux_noted, |it| {
                let file = elf_with(
                    &[
                        signature_note(0x40),
                        signature_note(0x40),
                        note(b"Linux\0", 0x100, b"salt"),
                    ]
                    .concat(),
                );
                it.put_kernel(file.clone(), sha256(&file));
            } => KERNEL, "bad-elf";
        "a trusted image for another purpose, whose uncovered fields lie where a kernel's header is":
            by_listed_digest, |it| {
                let image = shifted_image();
                let digest = authenticode(&image);
                it.shim().list = signature_list(&baton_samples::SHA256, &[&digest]);
                it.put_kernel(image, digest);
            } => KERNEL, "bad-kernel";
        "the digest of all of a file, where the signature is of a part":
            vmlinux_appended, |it| {
                let digest = sha256(it.kernel());
                it.build.records[0].0.digest = digest;
            } => KERNEL, "handover-digest-mismatch";
        "a signer that a signature names by a key identifier that another certificate has":
            vmlinux_detached, |it| {
                let other = Cert::leaf(5, 4).with(baton_samples::forge::subject_key_id(7));
                let forge = ForgeDetached::new(&vmlinux(), &other)
                    .carrying(&[&other])
                    .by_key_id(&[7; 20])
                    .build();
                it.put(1, forge.clone(), sha256(&forge));
            } => KERNEL, "unknown-signer";
    }
}

/// The small image with its PE header far down: CheckSum lies at 0x208, in the setup header.
fn shifted_image() -> Vec<u8> {
    let small = small_image();
    let mut image = vec![0; 0x800];
    image[..0x40].copy_from_slice(&small[..0x40]);
    write(&mut image, 0x3c, &0x1b0_u16.to_le_bytes());
    image[0x1b0..0x1b0 + 0x108].copy_from_slice(&small[0x40..0x148]);
    image[0x400..].copy_from_slice(&small[0x400..]);
    let coff = 0x1b4;
    image[coff + 2] = 1; // one section, .text
    let optional = coff + 20;
    write(&mut image, optional + 60, &0x400_u32.to_le_bytes());
    let sections = optional + 112 + 48;
    image.copy_within(sections + 40..sections + 80, sections);
    image
}

/// Malformed files that a trusted key signed all the same: a signer signs what he is given.
fn malformed(all: &mut Cases) {
    fn elf(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut file = vmlinux();
        change(&mut file);
        file
    }
    fn image(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut image = small_image();
        change(&mut image);
        image
    }
    file! { all;
        "a signed ELF kernel whose program headers are of another size":
            vmlinux_detached, elf(|file| file[0x36] = 55) => "bad-elf";
        "a signed ELF kernel with 65535 program headers":
            vmlinux_detached, elf(|file| write(file, 0x38, &[0xff, 0xff])) => "bad-elf";
        "a signed ELF kernel whose segment wraps around 2^64 in the file":
            vmlinux_detached, elf(|file| write(file, 0x48, &(u64::MAX - 8).to_le_bytes())) => "bad-elf";
        "a signed ELF kernel whose segment is longer in the file than in memory":
            vmlinux_detached, elf(|file| write(file, 0x68, &1_u64.to_le_bytes())) => "bad-elf";
        "a signed ELF kernel whose segment ends at the end of memory":
            vmlinux_detached, elf(|file| write(file, 0x58, &(u64::MAX - 0x40).to_le_bytes())) => "bad-elf";
        "a signed ELF kernel whose entry lies outside of its segments":
            vmlinux_detached, elf(|file| write(file, 0x18, &0x20_0000_u64.to_le_bytes())) => "bad-elf";
        "a signed ELF kernel whose note wraps":
            vmlinux_detached, elf(|file| write(file, 0x184, &[0xff; 4])) => "bad-elf";
        "a signed bzImage of a boot protocol without a 64-bit entry":
            vmlinux_detached, image(|image| image[0x206] = 0x0b) => "bad-kernel";
        "a signed bzImage whose setup part is longer than the file":
            vmlinux_detached, image(|image| image[0x1f1] = 255) => "bad-kernel";
        "a signed bzImage that needs no memory to start in":
            vmlinux_detached, image(|image| write(image, 0x260, &[0; 4])) => "bad-kernel";
        "a signed bzImage aligned to nothing":
            vmlinux_detached, image(|image| write(image, 0x230, &[0; 4])) => "bad-kernel";
    }
    refused! { all;
        "a listed multiboot2 kernel that asks for what can't be given":
            multiboot2, |it| {
                let mut file = flat_multiboot2();
                let tag = file
                    .windows(8)
                    .position(|window| window == [3, 0, 0, 0, 12, 0, 0, 0]);
                file[tag.expect("the entry's tag")] = 99;
                it.build = listed(&file, &[]).build;
            } => KERNEL, "bad-multiboot2";
    }
}
