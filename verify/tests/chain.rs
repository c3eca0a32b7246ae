//! Which chains of certificates vouch for a signer.
#![allow(missing_docs)]

use baton_samples::forge::{
    CODE_SIGNING, Cert, DRIVER_SIGNING, Forge, authority_key_id, basic_constraints, extension,
    for_modules, key_usage, subject_key_id,
};
use baton_samples::{X509, signature_list};
use baton_verify::{HashAlgorithm, Reason, RevocationSource, Trust, verify_image};

/// The code of the refusal, or `"accepted"`.
fn judge(forge: &Forge, anchors: &[&Cert]) -> &'static str {
    judge_with(forge, anchors, &[])
}

fn judge_with(forge: &Forge, anchors: &[&Cert], revocations: &[u8]) -> &'static str {
    let keys: Vec<u8> = anchors.iter().flat_map(|anchor| anchor.der()).collect();
    let trust = Trust::new()
        .add_keys(&keys)
        .and_then(|trust| trust.add_revocations(revocations, RevocationSource::MokListX))
        .expect("well-formed");
    let image = forge.build();
    match verify_image(&image, &trust) {
        Ok(_) => "accepted",
        Err(reason) => reason.code(),
    }
}

/// CA 1, intermediates, and the leaf with the highest number, each issued by the one before.
fn ladder(length: u8) -> Vec<Cert> {
    let mut certs: Vec<Cert> = (1..length)
        .map(|key| Cert::ca(key, key.max(2) - 1))
        .collect();
    certs.push(Cert::leaf(length, length - 1));
    certs
}

fn signed_by(ladder: &[Cert]) -> Forge {
    let (leaf, above) = ladder.split_last().expect("not empty");
    Forge::new(leaf).carrying(&above.iter().collect::<Vec<_>>())
}

#[test]
fn accepts_up_to_four_certificates() {
    for length in 2..=4 {
        let certs = ladder(length);
        assert_eq!(judge(&signed_by(&certs), &[&certs[0]]), "accepted");
    }
}

#[test]
fn refuses_a_fifth_certificate() {
    let certs = ladder(5);
    assert_eq!(judge(&signed_by(&certs), &[&certs[0]]), "chain-too-long");
    // One nearer to the signer will do.
    assert_eq!(judge(&signed_by(&certs), &[&certs[1]]), "accepted");
}

#[test]
fn the_anchor_need_not_be_carried() {
    let (ca, leaf) = (Cert::ca(1, 1), Cert::leaf(2, 1));
    assert_eq!(judge(&Forge::new(&leaf), &[&ca]), "accepted");
}

#[test]
fn an_anchor_may_be_the_signer_itself() {
    let own = Cert::leaf(1, 1);
    assert_eq!(judge(&Forge::new(&own), &[&own]), "accepted");
}

#[test]
fn an_anchor_need_not_have_a_signature_that_verifies() {
    let mut anchor = Cert::ca(1, 1);
    anchor.issuer_key = 9;
    assert_eq!(
        judge(&Forge::new(&Cert::leaf(2, 1)), &[&anchor]),
        "accepted"
    );
}

#[test]
fn another_certificate_for_the_anchors_name_and_key_will_do() {
    let mut carried = Cert::ca(1, 1);
    carried.serial = 77;
    let forge = Forge::new(&Cert::leaf(2, 1)).carrying(&[&carried]);
    assert_eq!(judge(&forge, &[&Cert::ca(1, 1)]), "accepted");
}

#[test]
fn refuses_when_a_link_is_missing() {
    let certs = ladder(3);
    let forge = Forge::new(&certs[2]);
    assert_eq!(judge(&forge, &[&certs[0]]), "unknown-signer");
}

#[test]
fn refuses_an_issuer_of_the_same_name_with_another_key() {
    let mut leaf = Cert::leaf(2, 1);
    leaf.issuer_key = 9;
    assert_eq!(
        judge(&Forge::new(&leaf), &[&Cert::ca(1, 1)]),
        "unknown-signer"
    );
}

