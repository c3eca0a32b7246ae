//! Handovers with detached signatures and manifests: everything signed must be as it was signed.
#![allow(missing_docs)]

use baton_formats::handover::RecordKind;
use baton_formats::verdict;
use baton_samples::build::*;
use baton_samples::flips::accepted_flips;
use baton_samples::forge::Cert;
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::vmlinux;
use baton_samples::small_elf::signed_elf;
use baton_samples::small_image::small_image;
use baton_verify::{Component, Decision, Machine, SignatureKind, Trust, Vouched, decide};

/// Of the unsigned kernel and two initrds.
fn full_manifest() -> String {
    manifest(&[
        line("kernel", &small_image()),
        line("initrd", b"first"),
        line("initrd", b"second"),
        "cmdline quiet\n".to_string(),
    ])
}

/// Begins as an initrd does.
const SIGNED: &[u8] = b"\x1f\x8b\x08 compressed";

fn full() -> Build {
    Build::bare()
        .initrd(b"first")
        .initrd(b"second")
        .signed_manifest(&full_manifest())
}

fn initrds<'d>(decision: &'d Decision<'_>) -> Vec<&'d Vouched> {
    let of = |kind| decision.parts.iter().filter(move |part| part.kind == kind);
    of(verdict::ComponentKind::Initrd)
        .map(|part| &part.vouched)
        .collect()
}

#[test]
fn a_manifest_vouches_for_an_unsigned_kernel_and_two_initrds() {
    judge(&full(), b"quiet", |decision| {
        assert_eq!(decision.kernel.signature_kind(), SignatureKind::Manifest);
        let signer = decision.manifest.as_ref().expect("there").signer().clone();
        assert_eq!(signer.subject, "key 2");
        let by_manifest = Vouched {
            signature_kind: SignatureKind::Manifest,
            signer: Some(signer),
        };
        assert_eq!(initrds(&decision), [&by_manifest, &by_manifest]);
        let last = decision.parts.last().expect("the command line");
        assert_eq!(last.kind, verdict::ComponentKind::CommandLine);
        assert_eq!((last.size, &last.vouched), (5, &by_manifest));
    })
    .expect("accepted");
}

#[test]
fn detached_signatures_vouch_for_a_kernel_and_an_initrd() {
    let build = Build::bare()
        .initrd(b"first")
        .initrd(SIGNED)
        .signature(0, &small_image())
        .signature(2, SIGNED);
    judge(&build, b"", |decision| {
        assert_eq!(decision.kernel.signature_kind(), SignatureKind::Detached);
        let signer = decision.kernel.signer().clone();
        let [first, second] = initrds(&decision)[..] else {
            panic!("there are two");
        };
        assert_eq!(
            (first.signature_kind, &first.signer),
            (SignatureKind::Unsigned, &None)
        );
        assert_eq!(
            (second.signature_kind, &second.signer),
            (SignatureKind::Detached, &Some(signer))
        );
        assert!(decision.manifest.is_none());
    })
    .expect("accepted");
}

#[test]
fn a_detached_signature_vouches_only_for_what_begins_as_an_initrd() {
    for other in [
        small_image(),
        vmlinux(),
        full_manifest().into_bytes(),
        b"a signed text".to_vec(),
    ] {
        let build = Build::signed().initrd(&other).signature(1, &other);
        let not = (Component::Initrd(0), "not-an-initrd");
        assert_eq!(refusal(&build, b""), not);
        // What a manifest calls an initrd is one, whatever else is signed of it.
        let text = manifest(&[line("initrd", &other)]);
        let listed = Build::signed()
            .initrd(&other)
            .manifest(&text)
            .signature(1, &other)
            .signature(2, text.as_bytes());
        assert!(judge(&listed, b"", |_| ()).is_ok());
    }
}

#[test]
fn refuses_a_signature_of_something_else_even_where_none_is_needed() {
    let kernel = Build::signed().signature(0, b"other");
    assert_eq!(
        refusal(&kernel, b""),
        (Component::Kernel, "digest-mismatch")
    );
    let initrd = Build::signed().initrd(b"first").signature(1, b"other");
    assert_eq!(
        refusal(&initrd, b""),
        (Component::Initrd(0), "digest-mismatch")
    );
}

#[test]
fn refuses_a_damaged_signature_and_a_damaged_manifest() {
    let signature = sign(b"first");
    let damaged = Build::signed().initrd(b"first").with(
        RecordKind::Signature,
        &signature,
        sha256(b"another"),
        1,
    );
    assert_eq!(
        refusal(&damaged, b""),
        (Component::Signature(2), "record-altered")
    );
    let text = full_manifest();
    let damaged = Build::bare()
        .with(RecordKind::Manifest, text.as_bytes(), sha256(b"another"), 0)
        .signature(1, text.as_bytes());
    assert_eq!(
        refusal(&damaged, b"quiet"),
        (Component::Manifest, "record-altered")
    );
}

