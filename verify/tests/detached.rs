//! Detached signatures that are wrong in one place each, and every flip and truncation of some.
#![allow(missing_docs)]

use baton_samples::der::{explicit, int, null, octets, oid, seq, set, tlv};
use baton_samples::fixture;
use baton_samples::flips::accepted_flips;
use baton_samples::forge::{
    Cert, DATA, ECDSA_SHA384, Forge, SHA1, SHA384, SPC_INDIRECT_DATA, attribute, content_type,
    message_digest, name, sha256, sign, subject_key_id,
};
use baton_samples::forge_detached::ForgeDetached;
use baton_verify::{Reason, RevocationSource, Signer, Trust, verify_detached};

const CONTENT: &[u8] = b"content";

/// Key 2 signs, issued by key 1, which is the anchor unless said otherwise.
fn signer() -> Cert {
    Cert::leaf(2, 1).with(subject_key_id(7))
}

fn right() -> ForgeDetached {
    ForgeDetached::new(CONTENT, &signer())
}

fn module() -> ForgeDetached {
    ForgeDetached::module(CONTENT, &signer())
}

fn judge_der(content: &[u8], der: &[u8], anchors: &[&Cert]) -> Result<Signer, Reason> {
    let keys: Vec<u8> = anchors.iter().flat_map(|anchor| anchor.der()).collect();
    let trust = Trust::new().add_keys(&keys).expect("well-formed");
    verify_detached([content], der, &trust)
}

fn code(verdict: Result<Signer, Reason>) -> &'static str {
    verdict.map_or_else(|reason| reason.code(), |_| "accepted")
}

/// The code of the refusal, or `"accepted"`, of a signature with a certificate and attributes.
fn judge(change: impl FnOnce(&mut ForgeDetached)) -> &'static str {
    let mut forge = right();
    change(&mut forge);
    code(judge_der(CONTENT, &forge.build(), &[&Cert::ca(1, 1)]))
}

/// The same, of one without either; its signer is the anchor.
fn judge_module(change: impl FnOnce(&mut ForgeDetached)) -> &'static str {
    let mut forge = module();
    change(&mut forge);
    code(judge_der(CONTENT, &forge.build(), &[&signer()]))
}

#[test]
fn accepts_the_signatures_that_the_others_here_depart_from() {
    assert_eq!(judge(|_| ()), "accepted");
    assert_eq!(judge_module(|_| ()), "accepted");
}

#[test]
fn hashes_the_content_whatever_its_parts() {
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let parts = [&b"con"[..], b"", b"tent"];
    assert!(verify_detached(parts, &right().build(), &trust).is_ok());
}

#[test]
fn accepts_either_way_of_naming_the_signer() {
    assert_eq!(
        judge(|forge| *forge = forge.clone().by_key_id(&[7; 20])),
        "accepted"
    );
    assert_eq!(
        judge_module(|forge| *forge = forge.clone().by_key_id(&[7; 20])),
        "accepted"
    );
}

#[test]
fn refuses_a_signer_named_as_nobody_is() {
    let other_serial = seq(&[name("key 1"), int(9)]);
    let other_issuer = seq(&[name("key 9"), int(2)]);
    for id in [other_serial, other_issuer] {
        assert_eq!(
            judge(|forge| forge.signer_id = id.clone()),
            "unknown-signer"
        );
        assert_eq!(judge_module(|forge| forge.signer_id = id), "unknown-signer");
    }
    for id in [&[8; 20][..], &[7; 19], &[7; 21]] {
        let verdict = judge_module(|forge| *forge = forge.clone().by_key_id(id));
        assert_eq!(verdict, "unknown-signer");
    }
    assert_eq!(
        judge_module(|forge| *forge = forge.clone().by_key_id(&[])),
        "malformed-signature"
    );
}

#[test]
fn names_a_signer_whose_certificate_is_nowhere() {
    let by_serial = judge_der(CONTENT, &module().build(), &[&Cert::ca(5, 5)]);
    assert_eq!(
        by_serial.unwrap_err().to_string(),
        format!(
            "signed with the certificate with serial number 02, issued by \"key 1\", which is neither in the signature nor trusted; keys tried: .keys: \"key 5\" {}",
            key_id_of(&Cert::ca(5, 5))
        )
    );
    let by_key_id = module().by_key_id(&[7; 20]).build();
    let words = judge_der(CONTENT, &by_key_id, &[]).unwrap_err().to_string();
    assert!(words.starts_with("signed with the certificate with key id 0707"));
    assert!(words.ends_with("no key is trusted at all: .keys and MokListRT are empty"));
}