#[test]
fn refuses_certificates_that_vouch_for_each_other_only() {
    let (mut a, mut b) = (Cert::ca(2, 3), Cert::ca(3, 2));
    (a.serial, b.serial) = (20, 30);
    let forge = Forge::new(&a).carrying(&[&b, &a]);
    assert_eq!(judge(&forge, &[&Cert::ca(1, 1)]), "unknown-signer");
}

#[test]
fn refuses_a_leaf_that_issues_certificates() {
    let (ca, leaf, forged) = (Cert::ca(1, 1), Cert::leaf(2, 1), Cert::leaf(3, 2));
    let forge = Forge::new(&forged).carrying(&[&leaf]);
    assert_eq!(judge(&forge, &[&ca]), "not-an-issuer");
    let mut says_so = leaf;
    says_so.extensions = vec![basic_constraints(false, None)];
    let forge = Forge::new(&forged).carrying(&[&says_so]);
    assert_eq!(judge(&forge, &[&ca]), "not-an-issuer");
}

#[test]
fn an_anchor_that_says_it_is_no_ca_vouches_for_itself_only() {
    let mut anchor = Cert::leaf(1, 1);
    anchor.extensions = vec![basic_constraints(false, None)];
    assert_eq!(judge(&Forge::new(&anchor), &[&anchor]), "accepted");
    assert_eq!(
        judge(&Forge::new(&Cert::leaf(2, 1)), &[&anchor]),
        "not-an-issuer"
    );
}

/// What somebody has signed without attributes may have a certificate's form.
#[test]
fn an_anchor_that_does_not_say_it_is_a_ca_vouches_for_itself_only() {
    let mut of_version_1 = Cert::leaf(1, 1);
    of_version_1.version = None;
    for anchor in [Cert::leaf(1, 1), of_version_1] {
        assert_eq!(judge(&Forge::new(&anchor), &[&anchor]), "accepted");
        assert_eq!(
            judge(&Forge::new(&Cert::leaf(2, 1)), &[&anchor]),
            "not-an-issuer"
        );
    }
}

#[test]
fn an_issuer_needs_key_cert_sign_where_usage_is_given() {
    let leaf = Cert::leaf(2, 1);
    let digital_signature_only = Cert::ca(1, 1).with(key_usage(0x80));
    assert_eq!(
        judge(&Forge::new(&leaf), &[&digital_signature_only]),
        "not-an-issuer"
    );
    let cert_sign = Cert::ca(1, 1).with(key_usage(0x04));
    assert_eq!(judge(&Forge::new(&leaf), &[&cert_sign]), "accepted");
}

#[test]
fn a_path_length_is_kept_to() {
    let certs = ladder(3);
    let mut anchor = certs[0].clone();
    anchor.extensions = vec![basic_constraints(true, Some(0))];
    assert_eq!(judge(&signed_by(&certs), &[&anchor]), "not-an-issuer");
    anchor.extensions = vec![basic_constraints(true, Some(1))];
    assert_eq!(judge(&signed_by(&certs), &[&anchor]), "accepted");
}

#[test]
fn an_unknown_critical_extension_bars_an_intermediate() {
    let mut certs = ladder(3);
    // NameConstraints.
    certs[1] = certs[1]
        .clone()
        .with(extension("2.5.29.30", true, &[0x30, 0]));
    assert_eq!(judge(&signed_by(&certs), &[&certs[0]]), "not-an-issuer");
    let mut certs = ladder(3);
    certs[1] = certs[1]
        .clone()
        .with(extension("2.5.29.30", false, &[0x30, 0]));
    assert_eq!(judge(&signed_by(&certs), &[&certs[0]]), "accepted");
}

#[test]
fn an_unknown_critical_extension_bars_a_signer() {
    let strange = || extension("1.2.3.4", true, &[5, 0]);
    let mut certs = ladder(3);
    certs[2] = certs[2].clone().with(strange());
    assert_eq!(judge(&signed_by(&certs), &[&certs[0]]), "unknown-extension");
    // Also one that is trusted itself.
    assert_eq!(judge(&signed_by(&certs), &[&certs[2]]), "unknown-extension");
    certs[2].extensions = vec![extension("1.2.3.4", false, &[5, 0])];
    assert_eq!(judge(&signed_by(&certs), &[&certs[0]]), "accepted");
}

