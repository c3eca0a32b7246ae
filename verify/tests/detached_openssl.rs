//! Detached signatures made by openssl, and its verdicts on them (see
//! `fixtures/detached/regenerate`). Ours are the same, but where we are stricter on purpose.
#![allow(missing_docs)]

use std::collections::BTreeSet;

use baton_samples::fixture;
use baton_verify::{Signer, Trust, verify_detached};

const ANCHORS: [&str; 9] = [
    "rsa", "p256", "p384", "other", "weak", "e3", "p521", "middle", "leaf",
];
const CONTENTS: [&str; 3] = ["content", "altered", "empty"];

/// What openssl accepts, and we refuse: (signature, our code, why).
const STRICTER: [(&str, &str, &str); 10] = [
    ("sha1", "unsupported-algorithm", "SHA-1 is broken"),
    ("sha224-noattr", "unsupported-algorithm", "SHA-224 is short"),
    ("weak", "unusable-key", "RSA with 1024 bits"),
    ("e3", "unusable-key", "RSA with exponent 3"),
    ("p521", "unusable-key", "a curve that isn't accepted"),
    ("pss", "unsupported-algorithm", "RSA-PSS"),
    ("streamed", "malformed-signature", "indefinite lengths"),
    ("trailing", "malformed-signature", "a byte after the end"),
    ("attached", "malformed-signature", "it carries content"),
    (
        "other-type",
        "malformed-signature",
        "the content isn't data",
    ),
];

fn judge(signature: &str, content: &str, anchor: &str) -> Result<Signer, &'static str> {
    let signature = fixture(&format!("detached/{signature}.cms"));
    let content = fixture(&format!("detached/{content}.txt"));
    let key = fixture(&format!("detached/{anchor}.der"));
    let trust = Trust::new().add_keys(&key).expect("fixture");
    verify_detached([&content[..]], &signature, &trust).map_err(|reason| reason.code())
}

fn signatures() -> BTreeSet<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/detached");
    std::fs::read_dir(directory)
        .expect("fixtures")
        .filter_map(|entry| entry.expect("readable").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".cms").map(String::from))
        .collect()
}

fn accepted_by_openssl() -> BTreeSet<String> {
    let verdicts = String::from_utf8(fixture("detached/verdicts")).expect("text");
    verdicts.lines().map(String::from).collect()
}

#[test]
fn every_verdict_is_openssls_but_for_the_listed_ones() {
    let mut compared = 0;
    let accepted = accepted_by_openssl();
    for signature in signatures() {
        let stricter = STRICTER.iter().find(|(name, _, _)| *name == signature);
        for (content, anchor) in CONTENTS
            .iter()
            .flat_map(|content| ANCHORS.map(|anchor| (content, anchor)))
        {
            let openssl = accepted.contains(&format!("{signature} {content} {anchor}"));
            let ours = judge(&signature, content, anchor);
            let what = format!("{signature} of {content} by {anchor}: {ours:?}");
            match stricter {
                Some((_, code, why)) if openssl => {
                    assert_eq!(ours.err(), Some(*code), "{what} ({why})");
                }
                _ => assert_eq!(ours.is_ok(), openssl, "{what}"),
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 33 * CONTENTS.len() * ANCHORS.len());
}

#[test]
fn we_are_stricter_only_where_openssl_accepts() {
    let accepted = accepted_by_openssl();
    for (signature, _, _) in STRICTER {
        let prefix = format!("{signature} ");
        assert!(accepted.iter().any(|line| line.starts_with(&prefix)));
    }
}

#[test]
fn names_the_signer_and_the_anchor() {
    let signer = judge("chain", "content", "rsa").expect("accepted");
    assert_eq!(signer.subject, "Baton detached leaf");
    assert_eq!(signer.anchor_subject, "Baton detached rsa");
    let signer = judge("module-rsa", "content", "rsa").expect("accepted");
    assert_eq!(signer.subject, "Baton detached rsa");
    assert_eq!(signer.key_id, signer.anchor_key_id);
}

#[test]
fn says_what_is_wrong() {
    for (signature, content, anchor, code) in [
        ("rsa", "altered", "rsa", "digest-mismatch"),
        ("rsa-noattr", "altered", "rsa", "bad-signature"),
        ("module-rsa", "altered", "rsa", "bad-signature"),
        ("module-p384-keyid", "empty", "p384", "bad-signature"),
        ("transplanted", "content", "rsa", "digest-mismatch"),
        ("transplanted-noattr", "content", "rsa", "bad-signature"),
        ("rsa", "content", "other", "unknown-signer"),
        ("module-rsa", "content", "other", "unknown-signer"),
        ("module-rsa-keyid", "content", "other", "unknown-signer"),
        ("chain-gap", "content", "rsa", "unknown-signer"),
        ("two", "content", "rsa", "malformed-signature"),
        ("truncated", "content", "rsa", "malformed-signature"),
    ] {
        let verdict = judge(signature, content, anchor);
        assert_eq!(verdict.err(), Some(code), "{signature} of {content}");
    }
}