fn key_id_of(cert: &Cert) -> String {
    let der = cert.der();
    let certificate = baton_verify::Certificate::parse(&der).expect("well-formed");
    certificate.key_id().to_string()
}

#[test]
fn tries_every_certificate_that_the_name_fits() {
    // Both are "issued by key 1, number 2", and have the same key identifier.
    let namesake = Cert {
        serial: 2,
        ..Cert::leaf(3, 1).with(subject_key_id(7))
    };
    for forge in [module(), module().by_key_id(&[7; 20])] {
        let der = forge.build();
        for anchors in [[&namesake, &signer()], [&signer(), &namesake]] {
            assert_eq!(code(judge_der(CONTENT, &der, &anchors)), "accepted");
        }
        let verdict = judge_der(CONTENT, &der, &[&namesake]);
        assert_eq!(code(verdict), "bad-signature");
    }
}

#[test]
fn a_carried_certificate_is_not_trusted_for_being_carried() {
    let der = right().build();
    let verdict = judge_der(CONTENT, &der, &[&Cert::ca(5, 5)]);
    assert_eq!(code(verdict), "unknown-signer");
}

#[test]
fn carried_namesakes_cannot_keep_a_trusted_signer_from_being_tried() {
    let namesake = Cert {
        serial: 2,
        ..Cert::leaf(3, 1)
    };
    let der = module().carrying(&[&namesake; 16]).build();
    assert_eq!(code(judge_der(CONTENT, &der, &[&signer()])), "accepted");
}

#[test]
fn refuses_a_revoked_signer() {
    let key = Cert::ca(1, 1).der();
    let list = baton_samples::signature_list(&baton_samples::X509, &[&signer().der()]);
    let trust = Trust::new()
        .add_keys(&key)
        .and_then(|trust| trust.add_revocations(&list, RevocationSource::MokListX))
        .expect("well-formed");
    let verdict = verify_detached([CONTENT], &right().build(), &trust);
    assert_eq!(code(verdict), "revoked-certificate");
}

#[test]
fn refuses_altered_content() {
    let anchor = Cert::ca(1, 1);
    for altered in [&b"c0ntent"[..], b"conten", b"content\0", b""] {
        let verdict = judge_der(altered, &right().build(), &[&anchor]);
        assert_eq!(code(verdict), "digest-mismatch");
        let verdict = judge_der(altered, &module().build(), &[&signer()]);
        assert_eq!(code(verdict), "bad-signature");
    }
}

#[test]
fn refuses_versions_that_do_not_fit_the_signers_name() {
    let by_key_id = || right().by_key_id(&[7; 20]);
    for version in [0, 2, 3, 4] {
        assert_eq!(judge(|f| f.version = int(version)), "malformed-signature");
        assert_eq!(
            judge(|f| f.signer_version = int(version)),
            "malformed-signature"
        );
    }
    assert_eq!(
        judge(|f| (f.version, f.signer_version) = (int(3), int(3))),
        "malformed-signature"
    );
    for (version, signer_version) in [(1, 3), (3, 1), (1, 1)] {
        let mut forge = by_key_id();
        (forge.version, forge.signer_version) = (int(version), int(signer_version));
        let verdict = judge_der(CONTENT, &forge.build(), &[&Cert::ca(1, 1)]);
        assert_eq!(code(verdict), "malformed-signature");
    }
}

#[test]
fn refuses_content_inside_and_content_that_is_not_data() {
    for info in [
        seq(&[oid(DATA), explicit(0, &octets(CONTENT))]),
        seq(&[oid(SPC_INDIRECT_DATA)]),
        seq(&[oid(DATA), null()]),
        seq(&[oid(DATA), explicit(0, &[])]),
    ] {
        for verdict in [
            judge(|forge| forge.content_info = info.clone()),
            judge_module(|forge| forge.content_info = info.clone()),
        ] {
            assert_eq!(verdict, "malformed-signature");
        }
    }
}

#[test]
fn refuses_no_signer_and_two() {
    assert_eq!(judge(|f| f.no_signer = true), "malformed-signature");
    assert_eq!(
        judge(|f| f.more_signers = f.signer_info()),
        "malformed-signature"
    );
}