#[test]
fn a_key_for_modules_vouches_for_nothing_wherever_it_is_in_the_chain() {
    // As `update-secureboot-policy` of Ubuntu makes keys for DKMS, and the purpose alone.
    for others in [&[CODE_SIGNING, DRIVER_SIGNING][..], &[]] {
        for place in 0..3 {
            let mut certs = ladder(3);
            certs[place] = certs[place].clone().with(for_modules(others));
            let verdict = judge(&signed_by(&certs), &[&certs[0]]);
            assert_eq!(verdict, "key-for-modules", "{others:?} at {place}");
            let alone = Cert::leaf(1, 1).with(for_modules(others));
            assert_eq!(judge(&Forge::new(&alone), &[&alone]), "key-for-modules");
        }
    }
    let code = extension("2.5.29.37", true, &purposes(&[CODE_SIGNING]));
    let signer = Cert::leaf(1, 1).with(code);
    assert_eq!(judge(&Forge::new(&signer), &[&signer]), "accepted");
}

fn purposes(ids: &[&str]) -> Vec<u8> {
    let ids: Vec<_> = ids.iter().map(|id| baton_samples::der::oid(id)).collect();
    baton_samples::der::seq(&ids)
}

#[test]
fn a_key_for_modules_that_is_revoked_is_said_to_be_revoked() {
    let certs = ladder(3);
    let signer = certs[2].clone().with(for_modules(&[]));
    let forge = signed_by(&[certs[0].clone(), certs[1].clone(), signer.clone()]);
    let revoked = signature_list(&X509, &[&signer.der()]);
    let verdict = judge_with(&forge, &[&certs[0]], &revoked);
    assert_eq!(verdict, "revoked-certificate");
}

#[test]
fn a_path_that_is_too_long_is_told_as_the_cause() {
    let mut certs = ladder(4);
    certs[1].extensions = vec![basic_constraints(true, Some(0))];
    let keys = certs[0].der();
    let trust = Trust::new().add_keys(&keys).expect("well-formed");
    let reason = verify_image(&signed_by(&certs).build(), &trust).unwrap_err();
    assert!(reason.to_string().contains("pathLenConstraint"), "{reason}");
    assert!(reason.to_string().contains("\"key 2\""), "{reason}");
}

#[test]
fn key_identifiers_must_agree_where_both_are_there() {
    let ca = Cert::ca(1, 1).with(subject_key_id(7));
    let leaf = |id| Forge::new(&Cert::leaf(2, 1).with(authority_key_id(id)));
    assert_eq!(judge(&leaf(7), &[&ca]), "accepted");
    assert_eq!(judge(&leaf(8), &[&ca]), "unknown-signer");
    assert_eq!(judge(&leaf(8), &[&Cert::ca(1, 1)]), "accepted");
}

#[test]
fn finds_its_way_among_certificates_of_the_same_name() {
    let certs = ladder(3);
    let mut impostors: Vec<Cert> = (0..10).map(|_| Cert::ca(2, 1)).collect();
    for (serial, impostor) in (100..).zip(&mut impostors) {
        impostor.serial = serial;
        impostor.issuer_key = 9;
    }
    let mut forge = Forge::new(&certs[2]).carrying(&impostors.iter().collect::<Vec<_>>());
    forge.certificates.push(certs[1].der());
    assert_eq!(judge(&forge, &[&certs[0]]), "accepted");
}

#[test]
fn gives_up_on_a_maze_of_certificates() {
    // Fifteen certificates that all issued each other, and none of them leads anywhere.
    let maze: Vec<Cert> = (0..15)
        .map(|serial| Cert {
            serial,
            ..Cert::ca(2, 2)
        })
        .collect();
    let forge = Forge::new(&Cert::leaf(3, 2)).carrying(&maze.iter().collect::<Vec<_>>());
    assert_eq!(judge(&forge, &[&Cert::ca(1, 1)]), "chain-too-long");
}

