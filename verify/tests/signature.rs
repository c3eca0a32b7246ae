//! Signatures that are wrong in one place each.
#![allow(missing_docs)]

use baton_samples::der::{explicit, int, null, octets, oid, seq, set, tlv};
use baton_samples::forge::{
    Cert, DATA, ECDSA_SHA384, Forge, SHA1, SHA256, SHA384, SPC_INDIRECT_DATA, attribute,
    content_type, crl, indirect_data, message_digest, name, sha256,
};
use baton_samples::{attach_table, win_certificate};
use baton_verify::{Reason, Trust, verify_image};

fn right() -> Forge {
    Forge::new(&Cert::leaf(2, 1))
}

fn judge_image(image: &[u8]) -> Result<(), Reason> {
    let anchor = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&anchor).expect("well-formed");
    verify_image(image, &trust).map(|_| ())
}

fn judge_pkcs7(pkcs7: &[u8]) -> &'static str {
    let image = attach_table(&right().image, &win_certificate(pkcs7));
    judge_image(&image).map_or_else(|reason| reason.code(), |()| "accepted")
}

/// The code of the refusal, or `"accepted"`.
fn judge(change: impl FnOnce(&mut Forge)) -> &'static str {
    let mut forge = right();
    change(&mut forge);
    judge_image(&forge.build()).map_or_else(|reason| reason.code(), |()| "accepted")
}

#[test]
fn accepts_the_signature_that_the_others_here_depart_from() {
    assert_eq!(judge(|_| ()), "accepted");
}

#[test]
fn refuses_bytes_after_the_signature() {
    assert_eq!(
        judge(|forge| forge.trailing = null()),
        "malformed-signature"
    );
    // Not even zeros, where they are more than padding.
    let mut pkcs7 = right().pkcs7();
    pkcs7.resize(pkcs7.len().next_multiple_of(8) + 8, 0);
    assert_eq!(judge_pkcs7(&pkcs7), "malformed-signature");
}

/// As in Red Hat's GRUB, whose signer counts the padding into the entry and doesn't clear it.
#[test]
fn accepts_padding_of_any_bytes_within_the_entry_alone() {
    let pkcs7 = right().pkcs7();
    let padding = pkcs7.len().next_multiple_of(8) - pkcs7.len();
    assert_ne!(padding, 0);
    for byte in [0, 1, 0xff] {
        let padded = [&pkcs7[..], &vec![byte; padding]].concat();
        assert_eq!(judge_pkcs7(&padded), "accepted");
        let longer = [&padded[..], &[byte; 8]].concat();
        assert_eq!(judge_pkcs7(&longer), "malformed-signature");
    }
    // After the entry they must be zeros.
    let mut image = right().build();
    assert_eq!(judge_image(&image), Ok(()));
    *image.last_mut().expect("not empty") = 1;
    assert_eq!(judge_image(&image).unwrap_err().code(), "bad-image");
}

#[test]
fn tells_how_many_signers_there_are() {
    let words = |change: fn(&mut Forge)| {
        let mut forge = right();
        change(&mut forge);
        judge_image(&forge.build()).unwrap_err().to_string()
    };
    let two = words(|forge| forge.more_signers = forge.signer_info());
    assert!(two.contains("it has 2 signers"), "{two}");
    // Whose digest algorithms differ, as they may.
    let two = words(|forge| {
        forge.more_signers = forge.signer_info();
        let algorithm = |id| seq(&[oid(id), null()]);
        forge.digest_algorithms = set(&[algorithm(SHA256), algorithm(SHA384)]);
    });
    assert!(two.contains("it has 2 signers"), "{two}");
}

#[test]
fn names_rsa_pss() {
    let mut forge = right();
    forge.signature_algorithm = seq(&[oid("1.2.840.113549.1.1.10"), seq(&[null()])]);
    let reason = judge_image(&forge.build()).unwrap_err();
    assert_eq!(reason.code(), "unsupported-algorithm");
    assert!(reason.to_string().contains("RSA-PSS"), "{reason}");
}

#[test]
fn accepts_revocation_lists_that_are_carried_and_nothing_else_in_their_place() {
    assert_eq!(judge(|forge| forge.crls = explicit(1, &crl())), "accepted");
    let twice = [crl(), crl()].concat();
    assert_eq!(judge(|forge| forge.crls = explicit(1, &twice)), "accepted");
    for other in [
        null(),
        Cert::ca(1, 1).der(),
        crl()[4..].to_vec(),
        [crl(), null()].concat(),
    ] {
        let verdict = judge(|forge| forge.crls = explicit(1, &other));
        assert_eq!(verdict, "malformed-signature");
    }
}

