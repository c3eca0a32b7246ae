//! All ways of vouching for a kernel: what each covers, and what it is refused for.
#![allow(missing_docs)]

use baton_formats::module_signature::trailer;
use baton_formats::pe::Pe;
use baton_samples::flips::accepted_flips;
use baton_samples::forge::{Cert, Forge};
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::{
    flat_multiboot2, pvh, vmlinux, vmlinux_with_room, with_multiboot2_header,
};
use baton_samples::small_elf::{DESCRIPTOR, signed_elf_of, small_elf};
use baton_samples::small_image::{LEN, small_image};
use baton_samples::{SHA256, fixture, signature_list};
use baton_verify::{
    HashAlgorithm, Reason, RevocationSource, SignatureKind, Trust, Verified, verify_image,
    verify_kernel,
};

/// Key 2, issued by key 1; both are trusted, since some signatures carry no certificate.
fn signer() -> Cert {
    Cert::leaf(2, 1)
}

fn keys() -> Vec<u8> {
    [Cert::ca(1, 1).der(), signer().der()].concat()
}

fn module(content: &[u8]) -> Vec<u8> {
    ForgeDetached::module(content, &signer()).build()
}

fn append(data: &[u8], signature: &[u8]) -> Vec<u8> {
    let len = u32::try_from(signature.len()).expect("short");
    [data, signature, &trailer(len)].concat()
}

fn appended(data: &[u8]) -> Vec<u8> {
    append(data, &module(data))
}

/// Linux with a signature in its note, and before that was put there.
fn signed_vmlinux(sign: impl Fn(&[u8]) -> Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    signed_elf_of(vmlinux_with_room, sign)
}

fn noted() -> Vec<u8> {
    signed_vmlinux(module).0
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = HashAlgorithm::Sha256.hash([bytes]);
    digest.as_bytes().try_into().expect("32 bytes")
}

fn authenticode_digest(image: &[u8]) -> [u8; 32] {
    let pe = Pe::parse(image).expect("an image");
    let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
    digest.as_bytes().try_into().expect("32 bytes")
}

/// By the keys above, and nothing else.
fn judge<'a>(bytes: &'a [u8], detached: Option<&[u8]>) -> Result<Verified<'a>, Reason> {
    let keys = keys();
    let trust = Trust::new().add_keys(&keys).expect("well-formed");
    verify_kernel(bytes, detached, None, &trust)
}

fn code(verdict: Result<Verified<'_>, Reason>) -> &'static str {
    verdict.map_or_else(|reason| reason.code(), |_| "accepted")
}

/// The same, with revoked digests.
fn judge_revoking(bytes: &[u8], detached: Option<&[u8]>, digest: &[u8; 32]) -> &'static str {
    let (keys, list) = (keys(), signature_list(&SHA256, &[digest]));
    let trust = Trust::new()
        .add_keys(&keys)
        .and_then(|trust| trust.add_revocations(&list, RevocationSource::MokListX))
        .expect("well-formed");
    code(verify_kernel(bytes, detached, None, &trust))
}

#[test]
fn accepts_authenticode_just_as_for_an_image() {
    let image = Forge::new(&signer()).build();
    let verified = judge(&image, None).expect("accepted");
    assert_eq!(verified.signature_kind(), SignatureKind::Authenticode);
    assert_eq!(verified.bytes(), &image[..LEN]);
    assert_eq!(verified.digest(), authenticode_digest(&image));
}

#[test]
fn accepts_a_listed_digest_just_as_for_an_image() {
    let image = small_image();
    let list = signature_list(&SHA256, &[&authenticode_digest(&image)]);
    let trust = Trust::new().add_mok_list(&list).expect("well-formed");
    let verified = verify_kernel(&image, None, None, &trust).expect("listed");
    assert_eq!(verified.signature_kind(), SignatureKind::ListedDigest);
    assert_eq!(
        verify_image(&image, &trust)
            .expect("listed")
            .signature_kind(),
        SignatureKind::ListedDigest
    );
}

#[test]
fn a_listed_digest_vouches_for_pe_images_only() {
    let elf = vmlinux();
    let list = signature_list(&SHA256, &[&sha256(&elf)]);
    let trust = Trust::new().add_mok_list(&list).expect("well-formed");
    assert_eq!(code(verify_kernel(&elf, None, None, &trust)), "unsigned");
}

