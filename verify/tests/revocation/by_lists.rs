//! What is revoked by a list of certificates and digests.

use super::*;

fn tbs_digest(certificate: &Cert, hash: HashAlgorithm) -> Vec<u8> {
    let tbs = certificate.tbs();
    let digest = hash.hash([&tbs[..]]);
    // Then the time of revocation, which isn't judged.
    [digest.as_bytes(), &[0; 16]].concat()
}

#[test]
fn a_certificate_is_refused_by_itself_its_issuer_its_key_and_its_digests() {
    let (issuer, other_name) = (Cert::ca(1, 1), Cert::leaf(2, 9));
    let lists = [
        signature_list(&X509, &[&signer().der()]),
        signature_list(&X509, &[&issuer.der()]),
        // Another certificate with the signer's key.
        signature_list(&X509, &[&other_name.der()]),
        signature_list(
            &X509_SHA256_GUID,
            &[&tbs_digest(&signer(), HashAlgorithm::Sha256)],
        ),
        signature_list(
            &X509_SHA384_GUID,
            &[&tbs_digest(&signer(), HashAlgorithm::Sha384)],
        ),
        signature_list(
            &X509_SHA512_GUID,
            &[&tbs_digest(&issuer, HashAlgorithm::Sha512)],
        ),
    ];
    for list in &lists {
        for lists in both(list) {
            let refusal = refused(&Build::signed(), b"", &lists);
            assert_eq!(refusal, (Component::Kernel, "revoked-certificate"));
        }
    }
}

#[test]
fn other_certificates_and_digests_of_other_kinds_do_no_harm() {
    let image = Forge::new(&signer()).build();
    let other_image = Forge::of(with_sbat(&[&new()]), &signer()).build();
    let of_another = [sha256(&other_image), authenticode(&other_image)];
    let sha1 = [0x26; 16];
    let lists = [
        signature_list(&X509, &[&Cert::leaf(3, 1).der()]),
        signature_list(&SHA256, &[&[7; 32], &of_another[0], &of_another[1]]),
        // A digest is of a certificate or of an image, as its list says.
        signature_list(
            &X509_SHA256_GUID,
            &[&[&authenticode(&image)[..], &[0; 16]].concat()],
        ),
        signature_list(&sha1, &[&[1; 20]]),
    ];
    for list in &lists {
        for lists in both(list) {
            assert_eq!(judge(&Build::signed(), b"", &lists), Ok(()));
        }
    }
}

#[test]
fn an_image_is_refused_by_its_digest_and_by_that_of_its_file() {
    let image = Forge::new(&signer()).build();
    for digest in [authenticode(&image), sha256(&image)] {
        let list = signature_list(&SHA256, &[&[7; 32], &digest]);
        for lists in both(&list) {
            let refusal = refused(&Build::signed(), b"", &lists);
            assert_eq!(refusal, (Component::Kernel, "revoked-image"));
        }
    }
}

#[test]
fn the_refusal_names_the_list_and_the_fix() {
    let image = Forge::new(&signer()).build();
    let digest = signature_list(&SHA256, &[&authenticode(&image)]);
    let certificate = signature_list(&X509, &[&signer().der()]);
    let words = |lists: &Lists<'_>| {
        let refusal = judge(&Build::signed(), b"", lists).unwrap_err();
        refusal.to_string()
    };
    for (index, list) in ["MokListXRT", ".dbx"].iter().enumerate() {
        assert_eq!(
            words(&both(&digest)[index]),
            format!("kernel refused: its digest is revoked by {list} (install a newer one)")
        );
        assert_eq!(
            words(&both(&certificate)[index]),
            format!(
                "kernel refused: signed by \"key 2\", but \"key 2\" in its chain is revoked \
                 by {list} (install one signed with a newer key)"
            )
        );
    }
}

