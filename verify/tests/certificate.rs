//! Certificates that are wrong in one place each.
#![allow(missing_docs)]

use baton_samples::der::{bits, explicit, int, null, oid, seq, tlv};
use baton_samples::fixture;
use baton_samples::forge::{Cert, ECDSA_SHA256, ECDSA_SHA384, basic_constraints, subject_key_id};
use baton_verify::certificate::UnusableKey;
use baton_verify::{Certificate, CertificateError};

/// `cert` with this in place of its TBSCertificate.
fn around(tbs: &[u8]) -> Vec<u8> {
    seq(&[tbs, &seq(&[oid(ECDSA_SHA256)]), &bits(&[1])])
}

/// The fields of a TBSCertificate, each DER.
fn fields(cert: &Cert) -> Vec<Vec<u8>> {
    let tbs = cert.tbs();
    let mut rest = &tbs[tbs.len() - contents_len(&tbs)..];
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let len = header_len(rest) + contents_len(rest);
        let (field, after) = rest.split_at(len);
        fields.push(field.to_vec());
        rest = after;
    }
    fields
}

fn header_len(tlv: &[u8]) -> usize {
    match tlv[1] {
        0x81 => 3,
        0x82 => 4,
        _ => 2,
    }
}

fn contents_len(tlv: &[u8]) -> usize {
    match tlv[1] {
        0x81 => tlv[2].into(),
        0x82 => usize::from(tlv[2]) << 8 | usize::from(tlv[3]),
        short => short.into(),
    }
}

#[test]
fn reads_what_openssl_makes() {
    let der = fixture("leaf.der");
    let leaf = Certificate::parse(&der).expect("a certificate");
    assert_eq!(leaf.as_bytes(), der);
    assert_eq!(leaf.subject_name(), "Baton test leaf");
    assert_eq!(leaf.key_id().as_bytes().len(), 20);
    assert_eq!(leaf.unusable_key(), None);
    let der = fixture("intermediate.der");
    let intermediate = Certificate::parse(&der).expect("a certificate");
    assert_eq!(leaf.issuer(), intermediate.subject());
}

#[test]
fn refuses_every_truncation_and_every_byte_more() {
    let mut der = Cert::ca(1, 1).with(subject_key_id(4)).der();
    assert!(Certificate::parse(&der).is_ok());
    for len in 0..der.len() {
        assert!(Certificate::parse(&der[..len]).is_err(), "{len}");
    }
    der.push(0);
    assert!(Certificate::parse(&der).is_err());
}

#[test]
fn a_key_without_identifier_is_shown_by_its_digest() {
    let der = Cert::leaf(1, 1).der();
    let certificate = Certificate::parse(&der).expect("a certificate");
    let digest = baton_verify::HashAlgorithm::Sha256.hash([certificate.key_info()]);
    assert_eq!(certificate.key_id().as_bytes(), &digest.as_bytes()[..20]);
}

#[test]
fn refuses_two_signature_algorithms() {
    let der = seq(&[
        Cert::leaf(1, 1).tbs(),
        seq(&[oid(ECDSA_SHA384)]),
        bits(&[1]),
    ]);
    let error = Certificate::parse(&der).unwrap_err();
    assert_eq!(error, CertificateError::AlgorithmsDiffer);
}

#[test]
fn refuses_extensions_before_version_3_and_versions_after_it() {
    for version in [None, Some(1), Some(3)] {
        let mut cert = Cert::ca(1, 1);
        cert.version = version;
        let error = Certificate::parse(&cert.der()).map(|_| ()).unwrap_err();
        assert_eq!(error, CertificateError::Version, "{version:?}");
    }
}

#[test]
fn refuses_an_extension_that_is_there_twice() {
    let twice = Cert::ca(1, 1).with(basic_constraints(false, None));
    assert!(Certificate::parse(&twice.der()).is_err());
    let twice = Cert::ca(1, 1)
        .with(subject_key_id(1))
        .with(subject_key_id(1));
    assert!(Certificate::parse(&twice.der()).is_err());
}

#[test]
fn refuses_fields_that_are_missing_doubled_or_more() {
    let cert = Cert::ca(1, 1);
    let right = fields(&cert);
    assert!(Certificate::parse(&around(&seq(&right))).is_ok());
    // Leaving out the first (the version) makes extensions wrong; the last, harmless.
    for index in 0..right.len() - 1 {
        let mut without = right.clone();
        without.remove(index);
        assert!(
            Certificate::parse(&around(&seq(&without))).is_err(),
            "{index}"
        );
    }
    for index in 0..right.len() {
        let mut doubled = right.clone();
        doubled.insert(index, right[index].clone());
        assert!(
            Certificate::parse(&around(&seq(&doubled))).is_err(),
            "{index}"
        );
    }
    for more in [null(), explicit(3, &seq(&[null()])), tlv(0x81, &[0, 1])] {
        let mut longer = right.clone();
        longer.push(more);
        assert!(Certificate::parse(&around(&seq(&longer))).is_err());
    }
}

/// As older go-uefi, and sbctl with it, made them.
#[test]
fn takes_an_empty_list_of_extensions_for_none() {
    let mut fields = fields(&Cert::leaf(1, 1));
    fields.push(explicit(3, &tlv(0x30, &[])));
    let der = around(&seq(&fields));
    let certificate = Certificate::parse(&der).expect("a certificate");
    assert!(!certificate.is_ca() && !certificate.is_for_modules());
}

