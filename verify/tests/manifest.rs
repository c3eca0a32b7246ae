//! Manifests: who must have signed them, and what they vouch for.
#![allow(missing_docs)]

use baton_samples::flips::accepted_flips;
use baton_samples::forge::{Cert, Forge};
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::small_image::small_image;
use baton_samples::{SHA256, signature_list};
use baton_verify::{
    HashAlgorithm, Reason, RevocationSource, SignatureKind, Trust, VerifiedManifest, verify_kernel,
};

fn signer() -> Cert {
    Cert::leaf(2, 1)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = HashAlgorithm::Sha256.hash([bytes]);
    digest.as_bytes().try_into().expect("32 bytes")
}

fn line(what: &str, bytes: &[u8]) -> String {
    let digest: String = sha256(bytes).iter().map(|b| format!("{b:02x}")).collect();
    format!("{what} sha256 {digest} {}\n", bytes.len())
}

fn manifest(lines: &[String]) -> String {
    format!("baton-manifest 1\n{}", lines.concat())
}

fn sign(text: &str) -> Vec<u8> {
    ForgeDetached::new(text.as_bytes(), &signer()).build()
}

/// What `judge` makes of a manifest signed by key 2, where key 1 is trusted.
fn with_manifest<T>(
    text: &str,
    judge: impl FnOnce(&VerifiedManifest<'_>, &Trust<'_>) -> T,
) -> Result<T, Reason> {
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let manifest = VerifiedManifest::verify(text.as_bytes(), &sign(text), &trust)?;
    Ok(judge(&manifest, &trust))
}

/// The way in which `kernel` is vouched for, or the code of the refusal.
fn judge_kernel(text: &str, kernel: &[u8]) -> Result<SignatureKind, &'static str> {
    with_manifest(text, |manifest, trust| {
        verify_kernel(kernel, None, Some(manifest), trust)
            .map(|verified| {
                assert_eq!(verified.bytes(), kernel);
                assert_eq!(verified.signer(), manifest.signer());
                assert_eq!(verified.digest(), sha256(kernel));
                verified.signature_kind()
            })
            .map_err(|reason| reason.code())
    })
    .expect("the manifest is trusted")
}

#[test]
fn vouches_for_a_kernel_of_any_format_by_its_digest() {
    for kernel in [small_image(), b"any format".to_vec()] {
        let text = manifest(&[line("kernel", &kernel)]);
        assert_eq!(judge_kernel(&text, &kernel), Ok(SignatureKind::Manifest));
    }
}

#[test]
fn refuses_another_kernel_than_the_one_it_lists() {
    let text = manifest(&[line("kernel", b"kernel")]);
    for other in [&b"kernal"[..], b"kernel\0", b"kerne"] {
        assert_eq!(judge_kernel(&text, other), Err("not-in-manifest"));
    }
}

#[test]
fn refuses_the_right_digest_with_another_length() {
    let text = manifest(&[line("kernel", b"kernel").replace(" 6\n", " 7\n")]);
    assert_eq!(judge_kernel(&text, b"kernel"), Err("not-in-manifest"));
}

#[test]
fn vouches_for_no_kernel_if_it_lists_none() {
    let text = manifest(&[line("initrd", b"kernel")]);
    assert_eq!(judge_kernel(&text, b"kernel"), Err("unsigned"));
}

#[test]
fn vouches_for_a_kernel_whose_own_signer_is_unknown() {
    let kernel = Forge::new(&Cert::leaf(9, 8)).build();
    let text = manifest(&[line("kernel", &kernel)]);
    assert_eq!(judge_kernel(&text, &kernel), Ok(SignatureKind::Manifest));
}