#[test]
fn an_initrd_is_refused_by_its_digest_signed_or_not() {
    let initrd = b"070701 an initrd";
    let list = signature_list(&SHA256, &[&sha256(initrd)]);
    let plain = Build::signed().initrd(b"first").initrd(initrd);
    let signed = plain.clone().signature(2, initrd);
    let listed = Build::bare()
        .initrd(b"first")
        .initrd(initrd)
        .signed_manifest(&manifest(&[
            line("kernel", &small_image()),
            line("initrd", b"first"),
            line("initrd", initrd),
        ]));
    for build in [plain, signed, listed] {
        assert_eq!(judge(&build, b"", &Lists::default()), Ok(()));
        for lists in both(&list) {
            let refusal = refused(&build, b"", &lists);
            assert_eq!(refusal, (Component::Initrd(1), "revoked-image"));
        }
    }
}

#[test]
fn a_manifest_is_refused_by_its_digest() {
    let text = manifest(&[line("kernel", &small_image())]);
    let build = Build::bare().signed_manifest(&text);
    let list = signature_list(&SHA256, &[&sha256(text.as_bytes())]);
    assert_eq!(judge(&build, b"", &Lists::default()), Ok(()));
    for lists in both(&list) {
        let refusal = refused(&build, b"", &lists);
        assert_eq!(refusal, (Component::Manifest, "revoked-image"));
    }
}

#[test]
fn an_addon_is_refused_by_its_digest() {
    let kernel = small_image();
    let addon = signed_image(pe_image(&[(".cmdline", b"quiet")]));
    let build = uki(&[(".linux", &kernel)]).addon(&addon);
    let list = signature_list(&SHA256, &[&authenticode(&addon)]);
    assert_eq!(judge(&build, b"quiet", &Lists::default()), Ok(()));
    for lists in both(&list) {
        let refusal = refused(&build, b"quiet", &lists);
        assert_eq!(refusal, (Component::Addon(0), "revoked-image"));
    }
}

#[test]
fn what_one_list_revokes_the_other_does_not_take_back() {
    let image = Forge::new(&signer()).build();
    let by_digest = signature_list(&SHA256, &[&authenticode(&image)]);
    let harmless = signature_list(&SHA256, &[&[1; 32]]);
    let second = [&harmless[..], &by_digest].concat();
    for (mok, gate) in [
        (&second, &harmless),
        (&harmless, &second),
        (&second, &second),
    ] {
        let lists = Lists {
            mok_revocations: mok,
            gate_revocations: gate,
            ..Lists::default()
        };
        let refusal = refused(&Build::signed(), b"", &lists);
        assert_eq!(refusal, (Component::Kernel, "revoked-image"));
    }
}

/// Being trusted by the gate doesn't outweigh being revoked by the machine, nor the reverse.
#[test]
fn a_revoked_certificate_is_no_anchor() {
    let keys = authority();
    let list = signature_list(&X509, &[&keys]);
    for lists in both(&list) {
        let both_trust = Lists {
            mok_list: &list,
            ..lists
        };
        let refusal = refused(&Build::signed(), b"", &both_trust);
        assert_eq!(refusal, (Component::Kernel, "revoked-certificate"));
    }
}

#[test]
fn a_revoked_signer_signs_no_initrd_either() {
    let list = signature_list(&X509, &[&Cert::leaf(3, 1).der()]);
    let initrd = b"070701 an initrd";
    let by_other = baton_samples::forge_detached::ForgeDetached::new(initrd, &Cert::leaf(3, 1));
    let signature = by_other.build();
    let build = Build::signed().initrd(initrd).with(
        RecordKind::Signature,
        &signature,
        sha256(&signature),
        1,
    );
    assert_eq!(judge(&build, b"", &Lists::default()), Ok(()));
    for lists in both(&list) {
        let refusal = refused(&build, b"", &lists);
        assert_eq!(refusal, (Component::Initrd(0), "revoked-certificate"));
    }
}