#[test]
fn refuses_a_revoked_certificate_anywhere_in_the_chain() {
    let certs = ladder(3);
    for revoked in &certs {
        let list = signature_list(&X509, &[&revoked.der()]);
        assert_eq!(
            judge_with(&signed_by(&certs), &[&certs[0]], &list),
            "revoked-certificate"
        );
    }
    let unrelated = signature_list(&X509, &[&Cert::ca(9, 9).der()]);
    assert_eq!(
        judge_with(&signed_by(&certs), &[&certs[0]], &unrelated),
        "accepted"
    );
}

#[test]
fn refuses_an_anchor_that_a_revoked_authority_issued() {
    let certs = ladder(3);
    let revoked = signature_list(&X509, &[&Cert::ca(9, 9).der(), &certs[0].der()]);
    for anchor in [&certs[1], &certs[2]] {
        assert_eq!(judge(&signed_by(&certs), &[anchor]), "accepted");
    }
    // The signer's certificate, which it didn't issue itself, and the one that it did.
    let by = |anchor| judge_with(&Forge::new(&certs[2]), &[anchor], &revoked);
    assert_eq!(by(&certs[1]), "revoked-certificate");
    let own = Cert::leaf(2, 1);
    let verdict = judge_with(&Forge::new(&own), &[&own], &revoked);
    assert_eq!(verdict, "revoked-certificate");
}

#[test]
fn an_authority_that_is_revoked_revokes_what_it_signed_and_not_what_names_it() {
    // As people make keys anew with the old one's name.
    let (old, mut new) = (Cert::ca(1, 1), Cert::ca(2, 1));
    new.issuer_key = 2;
    let revoked = signature_list(&X509, &[&old.der()]);
    let signer = Cert::leaf(3, 2);
    let verdict = judge_with(&Forge::new(&signer), &[&new], &revoked);
    assert_eq!(verdict, "accepted");
    new.issuer_key = 1;
    let verdict = judge_with(&Forge::new(&signer), &[&new], &revoked);
    assert_eq!(verdict, "revoked-certificate");
}

#[test]
fn too_many_revoked_authorities_of_one_name_are_refused_and_not_passed_over() {
    let entries: Vec<_> = (0..25)
        .map(|serial| Cert {
            serial,
            issuer: 9,
            ..Cert::ca(1, 1)
        })
        .map(|cert| Cert {
            key_info: Some(other_key_info()),
            ..cert
        })
        .map(|cert| cert.der())
        .collect();
    let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let revoked = signature_list(&X509, &entries);
    let own = Cert::leaf(2, 1);
    assert_eq!(judge(&Forge::new(&own), &[&own]), "accepted");
    let verdict = judge_with(&Forge::new(&own), &[&own], &revoked);
    assert_eq!(verdict, "chain-too-long");
}

/// A key that issued nothing.
fn other_key_info() -> Vec<u8> {
    let der = Cert::leaf(7, 7).der();
    let certificate = baton_verify::Certificate::parse(&der).expect("well-formed");
    certificate.key_info().to_vec()
}

#[test]
fn refuses_a_certificate_whose_tbs_digest_is_revoked() {
    use baton_formats::siglist::{X509_SHA256_GUID, X509_SHA384_GUID, X509_SHA512_GUID};
    let certs = ladder(3);
    let kinds = [
        (X509_SHA256_GUID, HashAlgorithm::Sha256),
        (X509_SHA384_GUID, HashAlgorithm::Sha384),
        (X509_SHA512_GUID, HashAlgorithm::Sha512),
    ];
    for (guid, algorithm) in kinds {
        for revoked in &certs {
            let mut entry = algorithm.hash([&revoked.tbs()[..]]).as_bytes().to_vec();
            entry.extend([0; 16]);
            let list = signature_list(&guid, &[&entry]);
            assert_eq!(
                judge_with(&signed_by(&certs), &[&certs[0]], &list),
                "revoked-certificate"
            );
        }
    }
}