#[test]
fn refuses_bytes_after_the_end_and_revocation_lists_inside() {
    for trailing in [vec![0], null()] {
        assert_eq!(
            judge(|f| f.trailing = trailing.clone()),
            "malformed-signature"
        );
        assert_eq!(
            judge_module(|f| f.trailing = trailing),
            "malformed-signature"
        );
    }
    assert_eq!(judge(|f| f.crls = explicit(1, &[])), "malformed-signature");
}

#[test]
fn refuses_missing_doubled_and_wrong_attributes() {
    let (kind, digest) = (content_type(DATA), message_digest(&sha256(CONTENT)));
    let several = attribute(
        "1.2.840.113549.1.9.4",
        &[octets(&sha256(CONTENT)), octets(&sha256(b"other"))],
    );
    let accepts = |attributes: &[Vec<u8>]| {
        judge(|forge| *forge = forge.clone().with_attributes(attributes, 2))
    };
    assert_eq!(accepts(&[digest.clone(), kind.clone()]), "accepted");
    for attributes in [
        vec![],
        vec![kind.clone()],
        vec![digest.clone()],
        vec![kind.clone(), digest.clone(), digest.clone()],
        vec![kind.clone(), kind.clone(), digest.clone()],
        vec![content_type(SPC_INDIRECT_DATA), digest.clone()],
        vec![kind.clone(), several],
    ] {
        assert_eq!(accepts(&attributes), "malformed-signature");
    }
    for wrong in [sha256(b"other"), sha256(CONTENT)[..31].to_vec(), vec![]] {
        let verdict = accepts(&[kind.clone(), message_digest(&wrong)]);
        assert_eq!(verdict, "digest-mismatch");
    }
}

#[test]
fn refuses_attributes_that_were_left_out_or_put_in() {
    // The content's signature with attributes added, the attributes' signature without them.
    let attributes = vec![content_type(DATA), message_digest(&sha256(CONTENT))];
    let with = |forge: &mut ForgeDetached| forge.attributes = Some(attributes.clone());
    assert_eq!(judge_module(with), "bad-signature");
    assert_eq!(judge(|forge| forge.attributes = None), "bad-signature");
}

#[test]
fn refuses_the_attributes_of_another_signature_as_content() {
    // What key 2 signed when it signed an image: its attributes.
    let forge = Forge::new(&signer());
    let attributes = [
        content_type(SPC_INDIRECT_DATA),
        message_digest(&sha256(&forge.content[2..])),
    ];
    let signed = set(&attributes);
    let mut transplant = ForgeDetached::module(&signed, &signer());
    let verdict = judge_der(&signed, &transplant.build(), &[&signer()]);
    assert_eq!(code(verdict), "ambiguous-signature");
    // With attributes of its own there is nothing to confuse.
    let own = [content_type(DATA), message_digest(&sha256(&signed))];
    transplant = transplant.with_attributes(&own, 2);
    let verdict = judge_der(&signed, &transplant.build(), &[&signer()]);
    assert_eq!(code(verdict), "accepted");
}

#[test]
fn refuses_what_a_certificate_or_a_list_is_made_of_as_content() {
    // What an authority signs when it issues a certificate.
    let contents = Cert::leaf(9, 2).tbs();
    let list = seq(&[seq(&[oid(ECDSA_SHA384)]), name("key 2"), null()]);
    let parts = [seq(&[oid(SPC_INDIRECT_DATA)]), octets(&[7; 32])].concat();
    for content in [
        contents,
        list,
        parts,
        set(&[null()]),
        vec![0x30],
        vec![0x31],
    ] {
        let mut transplant = ForgeDetached::module(&content, &signer());
        let verdict = judge_der(&content, &transplant.build(), &[&signer()]);
        assert_eq!(code(verdict), "ambiguous-signature", "{content:x?}");
        let own = [content_type(DATA), message_digest(&sha256(&content))];
        transplant = transplant.with_attributes(&own, 2);
        let verdict = judge_der(&content, &transplant.build(), &[&signer()]);
        assert_eq!(code(verdict), "accepted");
    }
}

#[test]
fn an_archive_begins_with_the_same_byte_and_is_signed_without_attributes_all_the_same() {
    for content in [&b"070701 an archive"[..], b"070702 another"] {
        let signature = ForgeDetached::module(content, &signer()).build();
        let verdict = judge_der(content, &signature, &[&signer()]);
        assert_eq!(code(verdict), "accepted");
    }
    for content in [&b"070707 of another kind"[..], b"07070", b"0", b"1"] {
        let signature = ForgeDetached::module(content, &signer()).build();
        let verdict = judge_der(content, &signature, &[&signer()]);
        assert_eq!(code(verdict), "ambiguous-signature");
    }
}