#[test]
fn takes_unique_identifiers_before_the_extensions() {
    let right = fields(&Cert::ca(1, 1));
    let at = right.len() - 1;
    let with = |ids: &[Vec<u8>]| {
        let mut fields = right.clone();
        fields.splice(at..at, ids.iter().cloned());
        Certificate::parse(&around(&seq(&fields))).is_ok()
    };
    let (issuer, subject) = (tlv(0x81, &[0, 1]), tlv(0x82, &[0, 2]));
    let both = [issuer.clone(), subject.clone()];
    assert!(with(&both[..1]) && with(&both[1..]) && with(&both));
    for ids in [[issuer.clone(), issuer.clone()], [subject, issuer]] {
        assert!(!with(&ids));
    }
    // Version 1 has none.
    let mut first = fields(&Cert::leaf(1, 1));
    first.remove(0);
    assert!(Certificate::parse(&around(&seq(&first))).is_ok());
    first.push(tlv(0x81, &[0, 1]));
    assert!(Certificate::parse(&around(&seq(&first))).is_err());
}

/// A certificate with this SubjectPublicKeyInfo, and what is said of its key.
fn unusable(key_info: &[u8]) -> Option<UnusableKey> {
    let mut fields = fields(&Cert::leaf(1, 1));
    *fields.last_mut().expect("the key") = key_info.to_vec();
    let der = around(&seq(&fields));
    Certificate::parse(&der)
        .expect("a certificate")
        .unusable_key()
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = seq(&[tlv(2, modulus), tlv(2, exponent)]);
    seq(&[seq(&[oid("1.2.840.113549.1.1.1"), null()]), bits(&key)])
}

/// An odd number of this many bits, as the contents of an INTEGER.
fn number(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xff; bits / 8];
    match bits % 8 {
        0 => bytes.insert(0, 0),
        top => bytes.insert(0, 0x7f >> (7 - top)),
    }
    bytes
}

#[test]
fn takes_rsa_keys_of_2048_to_4096_bits() {
    let e = [1, 0, 1];
    for bits in [2048, 2049, 3072, 4096] {
        assert_eq!(unusable(&rsa(&number(bits), &e)), None, "{bits}");
    }
    for bits in [1024, 2047, 4097, 8192] {
        let expected = Some(UnusableKey::RsaSize(bits));
        assert_eq!(unusable(&rsa(&number(bits), &e)), expected);
    }
    let mut even = number(2048);
    *even.last_mut().expect("not empty") = 0xfe;
    assert_eq!(unusable(&rsa(&even, &e)), Some(UnusableKey::Encoding));
}

#[test]
fn takes_odd_rsa_exponents_from_65537_up_to_33_bits() {
    let modulus = number(2048);
    for right in [&[1, 0, 1][..], &[1, 0, 0, 1], &[1, 0, 0, 0, 1]] {
        assert_eq!(unusable(&rsa(&modulus, right)), None, "{right:?}");
    }
    for wrong in [
        &[1][..],
        &[3],
        &[0, 0xff, 0xff],
        &[1, 0, 2],
        &[2, 0, 0, 0, 1],
        &[1; 9],
    ] {
        let expected = Some(UnusableKey::RsaExponent);
        assert_eq!(unusable(&rsa(&modulus, wrong)), expected, "{wrong:?}");
    }
}

#[test]
fn takes_uncompressed_points_on_p_256_and_p_384_only() {
    let ec = |curve: &str, point: &[u8]| {
        seq(&[seq(&[oid("1.2.840.10045.2.1"), oid(curve)]), bits(point)])
    };
    let (p256, p384, p521) = ("1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35");
    let point = |first: u8, len: usize| [vec![first], vec![1; len - 1]].concat();
    assert_eq!(unusable(&ec(p256, &point(4, 65))), None);
    assert_eq!(unusable(&ec(p384, &point(4, 97))), None);
    assert_eq!(unusable(&ec(p521, &point(4, 133))), Some(UnusableKey::Kind));
    for wrong in [point(2, 33), point(2, 65), point(4, 64), point(4, 97)] {
        assert_eq!(unusable(&ec(p256, &wrong)), Some(UnusableKey::Encoding));
    }
    let no_curve = seq(&[seq(&[oid("1.2.840.10045.2.1"), int(1)]), bits(&[4])]);
    assert_eq!(unusable(&no_curve), Some(UnusableKey::Kind));
}

#[test]
fn tells_keys_for_pss_alone() {
    let pss = seq(&[seq(&[oid("1.2.840.113549.1.1.10")]), bits(&[1; 32])]);
    assert_eq!(unusable(&pss), Some(UnusableKey::RsaPss));
    let words = UnusableKey::RsaPss.to_string();
    assert_eq!(words, "RSA-PSS keys aren't accepted");
}

#[test]
fn takes_no_other_kind_of_key() {
    let ed25519 = seq(&[seq(&[oid("1.3.101.112")]), bits(&[1; 32])]);
    assert_eq!(unusable(&ed25519), Some(UnusableKey::Kind));
}
