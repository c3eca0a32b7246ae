//! Seeds for the fuzz targets `cms`, `detached` and `certificate`: signatures and certificates that
//! are wrong in one place, which lead the fuzzer to where readers of them have failed before. Kept in
//! `fuzz/corpus`; after an intended change: `BATON_BLESS=1 cargo test -p baton-verify --test seeds`.
#![allow(missing_docs)]

use std::path::Path;

use baton_samples::der::{explicit, int, join, null, octets, oid, seq, set, tlv};
use baton_samples::forge::{
    CODE_SIGNING, Cert, DATA, Forge, SHA1, attribute, basic_constraints, content_type, crl,
    for_modules, message_digest, sha256, subject_key_id,
};
use baton_samples::forge_detached::ForgeDetached;
use baton_verify::{Certificate, authenticode, detached};

const CONTENT: &[u8] = b"content";

/// Its name, and its bytes.
type Seed = (&'static str, Vec<u8>);

fn signer() -> Cert {
    Cert::leaf(2, 1).with(subject_key_id(7))
}

/// Sequences in sequences, as many as this.
fn nested(levels: usize) -> Vec<u8> {
    (0..levels).fold(null(), |inner, _| seq(&[inner]))
}

/// What any DER can be spoilt with: `der` has an outermost header of four bytes.
fn spoilt(der: &[u8]) -> Vec<Seed> {
    assert_eq!(der[..2], [0x30, 0x82]);
    let contents = &der[4..];
    vec![
        (
            "indefinite-length",
            join(&[&[0x30, 0x80], contents, &[0, 0]]),
        ),
        (
            "long-length",
            join(&[&[0x30, 0x83, 0, der[2], der[3]], contents]),
        ),
        (
            "length-of-4-gib",
            join(&[&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], contents]),
        ),
        ("trailing", join(&[der, &[1]])),
    ]
}

fn authenticode_seeds() -> Vec<Seed> {
    let right = || Forge::new(&signer());
    let changed = |change: &dyn Fn(&mut Forge)| {
        let mut forge = right();
        change(&mut forge);
        forge.pkcs7()
    };
    let mut seeds = spoilt(&right().pkcs7());
    seeds.extend([
        (
            "two-signers",
            changed(&|forge| forge.more_signers = forge.signer_info()),
        ),
        ("no-attributes", changed(&|forge| forge.attributes = vec![])),
        (
            "certificate-as-revocation-list",
            changed(&|forge| forge.crls = explicit(1, &[crl(), signer().der()].concat())),
        ),
        (
            "two-digests",
            changed(&|forge| forge.attributes.push(message_digest(&[7; 32]))),
        ),
        (
            "sha1",
            changed(&|forge| {
                forge.digest_algorithms = set(&[seq(&[oid(SHA1), null()])]);
                forge.digest_algorithm = seq(&[oid(SHA1), null()]);
            }),
        ),
        (
            "deep",
            changed(&|forge| {
                forge.unauthenticated = explicit(1, &attribute("1.2.3.4", &[nested(60)]));
            }),
        ),
    ]);
    seeds
}

fn detached_seeds() -> Vec<Seed> {
    let changed = |change: &dyn Fn(&mut ForgeDetached)| {
        let mut forge = ForgeDetached::new(CONTENT, &signer());
        change(&mut forge);
        forge.build()
    };
    let with_attributes = |attributes: Vec<Vec<u8>>| {
        changed(&|forge| *forge = forge.clone().with_attributes(&attributes, 2))
    };
    let (kind, digest) = (content_type(DATA), message_digest(&sha256(CONTENT)));
    let mut seeds = spoilt(&ForgeDetached::new(CONTENT, &signer()).build());
    seeds.extend([
        ("no-signer", changed(&|forge| forge.no_signer = true)),
        ("empty-attributes", with_attributes(vec![])),
        ("no-digest", with_attributes(vec![kind.clone()])),
        (
            "two-types",
            with_attributes(vec![kind.clone(), kind, digest]),
        ),
        (
            "content-inside",
            changed(&|forge| {
                forge.content_info = seq(&[oid(DATA), explicit(0, &octets(CONTENT))]);
            }),
        ),
        (
            "empty-key-id",
            changed(&|forge| {
                *forge = forge.clone().by_key_id(&[]);
            }),
        ),
    ]);
    seeds
}

fn certificate_seeds() -> Vec<Seed> {
    let mut seeds = spoilt(&signer().der());
    let twice = Cert::leaf(2, 1)
        .with(subject_key_id(7))
        .with(subject_key_id(7));
    let exponent = Cert {
        key_info: Some(seq(&[
            seq(&[oid("1.2.840.113549.1.1.1"), null()]),
            baton_samples::der::bits(&seq(&[tlv(2, &[&[0][..], &[0xff; 256]].concat()), int(1)])),
        ])),
        ..Cert::leaf(2, 1)
    };
    let cert = Cert::leaf(2, 1);
    let long_path = cert.clone().with(basic_constraints(true, Some(0x7f)));
    seeds.extend([
        ("extension-twice", twice.der()),
        ("exponent-of-1", exponent.der()),
        ("long-path", long_path.der()),
        (
            "for-modules",
            Cert::leaf(2, 1).with(for_modules(&[CODE_SIGNING])).der(),
        ),
        // A list of extensions with none in it.
        ("empty-extensions", Cert::leaf(2, 1).with(vec![]).der()),
        (
            "version-4",
            Cert {
                version: Some(3),
                ..cert.clone()
            }
            .der(),
        ),
        (
            "no-version",
            Cert {
                version: None,
                ..cert
            }
            .der(),
        ),
    ]);
    seeds
}

/// Compares a seed in the repository with what is built now. (ECDSA signatures here are made without
/// randomness.)
fn check(target: &str, (name, built): &Seed) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let path = directory.join(target).join(name);
    if std::env::var_os("BATON_BLESS").is_some() {
        std::fs::write(&path, built).expect("a writable directory");
    }
    let kept = std::fs::read(&path).unwrap_or_default();
    assert!(kept == *built, "{} isn't what is built now", path.display());
}

#[test]
fn malformed_authenticode_signatures_are_refused_and_kept_as_seeds() {
    for seed in authenticode_seeds() {
        assert!(
            authenticode::Signature::parse(&seed.1).is_err(),
            "{}",
            seed.0
        );
        check("cms", &seed);
    }
}

#[test]
fn malformed_detached_signatures_are_refused_and_kept_as_seeds() {
    for seed in detached_seeds() {
        assert!(
            detached::DetachedSignature::parse(&seed.1).is_err(),
            "{}",
            seed.0
        );
        check("detached", &seed);
    }
}

#[test]
fn odd_certificates_are_kept_as_seeds() {
    for seed in certificate_seeds() {
        // Whether its key can be used, and how long a chain may be, is asked later.
        let well_formed = matches!(
            seed.0,
            "exponent-of-1" | "long-path" | "no-version" | "for-modules" | "empty-extensions"
        );
        assert_eq!(
            Certificate::parse(&seed.1).is_ok(),
            well_formed,
            "{}",
            seed.0
        );
        check("certificate", &seed);
    }
}