#[test]
fn refuses_an_element_too_many_at_every_level() {
    let forge = right();
    let signed_data = |more: &[u8]| {
        seq(&[
            &forge.version[..],
            &forge.digest_algorithms,
            &seq(&[&forge.content_type[..], &explicit(0, &forge.content)]),
            &explicit(0, &forge.certificates.concat()),
            &set(&[forge.signer_info()]),
            more,
        ])
    };
    let info =
        |contents: &[u8], more: &[u8]| seq(&[&forge.outer_type[..], &explicit(0, contents), more]);
    assert_eq!(judge_pkcs7(&info(&signed_data(&[]), &[])), "accepted");
    for wrong in [
        info(&signed_data(&null()), &[]),
        info(&[signed_data(&[]), null()].concat(), &[]),
        info(&signed_data(&[]), &null()),
    ] {
        assert_eq!(judge_pkcs7(&wrong), "malformed-signature");
    }
    let sha256 = || seq(&[oid(baton_samples::forge::SHA256), null()]);
    assert_eq!(
        judge(|forge| forge.digest_algorithms = set(&[sha256(), sha256()])),
        "malformed-signature"
    );
}

#[test]
fn refuses_an_element_too_many_in_what_the_signature_signs() {
    let digest = || {
        let image = right().image;
        let pe = baton_formats::pe::Pe::parse(&image).expect("small image");
        let digest = baton_verify::HashAlgorithm::Sha256.hash(pe.digest_parts());
        octets(digest.as_bytes())
    };
    let sha256 = || seq(&[oid(baton_samples::forge::SHA256), null()]);
    let data = || seq(&[oid("1.3.6.1.4.1.311.2.1.15")]);
    for (content, expected) in [
        (seq(&[data(), seq(&[sha256(), digest()])]), "accepted"),
        (
            seq(&[data(), seq(&[sha256(), digest(), null()])]),
            "malformed-signature",
        ),
        (
            seq(&[data(), seq(&[sha256(), digest()]), null()]),
            "malformed-signature",
        ),
        (
            seq(&[null(), seq(&[sha256(), digest()])]),
            "malformed-signature",
        ),
        (
            seq(&[seq(&[oid(DATA)]), seq(&[sha256(), digest()])]),
            "malformed-signature",
        ),
    ] {
        assert_eq!(judge(|forge| forge.content = content), expected);
    }
}

#[test]
fn refuses_a_right_signature_in_an_entry_of_another_type() {
    let good = win_certificate(&right().pkcs7());
    for (position, value) in [(4, 1), (5, 1), (6, 1), (7, 2)] {
        let mut entry = good.clone();
        entry[position] = value;
        let image = attach_table(&right().image, &entry);
        assert_eq!(
            judge_image(&image).unwrap_err().code(),
            "malformed-signature"
        );
    }
}

#[test]
fn accepts_padding_that_the_entry_counts_in_its_length() {
    let mut pkcs7 = right().pkcs7();
    while !pkcs7.len().is_multiple_of(8) {
        pkcs7.push(0);
    }
    let image = attach_table(&right().image, &win_certificate(&pkcs7));
    assert_eq!(judge_image(&image), Ok(()));
    assert_ne!(pkcs7.len(), right().pkcs7().len());
    // Counted in part only, it isn't padding.
    pkcs7.pop();
    let image = attach_table(&right().image, &win_certificate(&pkcs7));
    assert_eq!(
        judge_image(&image).unwrap_err().code(),
        "malformed-signature"
    );
}

#[test]
fn refuses_bytes_inside_the_structures() {
    for change in [
        |forge: &mut Forge| forge.crls = explicit(1, &[]),
        |forge: &mut Forge| forge.crls = null(),
        |forge: &mut Forge| forge.content.extend(null()),
        |forge: &mut Forge| forge.serial.extend(null()),
        |forge: &mut Forge| forge.unauthenticated = null(),
        |forge: &mut Forge| forge.version.extend(null()),
    ] {
        assert_eq!(judge(change), "malformed-signature");
    }
}

#[test]
fn refuses_lengths_that_are_not_the_shortest_or_not_definite() {
    let pkcs7 = right().pkcs7();
    let indefinite = [&[0x30, 0x80], &pkcs7[4..], &[0, 0]].concat();
    let long = [&[0x30, 0x83, 0], &pkcs7[2..]].concat();
    for wrong in [indefinite, long] {
        let image = attach_table(&right().image, &win_certificate(&wrong));
        assert_eq!(
            judge_image(&image).unwrap_err().code(),
            "malformed-signature"
        );
    }
}