#[test]
fn accepts_an_appended_signature_of_all_before_it() {
    for data in [vmlinux(), small_image()] {
        let file = appended(&data);
        let verified = judge(&file, None).expect("accepted");
        assert_eq!(verified.signature_kind(), SignatureKind::Appended);
        assert_eq!(verified.bytes(), data);
        assert_eq!(verified.digest(), sha256(&data));
        assert_eq!(verified.signer().subject, "key 2");
    }
}

#[test]
fn accepts_a_signature_in_an_elf_note() {
    let (file, unsigned) = signed_vmlinux(module);
    let verified = judge(&file, None).expect("accepted");
    assert_eq!(verified.signature_kind(), SignatureKind::Note);
    assert_eq!(verified.bytes(), file);
    assert_eq!(verified.digest(), sha256(&unsigned));
    assert_eq!(code(judge(&unsigned, None)), "malformed-signature");
}

#[test]
fn accepts_a_note_that_openssl_signed() {
    let (file, key) = (fixture("detached/note.elf"), fixture("detached/linux.der"));
    let trust = Trust::new().add_keys(&key).expect("fixture");
    let verified = verify_kernel(&file, None, None, &trust).expect("accepted");
    assert_eq!(verified.signature_kind(), SignatureKind::Note);
    let room = fixture("detached/module-rsa-keyid.cms").len();
    assert_eq!(verified.digest(), sha256(&vmlinux_with_room(room)));
}

#[test]
fn accepts_a_detached_signature_of_the_whole_file() {
    for file in [vmlinux(), small_image()] {
        let verified = judge(&file, Some(&module(&file))).map(|verified| {
            assert_eq!(verified.bytes(), file);
            assert_eq!(verified.digest(), sha256(&file));
            verified.signature_kind()
        });
        assert_eq!(verified, Ok(SignatureKind::Detached));
    }
}

#[test]
fn digests_with_sha_256_whatever_was_signed_with() {
    let (file, key) = (
        fixture("detached/appended-rsa.elf"),
        fixture("detached/linux.der"),
    );
    let trust = Trust::new().add_keys(&key).expect("fixture");
    let verified = verify_kernel(&file, None, None, &trust).expect("accepted");
    assert_eq!(verified.digest(), sha256(&vmlinux()));
}

#[test]
fn accepts_module_signatures_as_the_kernels_tool_appends_them() {
    for (file, key) in [
        ("appended-rsa", "linux"),
        ("appended-rsa-keyid", "linux"),
        ("appended-p256", "linux-p256"),
    ] {
        let file = fixture(&format!("detached/{file}.elf"));
        let key = fixture(&format!("detached/{key}.der"));
        let trust = Trust::new().add_keys(&key).expect("fixture");
        let verified = verify_kernel(&file, None, None, &trust).expect("accepted");
        assert_eq!(verified.bytes(), vmlinux());
    }
}

#[test]
fn a_signature_makes_a_kernel_only_of_linux_by_its_first_bytes() {
    let mut without_dos_header = small_image();
    without_dos_header[..2].fill(0);
    for (file, expected) in [
        (flat_multiboot2(), "only-by-manifest"),
        (pvh(), "only-by-manifest"),
        (with_multiboot2_header(small_elf(0)), "only-by-manifest"),
        (without_dos_header, "only-by-manifest"),
        (small_elf(0), "unknown-format"),
        (b"any format".to_vec(), "unknown-format"),
        (b"\x1f\x8b\x08 an initrd".to_vec(), "unknown-format"),
        (vec![], "unknown-format"),
    ] {
        assert_eq!(code(judge(&file, Some(&module(&file)))), expected);
        if !file.is_empty() {
            assert_eq!(code(judge(&appended(&file), None)), expected);
        }
    }
    let (noted, _) = signed_elf_of(small_elf, module);
    assert_eq!(code(judge(&noted, None)), "unknown-format");
}

#[test]
fn refuses_what_nothing_vouches_for() {
    for file in [vmlinux(), small_image(), b"any format".to_vec(), vec![]] {
        assert_eq!(code(judge(&file, None)), "unsigned");
    }
}

