//! Kernels that nobody trusted signed, or that were changed afterwards.

use baton_attacks::Group;
use baton_formats::policy::KernelSignature;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, signed_image, with_appended};
use baton_samples::build::{authenticode, sha256, sign, signer};
use baton_samples::der::{int, null, oid, seq, set};
use baton_samples::forge::{
    Cert, DATA, Forge, SHA1, basic_constraints, content_type, extension, indirect_data,
    message_digest,
};
use baton_samples::other_formats::{pe_image, vmlinux};
use baton_samples::policy::{policy, rules};
use baton_samples::small_elf::DESCRIPTOR;
use baton_samples::small_image::{CERTIFICATE_DIRECTORY, CHECKSUM, LEN, small_image};
use baton_samples::{attach_table, win_certificate};

const KERNEL: Component = Component::Kernel;

/// Puts an image with a signature that differs in one place from a right one.
fn forged(scene: &mut Scene, change: impl FnOnce(&mut Forge)) {
    let mut forge = Forge::new(&signer());
    change(&mut forge);
    put(scene, forge.build());
}

/// Puts an image, with the digest that it has.
fn put(scene: &mut Scene, image: Vec<u8>) {
    let digest = authenticode(&image);
    scene.put_kernel(image, digest);
}

/// Puts an image with a signature by the first of these, the others carried along.
fn signed_by(scene: &mut Scene, signer: &Cert, carried: &[&Cert]) {
    put(scene, Forge::new(signer).carrying(carried).build());
}

fn fixture(name: &str) -> Vec<u8> {
    let path = baton_attacks::root()
        .join("verify/tests/fixtures")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Replaces the bytes of the certificate table, and what the header says of it.
fn table(scene: &mut Scene, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let signed = scene.kernel().clone();
    let image = attach_table(&small_image(), &change(signed[LEN..].to_vec()));
    let digest = scene.build.records[0].0.digest;
    scene.put_kernel(image, digest);
}

fn flip(scene: &mut Scene, at: usize) {
    scene.change(0, |kernel| kernel[at] ^= 1);
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Images);
    unsigned(&mut all);
    altered(&mut all);
    signatures(&mut all);
    tables(&mut all);
    chains(&mut all);
    ukis(&mut all);
    elf(&mut all);
    ways(&mut all);
    all.made
}

fn unsigned(all: &mut Cases) {
    refused! { all;
        "a kernel that nobody signed":
            bzimage, |it| put(it, small_image()) => KERNEL, "unsigned";
        "a kernel whose signature was cut off":
            bzimage, |it| {
                it.change(0, |kernel| {
                    kernel.truncate(LEN);
                    kernel[CERTIFICATE_DIRECTORY..CERTIFICATE_DIRECTORY + 8].fill(0);
                })
            } => KERNEL, "unsigned";
        "an ELF kernel whose signature was cut off":
            vmlinux_appended, |it| it.put_kernel(vmlinux(), sha256(&vmlinux())) => KERNEL, "unsigned";
        "a kernel whose digest isn't the one that the MOK list has":
            by_listed_digest, |it| flip(it, 0x500) => KERNEL, "unsigned";
        "a manifest that nobody signed":
            by_manifest, |it| { it.build.records.pop(); } => Component::Manifest, "unsigned";
    }
}

fn altered(all: &mut Cases) {
    refused! { all;
        "a kernel with one bit of its code changed":
            bzimage, |it| flip(it, 0x500) => KERNEL, "digest-mismatch";
        "a kernel with one bit of its setup header changed":
            bzimage, |it| flip(it, 0x236) => KERNEL, "digest-mismatch";
        "a kernel with the name of a section changed":
            bzimage, |it| flip(it, 0xf9) => KERNEL, "digest-mismatch";
        "a kernel with its entry point changed":
            bzimage, |it| flip(it, 0x58 + 17) => KERNEL, "digest-mismatch";
        "a kernel whose changed byte is in no section, but before the first":
            bzimage, |it| flip(it, 0x1e8) => KERNEL, "digest-mismatch";
    }
    all.survived(
        "a kernel with its CheckSum changed, which no signature covers", bzimage,
        |it| flip(it, CHECKSUM),
        "the field lies before the setup header, where nothing is read at boot: what is written is the signed kernel",
        |plan| assert_eq!(plan.writes[0].bytes[..], small_image()[0x400..]),
    );
    refused! { all;
        "a multiboot2 kernel with one bit changed":
            multiboot2, |it| flip(it, 0xf0) => KERNEL, "not-in-manifest";
        "a kernel with one bit changed that a manifest lists":
            by_manifest, |it| it.change(0, |kernel| kernel[0x500] ^= 1) => KERNEL, "not-in-manifest";
    }
}