#[test]
fn refuses_algorithms_that_differ_or_are_not_accepted() {
    let hash = |id| seq(&[oid(id), null()]);
    for (id, expected) in [
        (SHA384, "malformed-signature"),
        (SHA1, "unsupported-algorithm"),
    ] {
        assert_eq!(
            judge_module(|f| f.digest_algorithms = set(&[hash(id)])),
            expected
        );
        assert_eq!(judge_module(|f| f.digest_algorithm = hash(id)), expected);
    }
    assert_eq!(
        judge_module(|f| f.signature_algorithm = seq(&[oid(ECDSA_SHA384)])),
        "malformed-signature"
    );
    // An RSA signature by a key that is none.
    assert_eq!(
        judge_module(|f| f.signature_algorithm = hash("1.2.840.113549.1.1.1")),
        "bad-signature"
    );
}

#[test]
fn refuses_a_signature_by_another_key() {
    assert_eq!(
        judge_module(|f| f.signature = sign(3, CONTENT)),
        "bad-signature"
    );
    let attributes = [content_type(DATA), message_digest(&sha256(CONTENT))];
    assert_eq!(
        judge(|f| *f = f.clone().with_attributes(&attributes, 3)),
        "bad-signature"
    );
}

#[test]
fn does_not_look_at_unauthenticated_attributes() {
    let ignored = explicit(1, &attribute("1.2.3.4", &[null()]));
    assert_eq!(judge(|f| f.unauthenticated = ignored), "accepted");
    // But they must be DER, and the last.
    let broken = tlv(0xa1, &[0x30, 0x05]);
    assert_eq!(judge(|f| f.unauthenticated = broken), "malformed-signature");
    let other = explicit(2, &null());
    assert_eq!(judge(|f| f.unauthenticated = other), "malformed-signature");
}

/// The positions of flips of `signature` that are accepted.
fn flips(content: &[u8], signature: &[u8], key: &[u8]) -> Vec<(usize, u8)> {
    let trust = Trust::new().add_keys(key).expect("well-formed");
    assert!(verify_detached([content], signature, &trust).is_ok());
    accepted_flips(signature, 0..signature.len(), |flipped| {
        verify_detached([content], flipped, &trust).is_ok()
    })
}

#[test]
fn refuses_every_flip_of_a_signature() {
    let content = fixture("detached/content.txt");
    for (signature, key) in [
        ("module-p256", "p256"),
        ("p256-keyid-nocerts", "p256"),
        ("module-rsa-keyid", "rsa"),
    ] {
        let signature = fixture(&format!("detached/{signature}.cms"));
        let key = fixture(&format!("detached/{key}.der"));
        assert_eq!(flips(&content, &signature, &key), []);
    }
    // With the signer's certificate inside, and another one as the anchor.
    assert_eq!(flips(CONTENT, &right().build(), &Cert::ca(1, 1).der()), []);
}

#[test]
fn flips_in_a_carried_copy_of_a_trusted_certificate_are_harmless() {
    let (content, signature, key) = (
        fixture("detached/content.txt"),
        fixture("detached/p256.cms"),
        fixture("detached/p256.der"),
    );
    let carried = signature
        .windows(key.len())
        .position(|window| window == key)
        .expect("carried");
    let accepted = flips(&content, &signature, &key);
    assert!(!accepted.is_empty());
    for (position, bit) in accepted {
        assert!(
            (carried..carried + key.len()).contains(&position),
            "bit {bit} of byte {position:#x} can be flipped"
        );
    }
}

#[test]
fn refuses_every_flip_of_the_content() {
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let signature = right().build();
    let accepted = accepted_flips(CONTENT, 0..CONTENT.len(), |flipped| {
        verify_detached([flipped], &signature, &trust).is_ok()
    });
    assert_eq!(accepted, []);
}

#[test]
fn refuses_every_truncation() {
    for (der, anchor) in [
        (right().build(), Cert::ca(1, 1)),
        (module().build(), signer()),
    ] {
        for len in 0..der.len() {
            let verdict = judge_der(CONTENT, &der[..len], &[&anchor]);
            assert_eq!(code(verdict), "malformed-signature", "{len}");
        }
    }
}