#[test]
fn refuses_other_versions_and_types() {
    for change in [
        |forge: &mut Forge| forge.version = int(3),
        |forge: &mut Forge| forge.signer_version = int(3),
        |forge: &mut Forge| forge.outer_type = oid(DATA),
        |forge: &mut Forge| {
            forge.content_type = oid(DATA);
            forge.attributes = vec![content_type(DATA)];
        },
    ] {
        assert_eq!(judge(change), "malformed-signature");
    }
}

#[test]
fn refuses_no_signer_and_two() {
    let mut forge = right();
    forge.more_signers = forge.signer_info();
    assert_eq!(
        judge_image(&forge.build()).unwrap_err().code(),
        "malformed-signature"
    );
    let signer = right().signer_info();
    let pkcs7 = right().pkcs7();
    // Without the one that is there.
    let at = pkcs7.len() - signer.len();
    assert_eq!(&pkcs7[at..], signer);
    assert_eq!(
        judge(|forge| {
            forge.signer_version = vec![];
            forge.issuer = vec![];
        }),
        "malformed-signature"
    );
}

#[test]
fn refuses_a_signature_without_its_signers_certificate() {
    assert_eq!(
        judge(|forge| forge.certificates.clear()),
        "malformed-signature"
    );
    assert_eq!(judge(|forge| forge.serial = int(99)), "malformed-signature");
    assert_eq!(
        judge(|forge| forge.issuer = name("another")),
        "malformed-signature"
    );
}

#[test]
fn refuses_too_many_certificates() {
    let add = |count: usize| {
        move |forge: &mut Forge| {
            let extra = Cert::ca(3, 3).der();
            forge.certificates.extend(vec![extra; count]);
        }
    };
    assert_eq!(judge(add(15)), "accepted");
    assert_eq!(judge(add(16)), "malformed-signature");
}

#[test]
fn refuses_a_malformed_certificate_even_if_it_is_not_needed() {
    assert_eq!(
        judge(|forge| forge.certificates.push(seq(&[null()]))),
        "malformed-signature"
    );
}

#[test]
fn refuses_missing_and_doubled_attributes() {
    let digest = message_digest(&sha256(&right().content[2..]));
    for attributes in [
        vec![],
        vec![content_type(SPC_INDIRECT_DATA)],
        vec![digest.clone()],
        vec![
            digest.clone(),
            digest.clone(),
            content_type(SPC_INDIRECT_DATA),
        ],
        vec![
            digest.clone(),
            content_type(SPC_INDIRECT_DATA),
            content_type(SPC_INDIRECT_DATA),
        ],
        vec![digest.clone(), content_type(DATA)],
        vec![
            digest,
            attribute(
                "1.2.840.113549.1.9.3",
                &[oid(SPC_INDIRECT_DATA), oid(SPC_INDIRECT_DATA)],
            ),
        ],
    ] {
        let code = judge(|forge| {
            forge.attributes = attributes;
            forge.derive_message_digest = false;
        });
        assert_eq!(code, "malformed-signature");
    }
}

#[test]
fn refuses_a_signature_without_authenticated_attributes() {
    // Such a signature would be over the content itself.
    let signature = baton_samples::forge::sign(2, &right().content[2..]);
    let without = seq(&[
        int(1),
        seq(&[name("key 1"), int(2)]),
        seq(&[oid(baton_samples::forge::SHA256), null()]),
        seq(&[oid(baton_samples::forge::ECDSA_SHA256)]),
        octets(&signature),
    ]);
    // In place of the SignerInfo: `more_signers` after one that is empty.
    let forge = right();
    let signed_data = seq(&[
        forge.version.clone(),
        forge.digest_algorithms.clone(),
        seq(&[forge.content_type.clone(), explicit(0, &forge.content)]),
        explicit(0, &forge.certificates.concat()),
        set(&[without]),
    ]);
    let pkcs7 = seq(&[forge.outer_type.clone(), explicit(0, &signed_data)]);
    let image = attach_table(&forge.image, &win_certificate(&pkcs7));
    assert_eq!(
        judge_image(&image).unwrap_err().code(),
        "malformed-signature"
    );
}

#[test]
fn refuses_a_wrong_message_digest() {
    let code = judge(|forge| {
        forge.attributes.push(message_digest(&[7; 32]));
        forge.derive_message_digest = false;
    });
    assert_eq!(code, "bad-signature");
}

#[test]
fn refuses_a_wrong_signature() {
    assert_eq!(judge(|forge| forge.signing_key = 3), "bad-signature");
    assert_eq!(
        judge(|forge| forge.signature = Some(vec![])),
        "bad-signature"
    );
    let mut trailing = baton_samples::forge::sign(2, b"x");
    trailing.push(0);
    assert_eq!(
        judge(|forge| forge.signature = Some(trailing)),
        "bad-signature"
    );
    // r = s = 0 would verify for any message in a sloppy implementation.
    let zeros = seq(&[int(0), int(0)]);
    assert_eq!(
        judge(|forge| forge.signature = Some(zeros)),
        "bad-signature"
    );
}