#[test]
fn refuses_signatures_of_other_kernels() {
    let (elf, other) = (vmlinux(), b"other".to_vec());
    assert_eq!(
        code(judge(&append(&elf, &module(&other)), None)),
        "bad-signature"
    );
    assert_eq!(code(judge(&elf, Some(&module(&other)))), "bad-signature");
    let (transplanted, _) = signed_vmlinux(|_| module(&other));
    assert_eq!(code(judge(&transplanted, None)), "bad-signature");
    let with_attributes = ForgeDetached::new(&other, &signer()).build();
    assert_eq!(code(judge(&elf, Some(&with_attributes))), "digest-mismatch");
}

#[test]
fn a_signature_in_one_place_is_none_in_another() {
    // What a note's signature covers has zeros in its place; what the others cover hasn't.
    let (file, unsigned) = signed_vmlinux(module);
    let signature = module(&unsigned);
    assert_eq!(&file[DESCRIPTOR..DESCRIPTOR + signature.len()], signature);
    assert_eq!(
        judge(&unsigned, Some(&signature)).map(|verified| verified.signature_kind()),
        Ok(SignatureKind::Detached)
    );
    let without = vmlinux();
    assert_eq!(
        code(judge(&append(&without, &signature), None)),
        "bad-signature"
    );
    assert_eq!(code(judge(&without, Some(&signature))), "bad-signature");
}

#[test]
fn says_first_what_is_wrong_with_what_the_kernel_itself_carries() {
    let unknown = Cert::leaf(9, 8);
    let image = Forge::new(&unknown).build();
    let bad = module(b"other");
    assert_eq!(code(judge(&image, Some(&bad))), "unknown-signer");
    assert_eq!(code(judge(&small_image(), Some(&bad))), "bad-signature");
    let not_elf = b"\x7fELF, but nothing more";
    assert_eq!(code(judge(not_elf, None)), "bad-elf");
    let not_pe = b"MZ, but nothing more";
    assert_eq!(code(judge(not_pe, None)), "bad-image");
    let mut cut = appended(b"data");
    cut.drain(..cut.len() - 40);
    assert_eq!(code(judge(&cut, None)), "malformed-signature");
}

#[test]
fn a_signature_that_is_refused_does_not_spoil_another() {
    let image = Forge::new(&Cert::leaf(9, 8)).build();
    let verified = judge(&image, Some(&module(&image))).map(|verified| verified.signature_kind());
    assert_eq!(verified, Ok(SignatureKind::Detached));
    let elf = append(&vmlinux(), &module(b"other"));
    let verified = judge(&elf, Some(&module(&elf))).map(|verified| verified.signature_kind());
    assert_eq!(verified, Ok(SignatureKind::Detached));
}

#[test]
fn refuses_a_revoked_kernel_whoever_vouches_for_it() {
    let image = small_image();
    let (whole, authenticode) = (sha256(&image), authenticode_digest(&image));
    let signature = module(&image);
    for revoked in [&whole, &authenticode] {
        assert_eq!(
            judge_revoking(&image, Some(&signature), revoked),
            "revoked-image"
        );
        assert_eq!(
            judge_revoking(&appended(&image), None, revoked),
            "revoked-image"
        );
    }
    let signed = Forge::new(&signer()).build();
    let verdict = judge_revoking(&signed, Some(&module(&signed)), &authenticode);
    assert_eq!(verdict, "revoked-image");
    let elf = vmlinux();
    let verdict = judge_revoking(&elf, Some(&module(&elf)), &sha256(&elf));
    assert_eq!(verdict, "revoked-image");
    assert_eq!(
        judge_revoking(&elf, Some(&module(&elf)), &whole),
        "accepted"
    );
}

#[test]
fn refuses_every_flip_of_a_signed_elf_file() {
    let keys = keys();
    let trust = Trust::new().add_keys(&keys).expect("well-formed");
    for file in [noted(), appended(&vmlinux())] {
        assert!(verify_kernel(&file, None, None, &trust).is_ok());
        let accepted = accepted_flips(&file, 0..file.len(), |flipped| {
            verify_kernel(flipped, None, None, &trust).is_ok()
        });
        assert_eq!(accepted, []);
    }
}

#[test]
fn refuses_every_truncation_of_a_signed_elf_file() {
    let keys = keys();
    let trust = Trust::new().add_keys(&keys).expect("well-formed");
    for file in [noted(), appended(&vmlinux())] {
        for len in 0..file.len() {
            let verdict = verify_kernel(&file[..len], None, None, &trust);
            assert!(verdict.is_err(), "{len}");
        }
    }
}