fn signatures(all: &mut Cases) {
    refused! { all;
        "a signature by a key that nobody trusts":
            bzimage, |it| signed_by(it, &Cert::leaf(5, 4), &[]) => KERNEL, "unknown-signer";
        "a certificate that names the trusted one as its issuer, and that it didn't sign":
            bzimage, |it| {
                signed_by(
                    it,
                    &Cert {
                        issuer: 1,
                        serial: 1,
                        issuer_key: 9,
                        ..Cert::leaf(9, 1)
                    },
                    &[],
                )
            } => KERNEL, "unknown-signer";
        "the trusted certificate named as the signer, and another key's signature":
            bzimage, |it| forged(it, |forge| forge.signing_key = 9) => KERNEL, "bad-signature";
        "content changed to the altered image's digest, the signature kept":
            bzimage, |it| {
                let mut forge = Forge::new(&signer());
                // The attributes, and the signature of them, stay those of the first content.
                let digest = baton_samples::forge::sha256(&forge.content[2..]);
                forge.attributes.push(message_digest(&digest));
                forge.derive_message_digest = false;
                forge.image[0x500] ^= 1;
                forge.content =
                    indirect_data(baton_samples::forge::SHA256, &authenticode(&forge.image));
                put(it, forge.build());
            } => KERNEL, "bad-signature";
        "a signature without the digest of its content among the attributes":
            bzimage, |it| forged(it, |forge| forge.derive_message_digest = false) => KERNEL, "malformed-signature";
        "a signature with two digests of its content":
            bzimage,
            |it| forged(it, |forge| forge.attributes.push(message_digest(&[7; 32]))) => KERNEL, "malformed-signature";
        "a signature whose attributes say that it is of another type of content":
            bzimage,
            |it| forged(it, |forge| forge.attributes = vec![content_type(DATA)]) => KERNEL, "malformed-signature";
        "a signature with a second signer behind the first":
            bzimage,
            |it| forged(it, |forge| forge.more_signers = forge.signer_info()) => KERNEL, "malformed-signature";
        "a digest made with SHA-1, which can be given a second image":
            bzimage, |it| {
                forged(it, |forge| {
                    forge.digest_algorithm = seq(&[oid(SHA1), null()])
                })
            } => KERNEL, "unsupported-algorithm";
        "a right signature that osslsigncode made with SHA-1":
            bzimage, |it| {
                it.gate.keys = fixture("root.der");
                put(it, fixture("osslsigncode-sha1.efi"));
            } => KERNEL, "unsupported-algorithm";
        "a right signature by a trusted key of 1024 bits, which can be factored":
            bzimage, |it| {
                it.gate.keys = fixture("weak.der");
                put(it, fixture("sbsign-rsa1024.efi"));
            } => KERNEL, "unusable-key";
        "a right signature by a trusted key with exponent 3, whose padding can be forged":
            bzimage, |it| {
                it.gate.keys = fixture("e3.der");
                put(it, fixture("sbsign-e3.efi"));
            } => KERNEL, "unusable-key";
        "a signature of another version than there is":
            bzimage, |it| forged(it, |forge| forge.signer_version = int(2)) => KERNEL, "malformed-signature";
        "an ECDSA signature of zeros, which a careless verifier takes for any content":
            bzimage,
            |it| forged(it, |forge| forge.signature = Some(seq(&[int(0), int(0)]))) => KERNEL, "bad-signature";
        "hash algorithms that differ between a signature and its content":
            bzimage, |it| {
                forged(it, |forge| {
                    forge.digest_algorithms = set(&[seq(&[oid(baton_samples::forge::SHA384), null()])])
                })
            } => KERNEL, "malformed-signature";
    }
}