#[test]
fn refuses_a_manifest_without_a_trusted_signature() {
    let text = full_manifest();
    let unsigned = Build::bare().manifest(&text);
    assert_eq!(
        refusal(&unsigned, b"quiet"),
        (Component::Manifest, "unsigned")
    );
    let transplanted = Build::bare().manifest(&text).signature(1, b"other");
    assert_eq!(
        refusal(&transplanted, b"quiet"),
        (Component::Manifest, "digest-mismatch")
    );
}

#[test]
fn refuses_initrds_that_the_manifest_does_not_list_so() {
    let of = |initrds: &[&[u8]]| {
        let build = Build::bare();
        let build = initrds
            .iter()
            .fold(build, |build, bytes| build.initrd(bytes));
        refusal(&build.signed_manifest(&full_manifest()), b"quiet")
    };
    let initrd = Component::Initrd;
    assert_eq!(of(&[b"second", b"first"]), (initrd(0), "not-in-manifest"));
    assert_eq!(of(&[b"first", b"other"]), (initrd(1), "not-in-manifest"));
    assert_eq!(
        of(&[b"first", b"second", b"third"]),
        (initrd(2), "not-in-manifest")
    );
    assert_eq!(of(&[b"first"]), (initrd(1), "missing-initrd"));
    assert_eq!(of(&[]), (initrd(0), "missing-initrd"));
}

#[test]
fn refuses_another_kernel_than_the_manifests_even_if_signed_itself() {
    let text = manifest(&[line("kernel", &small_image())]);
    let build = Build::signed().signed_manifest(&text);
    assert_eq!(refusal(&build, b""), (Component::Kernel, "not-in-manifest"));
    // Of one that lists none, the kernel may be any.
    let text = manifest(&[line("initrd", b"first")]);
    let build = Build::signed().initrd(b"first").signed_manifest(&text);
    let signature_kind = judge(&build, b"", |decision| decision.kernel.signature_kind());
    assert_eq!(signature_kind, Ok(SignatureKind::Authenticode));
}

#[test]
fn refuses_a_command_line_that_the_manifest_does_not_allow() {
    for wrong in [&b""[..], b"quiet debug", b"debug quiet", b"quiet "] {
        assert_eq!(
            refusal(&full(), wrong),
            (Component::CommandLine, "command-line-not-in-manifest")
        );
    }
}

#[test]
fn only_the_running_kernels_parameters_may_precede_the_manifests_command_line() {
    let crash = full().crash();
    for right in [
        &b"elfcorehdr=0x1f000 quiet"[..],
        b"elfcorehdr=0x1f000 dmcryptkeys=0x20000 quiet",
    ] {
        assert_eq!(judge(&crash, right, |decision| decision.crash), Ok(true));
    }
    for wrong in [
        &b"elfcorehdr=0x1f000 elfcorehdr=0x1f000 quiet"[..],
        b"elfcorehdr=0x1f000 dmcryptkeys=0x20000 debug quiet",
        b"elfcorehdr=0x1f000, quiet",
        b"elfcorehdr=quiet",
        b"elfcorehdr=0x1f000",
    ] {
        assert_eq!(
            refusal(&crash, wrong),
            (Component::CommandLine, "command-line-not-in-manifest")
        );
    }
    assert_eq!(
        refusal(&full(), b"dmcryptkeys=0x20000 quiet"),
        (Component::CommandLine, "command-line-not-in-manifest")
    );
}

#[test]
fn refuses_another_digest_in_the_handover_than_that_of_what_was_signed() {
    // The Authenticode digest isn't what the manifest lists.
    let image = small_image();
    let build = Build::kernel(&image, authenticode(&image))
        .signed_manifest(&manifest(&[line("kernel", &image)]));
    assert_eq!(
        refusal(&build, b""),
        (Component::Kernel, "handover-digest-mismatch")
    );
}

#[test]
fn refuses_an_elf_file_that_is_no_kernel_even_if_it_is_signed() {
    let (file, unsigned) =
        signed_elf(|content| ForgeDetached::module(content, &Cert::ca(1, 1)).build());
    let build = Build::kernel(&file, sha256(&unsigned));
    assert_eq!(refusal(&build, b""), (Component::Kernel, "unknown-format"));
}

#[test]
fn refuses_every_flip_of_a_header_page_with_signatures_and_a_manifest() {
    let blob = full().blob();
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    assert!(decide(&blob, b"quiet", Machine::SECURE, &trust).is_ok());
    let accepted = accepted_flips(&blob, 0..4096, |flipped| {
        decide(flipped, b"quiet", Machine::SECURE, &trust).is_ok()
    });
    assert_eq!(accepted, []);
}

#[test]
fn refuses_every_truncation_of_a_handover_with_a_manifest() {
    let blob = full().blob();
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    for len in 0..blob.len() {
        assert!(
            decide(&blob[..len], b"quiet", Machine::SECURE, &trust).is_err(),
            "{len}"
        );
    }
}