#[test]
fn a_revoked_key_is_refused_in_any_certificate() {
    let leaf = Cert::leaf(2, 1);
    let mut older = leaf.clone();
    older.serial = 55;
    let list = signature_list(&X509, &[&older.der()]);
    assert_eq!(
        judge_with(&Forge::new(&leaf), &[&Cert::ca(1, 1)], &list),
        "revoked-certificate"
    );
}

#[test]
fn a_revocation_that_cannot_be_read_is_still_compared() {
    let leaf = Cert::leaf(2, 1);
    let list = signature_list(&X509, &[b"not a certificate", &leaf.der()]);
    assert_eq!(
        judge_with(&Forge::new(&leaf), &[&Cert::ca(1, 1)], &list),
        "revoked-certificate"
    );
}

#[test]
fn a_revocation_with_bytes_after_its_certificate_revokes_its_key_and_what_it_issued() {
    let (ca, leaf) = (Cert::ca(1, 1), Cert::leaf(2, 1));
    let other = Cert {
        serial: 55,
        ..leaf.clone()
    };
    for revoked in [&leaf, &other, &ca] {
        let entry = [&revoked.der()[..], &[0; 3]].concat();
        let list = signature_list(&X509, &[&entry]);
        assert_eq!(
            judge_with(&Forge::new(&leaf), &[&ca], &list),
            "revoked-certificate"
        );
        // The signer itself, of whom its issuer isn't there.
        let verdict = judge_with(&Forge::new(&leaf), &[&leaf], &list);
        assert_eq!(verdict, "revoked-certificate");
    }
}

/// The gate's own list is made with the gate; the machine's is what it is.
#[test]
fn a_certificate_in_the_gates_own_list_of_revocations_must_be_one() {
    let certificate = Cert::ca(1, 1).der();
    let longer = [&certificate[..], &[0]].concat();
    for entry in [&b"no certificate"[..], &certificate[1..], &longer] {
        let list = signature_list(&X509, &[&Cert::leaf(3, 1).der(), entry]);
        let error = Trust::new().add_revocations(&list, RevocationSource::Gate);
        let error = error.map(|_| ()).unwrap_err();
        assert_eq!(error.code(), "bad-gate-revocations");
        let words = baton_verify::Refusal::from(error).to_string();
        let expected = "gate refused: certificate 1 in .dbx: ";
        assert!(words.starts_with(expected), "{words}");
        assert!(
            Trust::new()
                .add_revocations(&list, RevocationSource::MokListX)
                .is_ok()
        );
    }
}

#[test]
fn an_unreadable_mok_is_of_no_use_and_does_no_harm() {
    let ca = Cert::ca(1, 1).der();
    let list = signature_list(&X509, &[b"not a certificate", &ca]);
    let trust = Trust::new().add_mok_list(&list).expect("well-formed");
    assert_eq!(trust.unusable_certificates(), 1);
    let image = Forge::new(&Cert::leaf(2, 1)).build();
    assert!(verify_image(&image, &trust).is_ok());
}

#[test]
fn malformed_lists_and_keys_are_errors() {
    let ca = Cert::ca(1, 1).der();
    let list = signature_list(&X509, &[&ca]);
    for len in 1..list.len() {
        let cut = &list[..len];
        assert!(Trust::new().add_mok_list(cut).is_err(), "{len}");
        assert!(
            Trust::new()
                .add_revocations(cut, RevocationSource::MokListX)
                .is_err(),
            "{len}"
        );
    }
    for len in 1..ca.len() {
        let error = Trust::new().add_keys(&ca[..len]).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), "bad-keys");
    }
    let refusal = baton_verify::Refusal::from(Trust::new().add_keys(&[0]).map(|_| ()).unwrap_err());
    assert!(
        refusal
            .to_string()
            .starts_with("gate refused: certificate 0 in .keys: "),
        "{refusal}"
    );
}

#[test]
fn without_any_key_the_refusal_says_so() {
    let image = Forge::new(&Cert::leaf(2, 1)).build();
    let reason = verify_image(&image, &Trust::new()).map(|_| ()).unwrap_err();
    assert!(matches!(reason, Reason::UnknownSigner { .. }));
    assert!(
        reason.to_string().contains("no key is trusted at all"),
        "{reason}"
    );
}