fn tables(all: &mut Cases) {
    refused! { all;
        "bytes hidden after the signature within its entry (the shape of CVE-2013-3900)":
            bzimage, |it| {
                forged(it, |forge| {
                    forge.trailing = b"a payload that nobody signed".to_vec()
                })
            } => KERNEL, "malformed-signature";
        "bytes hidden in the padding after the signature":
            bzimage, |it| {
                table(it, |mut table| {
                    let length = u32::from_le_bytes(table[..4].try_into().expect("4")) as usize;
                    assert!(length < table.len(), "there is padding");
                    *table.last_mut().expect("some") = 1;
                    table
                })
            } => KERNEL, "bad-image";
        "bytes after the certificate table":
            bzimage, |it| it.change(0, |kernel| kernel.extend([0x90; 64])) => KERNEL, "bad-image";
        "an entry of length zero in the certificate table":
            bzimage, |it| table(it, |table| [&[0; 8][..], &table].concat()) => KERNEL, "bad-image";
        "an entry that says it is longer than the table":
            bzimage, |it| { table(it, |mut table| { table[3] = 0x7f; table }) } => KERNEL, "bad-image";
        "an entry that isn't PKCS#7, before the one that is":
            bzimage, |it| {
                table(it, |table| {
                    let mut other = win_certificate(&[0; 16]);
                    other[6] = 1; // WIN_CERT_TYPE_X509
                    [other, table].concat()
                })
            } => KERNEL, "malformed-signature";
        "nine signatures, so that one more is tried than the reader has room for":
            bzimage, |it| table(it, |table| table.repeat(9)) => KERNEL, "too-many-signatures";
        "a certificate table that lies over the code":
            bzimage, |it| {
                let digest = it.build.records[0].0.digest;
                let mut image = it.kernel().clone();
                let at = CERTIFICATE_DIRECTORY;
                image[at..at + 4].copy_from_slice(&0x400_u32.to_le_bytes());
                it.put_kernel(image, digest);
            } => KERNEL, "bad-image";
        "a certificate table whose end wraps around 4 GiB":
            bzimage, |it| {
                let digest = it.build.records[0].0.digest;
                let mut image = it.kernel().clone();
                let at = CERTIFICATE_DIRECTORY + 4;
                image[at..at + 4].copy_from_slice(&0xffff_fff8_u32.to_le_bytes());
                it.put_kernel(image, digest);
            } => KERNEL, "bad-image";
        "a signature in a BER form that has no length":
            bzimage, |it| {
                table(it, |_| {
                    let mut pkcs7 = Forge::new(&signer()).pkcs7();
                    assert_eq!(pkcs7[..2], [0x30, 0x82]);
                    pkcs7.splice(1..4, [0x80]);
                    pkcs7.extend([0, 0]);
                    win_certificate(&pkcs7)
                })
            } => KERNEL, "malformed-signature";
    }
}

fn chains(all: &mut Cases) {
    refused! { all;
        "a signer whom an ordinary certificate of a trusted authority issued":
            chain, |it| signed_by(it, &Cert::leaf(3, 2), &[&Cert::leaf(2, 1)]) => KERNEL, "not-an-issuer";
        "a signer below an authority that may issue no further authorities":
            chain, |it| {
                let limited = Cert {
                    extensions: vec![basic_constraints(true, Some(0))],
                    ..Cert::leaf(2, 1)
                };
                signed_by(it, &Cert::leaf(4, 3), &[&Cert::ca(3, 2), &limited]);
            } => KERNEL, "not-an-issuer";
        "a signer below an authority with a critical limit that isn't understood":
            chain, |it| {
                let strange = Cert::ca(2, 1).with(extension("1.2.3.4", true, &null()));
                signed_by(it, &Cert::leaf(3, 2), &[&strange]);
            } => KERNEL, "not-an-issuer";
        "a chain of five certificates":
            chain, |it| {
                signed_by(
                    it,
                    &Cert::leaf(5, 4),
                    &[&Cert::ca(4, 3), &Cert::ca(3, 2), &Cert::ca(2, 1)],
                )
            } => KERNEL, "chain-too-long";
        "an intermediate certificate of the right name with another key":
            chain, |it| {
                signed_by(
                    it,
                    &Cert::leaf(3, 2),
                    &[&Cert {
                        issuer_key: 9,
                        ..Cert::ca(2, 1)
                    }],
                )
            } => KERNEL, "unknown-signer";
        "two authorities that vouch for each other alone":
            chain,
            |it| signed_by(it, &Cert::leaf(5, 6), &[&Cert::ca(6, 7), &Cert::ca(7, 6)]) => KERNEL, "unknown-signer";
        "a maze of certificates of one name, to keep the verifier busy":
            chain, |it| {
                // Each is named as the signer's issuer, and none signed it.
                let maze: Vec<Cert> = (10..16)
                    .map(|key| Cert {
                        issuer_key: key,
                        serial: key,
                        ..Cert::ca(6, 6)
                    })
                    .collect();
                signed_by(it, &Cert::leaf(5, 6), &maze.iter().collect::<Vec<_>>());
            } => KERNEL, "chain-too-long";
    }
}