#[test]
fn refuses_hash_algorithms_that_differ() {
    let sha384 = || seq(&[oid(SHA384), null()]);
    for change in [
        |forge: &mut Forge| forge.digest_algorithms = set(&[seq(&[oid(SHA384), null()])]),
        |forge: &mut Forge| forge.digest_algorithm = seq(&[oid(SHA384), null()]),
        |forge: &mut Forge| forge.signature_algorithm = seq(&[oid(ECDSA_SHA384)]),
        |forge: &mut Forge| forge.content = indirect_data(SHA384, &[1; 48]),
    ] {
        assert_eq!(judge(change), "malformed-signature");
    }
    assert_eq!(
        judge(|forge| {
            forge.digest_algorithms = set(&[sha384(), sha384()]);
        }),
        "malformed-signature"
    );
}

#[test]
fn refuses_a_digest_of_another_length_than_its_algorithms() {
    for len in [0, 20, 31, 33, 48] {
        let content = indirect_data(baton_samples::forge::SHA256, &vec![1; len]);
        assert_eq!(
            judge(|forge| forge.content = content),
            "malformed-signature"
        );
    }
}

#[test]
fn refuses_weak_and_unknown_algorithms() {
    let rsa_md5 = || seq(&[oid("1.2.840.113549.1.1.4"), null()]);
    assert_eq!(
        judge(|forge| forge.digest_algorithms = set(&[seq(&[oid(SHA1), null()])])),
        "unsupported-algorithm"
    );
    assert_eq!(
        judge(|forge| forge.signature_algorithm = rsa_md5()),
        "unsupported-algorithm"
    );
}

#[test]
fn refuses_a_signature_algorithm_for_another_kind_of_key() {
    let rsa = seq(&[oid("1.2.840.113549.1.1.11"), null()]);
    assert_eq!(
        judge(|forge| forge.signature_algorithm = rsa),
        "bad-signature"
    );
}

#[test]
fn refuses_algorithm_parameters_that_do_not_belong() {
    let odd = || seq(&[oid(baton_samples::forge::SHA256), int(1)]);
    assert_eq!(
        judge(|forge| forge.digest_algorithm = odd()),
        "unsupported-algorithm"
    );
}

#[test]
fn accepts_any_well_formed_unauthenticated_attributes() {
    let attributes = explicit(1, &attribute("1.2.3.4", &[octets(b"anything")]));
    assert_eq!(
        judge(|forge| forge.unauthenticated = attributes.clone()),
        "accepted"
    );
    let broken = explicit(1, &tlv(0x30, &[0x04, 0x05, 0x00]));
    assert_eq!(
        judge(|forge| forge.unauthenticated = broken),
        "malformed-signature"
    );
}

#[test]
fn refuses_a_digest_of_another_image() {
    let content = indirect_data(baton_samples::forge::SHA256, &[1; 32]);
    assert_eq!(judge(|forge| forge.content = content), "digest-mismatch");
}

#[test]
fn refuses_an_image_whose_second_signature_is_malformed() {
    let right = right();
    let good = win_certificate(&right.pkcs7());
    for (second, expected) in [
        (good.clone(), None),
        (win_certificate(&null()), Some("malformed-signature")),
        (
            win_certificate(&right.pkcs7()[..40]),
            Some("malformed-signature"),
        ),
        (
            vec![9, 0, 0, 0, 0, 2, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0],
            Some("malformed-signature"),
        ),
        (vec![0; 8], Some("bad-image")),
    ] {
        let image = attach_table(&right.image, &[&good[..], &second].concat());
        assert_eq!(
            judge_image(&image).err().map(|reason| reason.code()),
            expected
        );
    }
}

#[test]
fn a_weak_signature_beside_a_good_one_does_no_harm() {
    let mut weak = right();
    weak.digest_algorithm = seq(&[oid(SHA1), null()]);
    let tables = [
        win_certificate(&weak.pkcs7()),
        win_certificate(&right().pkcs7()),
    ];
    let image = attach_table(&weak.image, &tables.concat());
    assert_eq!(judge_image(&image), Ok(()));
}

#[test]
fn refuses_more_signatures_than_eight() {
    let right = right();
    let entry = win_certificate(&right.pkcs7());
    assert_eq!(
        judge_image(&attach_table(&right.image, &entry.repeat(8))),
        Ok(())
    );
    let image = attach_table(&right.image, &entry.repeat(9));
    assert_eq!(
        judge_image(&image).unwrap_err().code(),
        "too-many-signatures"
    );
}
