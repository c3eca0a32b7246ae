//! Files that begin as one thing and hold what makes another of them: whatever is signed, and under whatever
//! policy, each is what its first bytes say, and nothing else.
#![allow(missing_docs)]

use baton_formats::bzimage::BzImage;
use baton_formats::handover;
use baton_formats::multiboot2::Multiboot2;
use baton_formats::policy::Policy;
use baton_samples::build::*;
use baton_samples::forge::Cert;
use baton_samples::other_formats::*;
use baton_samples::policy::{policy, rules};
use baton_samples::small_elf::small_elf;
use baton_samples::small_image::small_image;
use baton_verify::{Component, Machine, Trust, decide};

/// What a file may be by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    Linux,
    Initrd,
    Manifest,
    Nothing,
}

/// How files begin, each shorter than where a setup header lies.
fn beginnings() -> Vec<(&'static str, Vec<u8>, Is)> {
    let text = manifest(&[line("kernel", b"kernel")]);
    vec![
        ("PE", small_image()[..0x1f0].to_vec(), Is::Linux),
        ("ELF of Linux", vmlinux(), Is::Linux),
        ("another ELF", small_elf(0), Is::Nothing),
        ("ELF with PVH", pvh(), Is::Nothing),
        ("archive", b"070701".to_vec(), Is::Initrd),
        ("archive with checksums", b"070702".to_vec(), Is::Initrd),
        ("gzip", b"\x1f\x8b\x08".to_vec(), Is::Initrd),
        ("bzip2", b"BZh9".to_vec(), Is::Initrd),
        ("lzma", b"\x5d\0\0".to_vec(), Is::Initrd),
        ("xz", b"\xfd7zXZ\0".to_vec(), Is::Initrd),
        ("lzo", b"\x89LZO\0\r\n\x1a\n".to_vec(), Is::Initrd),
        ("lz4", b"\x02\x21\x4c\x18".to_vec(), Is::Initrd),
        ("zstd", b"\x28\xb5\x2f\xfd".to_vec(), Is::Initrd),
        ("padded archive", b"\0\0\0\x00070701".to_vec(), Is::Initrd),
        ("manifest", text.into_bytes(), Is::Manifest),
        ("certificate", Cert::ca(1, 1).der(), Is::Nothing),
        ("handover", handover::MAGIC.to_vec(), Is::Nothing),
        ("text", b"Dear administrator,".to_vec(), Is::Nothing),
        ("zeros", vec![0; 16], Is::Nothing),
    ]
}

type Put = fn(Vec<u8>) -> Vec<u8>;

/// What other readers look for, further on.
fn insides() -> [(&'static str, Put); 3] {
    fn setup_header(mut file: Vec<u8>) -> Vec<u8> {
        file.resize(file.len().max(0x800), 0);
        file[0x1f1..0x270].copy_from_slice(&small_image()[0x1f1..0x270]);
        assert!(BzImage::recognises(&file));
        file
    }
    fn multiboot2(mut file: Vec<u8>) -> Vec<u8> {
        file.resize(file.len().next_multiple_of(0x400), 0);
        file.extend(flat_multiboot2());
        assert!(Multiboot2::parse(&file).is_ok());
        file
    }
    fn both(file: Vec<u8>) -> Vec<u8> {
        multiboot2(setup_header(file))
    }
    [
        ("a setup header", setup_header),
        ("a multiboot2 kernel", multiboot2),
        ("both", both),
    ]
}

/// What `stock`, `signed-initrd` and `sealed` accept.
fn policies() -> [(&'static str, Vec<u8>); 3] {
    let of = |accepted| {
        let rules = rules(accepted, "", &[]);
        policy("", "", [&rules, &rules], &[])
    };
    [
        ("stock", Policy::stock().as_bytes().to_vec()),
        ("signed-initrd", of([0x7f, 6, 5, 0])),
        ("sealed", of([0x42, 4, 5, 0])),
    ]
}

/// The part that is refused, and the reason's code.
fn judge(build: &Build, compact: &[u8]) -> Result<(), (Component, &'static str)> {
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let trust = trust.under(Policy::parse(compact).expect("well-formed"));
    decide(
        &build.blob(),
        b"",
        Machine::SECURE,
        &trust.expect("well-formed"),
    )
    .map(|_| ())
    .map_err(|refusal| (refusal.component, refusal.reason.code()))
}

fn each_pair(check: impl Fn(&str, &str, &[u8], Is, &[u8])) {
    for (beginning, start, is) in beginnings() {
        for (inside, put) in insides() {
            let file = put(start.clone());
            for (name, compact) in policies() {
                let what = format!("{beginning} with {inside} under {name}");
                check(&what, name, &file, is, &compact);
            }
        }
    }
}

#[test]
fn no_signature_makes_a_kernel_of_what_does_not_begin_as_linux() {
    each_pair(|what, name, file, is, compact| {
        let digest = sha256(file);
        let trailer = baton_formats::module_signature::trailer;
        let signature = sign(file);
        let length = u32::try_from(signature.len()).expect("short");
        let appended = [file, &signature, &trailer(length)].concat();
        for build in [
            Build::kernel(file, digest).signature(0, file),
            Build::kernel(&appended, digest),
        ] {
            // A signed initrd goes with it, so that its lack is nothing that is refused.
            let build = with_signed_initrd(build);
            let said = judge(&build, compact);
            let refused = matches!(
                said,
                Err((_, "only-by-manifest" | "unknown-format" | "bad-image"))
            );
            match (is, name) {
                (_, "sealed") => assert!(said.is_err(), "{what}"),
                (Is::Linux, _) => assert!(!is_for_its_role(said), "{what}: {said:?}"),
                _ => assert!(refused, "{what}: {said:?}"),
            }
        }
    });
}

/// Whether a kernel is refused because a signature doesn't count for one.
fn is_for_its_role(said: Result<(), (Component, &'static str)>) -> bool {
    said.is_err_and(|(_, code)| ["only-by-manifest", "unknown-format"].contains(&code))
}

fn with_signed_initrd(build: Build) -> Build {
    const INITRD: &[u8] = b"070701 an initrd";
    let mut records = build.records;
    let (part, bytes) = Build::kernel(INITRD, sha256(INITRD)).records.remove(0);
    let initrd = baton_formats::handover::PlannedRecord {
        kind: handover::RecordKind::Initrd,
        ..part
    };
    records.insert(1, (initrd, bytes));
    Build {
        records,
        ..Build::default()
    }
    .signature(1, INITRD)
}

#[test]
fn no_signature_makes_an_initrd_of_what_does_not_begin_as_one() {
    each_pair(|what, name, file, is, compact| {
        let build = Build::signed().initrd(file).signature(1, file);
        let said = judge(&build, compact);
        match (is, name) {
            (Is::Initrd, "sealed") => {
                assert_eq!(said, Err((Component::Initrd(0), "not-accepted")), "{what}");
            }
            (Is::Initrd, _) => assert_eq!(said, Ok(()), "{what}"),
            _ => assert_eq!(said, Err((Component::Initrd(0), "not-an-initrd")), "{what}"),
        }
    });
}

#[test]
fn no_signature_makes_a_manifest_of_what_is_none() {
    each_pair(|what, _, file, _, compact| {
        let build = Build::signed()
            .with(handover::RecordKind::Manifest, file, sha256(file), 0)
            .signature(1, file);
        let said = judge(&build, compact);
        assert_eq!(said, Err((Component::Manifest, "bad-manifest")), "{what}");
    });
}