fn ukis(all: &mut Cases) {
    fn section(scene: &mut Scene, text: &[u8]) {
        scene.change(0, |image| {
            let at = image.windows(text.len()).position(|window| window == text);
            image[at.expect("it is in there")] ^= 1;
        });
    }
    refused! { all;
        "a UKI with one bit of its initrd changed":
            uki, |it| section(it, b"the UKI's initrd") => KERNEL, "digest-mismatch";
        "a UKI with one bit of its command line changed, and that line":
            uki, |it| { section(it, UKI_LINE); it.line[0] ^= 1; } => KERNEL, "digest-mismatch";
        "a UKI with its initrd's section renamed, so that it boots without":
            uki, |it| section(it, b".initrd") => KERNEL, "digest-mismatch";
        "a UKI that nobody signed, around a kernel that a trusted key signed":
            uki, |it| {
                let kernel = Forge::new(&signer()).build();
                put(it, pe_image(&[(".linux", &kernel), (".cmdline", UKI_LINE)]));
            } => KERNEL, "unsigned";
        "a second `.linux` in a signed UKI, which one reader boots and another shows":
            uki, |it| {
                put(
                    it,
                    signed_image(pe_image(&[
                        (".linux", &small_image()),
                        (".linux", &other_image()),
                        (".cmdline", UKI_LINE),
                    ])),
                )
            } => KERNEL, "bad-uki";
        "an addon that nobody signed":
            uki_with_addon, |it| {
                let addon = pe_image(&[(".cmdline", b"debug")]);
                it.put(1, addon.clone(), authenticode(&addon));
            } => Component::Addon(0), "unsigned";
    }
}

/// A policy that accepts these ways of vouching for a kernel alone.
fn accepting(mut scene: Scene, ways: u8) -> Scene {
    let rules = rules([ways, 7, 5, 0], "", &[]);
    scene.gate.policy = policy("one way", "", [&rules, &rules], &[]);
    scene
}

fn uki_alone() -> Scene {
    accepting(uki(), KernelSignature::Uki as u8)
}

fn manifest_alone() -> Scene {
    accepting(by_manifest(), KernelSignature::Manifest as u8)
}

fn ways(all: &mut Cases) {
    const CODE: &str = "not-accepted";
    refused! { all;
        "a signed kernel that is no UKI, where the policy accepts UKIs alone":
            uki_alone, |it| { put(it, Forge::new(&signer()).build()); } => KERNEL, CODE;
        "a UKI with a signature beside it, where the policy accepts one within alone":
            uki_alone, |it| {
                let image = pe_image(&[(".linux", &small_image()), (".cmdline", UKI_LINE)]);
                it.put_kernel(image.clone(), sha256(&image));
                it.build = it.build.clone().signature(0, &image);
            } => KERNEL, CODE;
        "a kernel that is signed itself, where the policy accepts a manifest alone":
            manifest_alone, |it| { it.build = bzimage().build; } => KERNEL, CODE;
    }
}

fn elf(all: &mut Cases) {
    refused! { all;
        "an ELF kernel with one bit of its code changed, its signature appended":
            vmlinux_appended, |it| {
                let digest = it.build.records[0].0.digest;
                let mut file = it.kernel().clone();
                file[0x110] ^= 1;
                it.put_kernel(file, digest);
            } => KERNEL, "digest-mismatch";
        "an appended signature that says it is longer than the file":
            vmlinux_appended, |it| {
                it.change(0, |file| {
                    let at = file.len() - 32;
                    file[at] = 0x7f;
                })
            } => KERNEL, "malformed-signature";
        "an appended signature behind another one, of the kernel without it":
            vmlinux_appended, |it| {
                it.change(0, |file| {
                    *file = with_appended(file, &sign(b"something else"))
                })
            } => KERNEL, "digest-mismatch";
        "an ELF kernel with one bit changed, its signature in a note":
            vmlinux_noted, |it| it.change(0, |file| file[0x110] ^= 1) => KERNEL, "digest-mismatch";
        "a signature in a note, damaged":
            vmlinux_noted, |it| it.change(0, |file| file[DESCRIPTOR + 2] ^= 0x40) => KERNEL, "malformed-signature";
        "an ELF kernel with one bit changed, its signature beside it":
            vmlinux_detached, |it| it.change(0, |file| file[0x110] ^= 1) => KERNEL, "digest-mismatch";
        "an ELF kernel with code added after its end":
            vmlinux_detached, |it| it.change(0, |file| file.extend([0x90; 16])) => KERNEL, "digest-mismatch";
        "a kernel signed in one way by nobody trusted, and in no other":
            vmlinux_detached, |it| {
                let forge =
                    baton_samples::forge_detached::ForgeDetached::new(&vmlinux(), &Cert::leaf(5, 4))
                        .build();
                it.put(1, forge.clone(), sha256(&forge));
            } => KERNEL, "unknown-signer";
    }
}