#[test]
fn refuses_a_revoked_kernel_that_it_lists() {
    let kernel = small_image();
    let pe = baton_formats::pe::Pe::parse(&kernel).expect("an image");
    let authenticode = HashAlgorithm::Sha256.hash(pe.digest_parts());
    let text = manifest(&[line("kernel", &kernel)]);
    let key = Cert::ca(1, 1).der();
    for digest in [authenticode.as_bytes(), &sha256(&kernel)] {
        let list = signature_list(&SHA256, &[digest]);
        let trust = Trust::new()
            .add_keys(&key)
            .and_then(|trust| trust.add_revocations(&list, RevocationSource::MokListX))
            .expect("well-formed");
        let signature = sign(&text);
        let manifest =
            VerifiedManifest::verify(text.as_bytes(), &signature, &trust).expect("trusted");
        let verdict = verify_kernel(&kernel, None, Some(&manifest), &trust).map(|_| ());
        assert_eq!(verdict, Err(Reason::RevokedImage { list: "MokListXRT" }));
    }
}

#[test]
fn vouches_for_initrds_in_their_places() {
    let text = manifest(&[line("initrd", b"first"), line("initrd", b"second")]);
    let check = |index, bytes: &[u8]| {
        with_manifest(&text, |manifest, _| {
            manifest
                .check_initrd(index, bytes.len(), &sha256(bytes))
                .map_err(|reason| reason.code())
        })
        .expect("trusted")
    };
    assert_eq!(check(0, b"first"), Ok(()));
    assert_eq!(check(1, b"second"), Ok(()));
    assert_eq!(check(0, b"second"), Err("not-in-manifest"));
    assert_eq!(check(1, b"first"), Err("not-in-manifest"));
    assert_eq!(check(2, b"third"), Err("not-in-manifest"));
}

#[test]
fn says_nothing_about_initrds_if_it_lists_none() {
    let text = manifest(&[line("kernel", b"kernel")]);
    let verdict = with_manifest(&text, |manifest, _| manifest.check_initrd(0, 1, &[0; 32]));
    assert_eq!(verdict, Ok(Err(Reason::Unsigned)));
}

#[test]
fn rules_the_command_line() {
    let check = |rule: &str, command_line: &[u8]| {
        let text = manifest(&[line("kernel", b"kernel"), rule.to_string()]);
        with_manifest(&text, |manifest, _| {
            manifest
                .check_command_line(command_line)
                .map_err(|reason| reason.code())
        })
        .expect("trusted")
    };
    let refused = Err("command-line-not-in-manifest");
    assert_eq!(check("", b"anything"), Ok(()));
    assert_eq!(check("cmdline quiet\n", b"quiet"), Ok(()));
    assert_eq!(check("cmdline quiet\n", b"quiet debug"), refused);
    assert_eq!(check("cmdline-prefix quiet\n", b"quiet debug"), Ok(()));
    assert_eq!(check("cmdline-prefix quiet\n", b"quieter"), refused);
}

#[test]
fn refuses_a_manifest_by_an_unknown_signer() {
    let text = manifest(&[line("kernel", b"kernel")]);
    let key = Cert::ca(5, 5).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let verdict = VerifiedManifest::verify(text.as_bytes(), &sign(&text), &trust);
    assert_eq!(verdict.unwrap_err().code(), "unknown-signer");
}

#[test]
fn refuses_what_is_signed_and_no_manifest() {
    let verdict = with_manifest("kernel sha256\n", |_, _| ());
    assert_eq!(verdict.unwrap_err().code(), "bad-manifest");
}

#[test]
fn refuses_another_manifests_signature() {
    let (text, other) = (
        manifest(&[line("kernel", b"kernel")]),
        manifest(&[line("kernel", b"other")]),
    );
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let verdict = VerifiedManifest::verify(text.as_bytes(), &sign(&other), &trust);
    assert_eq!(verdict.unwrap_err().code(), "digest-mismatch");
}

#[test]
fn refuses_every_flip_of_a_manifest_and_of_its_signature() {
    let text = manifest(&[line("kernel", b"kernel"), "cmdline quiet\n".to_string()]);
    let (text, signature) = (text.as_bytes(), sign(&text));
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    assert!(VerifiedManifest::verify(text, &signature, &trust).is_ok());
    let accepted = accepted_flips(text, 0..text.len(), |flipped| {
        VerifiedManifest::verify(flipped, &signature, &trust).is_ok()
    });
    assert_eq!(accepted, []);
    let accepted = accepted_flips(&signature, 0..signature.len(), |flipped| {
        VerifiedManifest::verify(text, flipped, &trust).is_ok()
    });
    assert_eq!(accepted, []);
}
