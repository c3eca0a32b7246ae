//! Our verdicts on detached signatures against those that `openssl cms -verify` gives of the same
//! bytes. They are the same but where we are stricter on purpose, which each such case says.
#![allow(missing_docs)]

mod chains;
mod encodings;
mod rsa;

use baton_samples::der::{bits, explicit, int, join, null, octets, oid, seq, set, tlv};
use baton_samples::forge::{
    Cert, DATA, ECDSA_SHA384, SHA1, SHA256, SHA384, SPC_INDIRECT_DATA, attribute, authority_key_id,
    basic_constraints, content_type, crl, extension, for_modules, key_usage, message_digest,
    sha256, sign, subject_key_id,
};
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::openssl::{Bench, ours};

const CONTENT: &[u8] = b"content";
const RSA: &str = "1.2.840.113549.1.1.1";

/// A signature of [`CONTENT`] by someone whom the anchor vouches for, or not.
struct Case {
    name: &'static str,
    signature: Vec<u8>,
    anchor: Vec<u8>,
    expected: Expected,
}

/// What openssl and we say.
#[derive(Clone, Copy)]
enum Expected {
    Accepted,
    Refused,
    /// OpenSSL 3.0 accepts it, and a newer one may or may not; our code, and why.
    Stricter(&'static str, &'static str),
}
use Expected::{Accepted, Refused, Stricter};

impl Expected {
    fn why(self) -> String {
        match self {
            Stricter(code, why) => format!(", and was to be {code}: {why}"),
            _ => String::new(),
        }
    }
}

impl Case {
    fn new(name: &'static str, signature: Vec<u8>, anchor: &Cert, expected: Expected) -> Self {
        Self {
            name,
            signature,
            anchor: anchor.der(),
            expected,
        }
    }
}

fn compare(cases: &[Case]) {
    let bench = Bench::set_up();
    let mut wrong = Vec::new();
    for case in cases {
        let theirs = bench.openssl_accepts(CONTENT, &case.signature, &case.anchor);
        let verdict = ours(CONTENT, &case.signature, &case.anchor);
        let fits = match case.expected {
            Accepted => theirs && verdict == "accepted",
            Refused => !theirs && verdict != "accepted",
            Stricter(code, _) => verdict == code,
        };
        if !fits {
            let why = case.expected.why();
            wrong.push(format!(
                "{}: {verdict}, by openssl {theirs}{why}",
                case.name
            ));
        }
        // Nobody takes it for a signature of something else.
        for other in [&b"c0ntent"[..], b""] {
            let theirs = bench.openssl_accepts(other, &case.signature, &case.anchor);
            let verdict = ours(other, &case.signature, &case.anchor);
            if theirs || verdict == "accepted" {
                wrong.push(format!("{}: accepted for another content", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Key 2 signs, issued by key 1, which is the anchor.
fn signer() -> Cert {
    Cert::leaf(2, 1).with(subject_key_id(7))
}

fn right() -> ForgeDetached {
    ForgeDetached::new(CONTENT, &signer())
}

fn forged(name: &'static str, expected: Expected, change: impl FnOnce(&mut ForgeDetached)) -> Case {
    let mut forge = right();
    change(&mut forge);
    Case::new(name, forge.build(), &Cert::ca(1, 1), expected)
}

/// Every kind of key that is accepted, and every hash, with attributes and without.
#[test]
fn agree_on_every_key_and_hash() {
    let bench = Bench::set_up();
    bench.write("content.txt", CONTENT);
    let mut compared = 0;
    for (name, options) in [
        ("rsa2048", "RSA -pkeyopt rsa_keygen_bits:2048"),
        ("rsa3072", "RSA -pkeyopt rsa_keygen_bits:3072"),
        ("rsa4096", "RSA -pkeyopt rsa_keygen_bits:4096"),
        ("p256", "EC -pkeyopt ec_paramgen_curve:P-256"),
        ("p384", "EC -pkeyopt ec_paramgen_curve:P-384"),
    ] {
        bench.openssl(&format!("genpkey -out {name}.key -algorithm {options}"));
        bench.openssl(&format!(
            "req -new -x509 -key {name}.key -subj /CN={name} -days 36500 -out {name}.pem"
        ));
        bench.openssl(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
        let anchor = bench.read(&format!("{name}.der"));
        for hash in ["sha256", "sha384", "sha512"] {
            for form in ["", "-noattr", "-nocerts -keyid"] {
                bench.openssl(&format!(
                    "cms -sign -binary -in content.txt -signer {name}.pem -inkey {name}.key \
                     -md {hash} -outform DER -out signed.cms {form}"
                ));
                let signature = bench.read("signed.cms");
                for (content, expected) in [(CONTENT, true), (b"c0ntent", false)] {
                    let what = format!("{name} {hash} {form}");
                    let theirs = bench.openssl_accepts(content, &signature, &anchor);
                    assert_eq!(theirs, expected, "openssl: {what}");
                    let verdict = ours(content, &signature, &anchor);
                    assert_eq!(verdict == "accepted", expected, "{what}: {verdict}");
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 5 * 3 * 3 * 2);
}

#[test]
fn agree_on_attributes() {
    let (kind, digest) = (content_type(DATA), message_digest(&sha256(CONTENT)));
    let values = |id: &str, values: &[Vec<u8>]| attribute(id, values);
    let digest_id = "1.2.840.113549.1.9.4";
    let case = |name, expected, attributes: &[&Vec<u8>]| {
        let attributes: Vec<_> = attributes.iter().map(|a| (*a).clone()).collect();
        forged(name, expected, |forge| {
            *forge = forge.clone().with_attributes(&attributes, 2);
        })
    };
    let own = || vec![kind.clone(), digest.clone()];
    compare(&[
        forged("with attributes", Accepted, |_| ()),
        case("in another order", Accepted, &[&digest, &kind]),
        case("an empty set", Refused, &[]),
        case("no messageDigest", Refused, &[&kind]),
        case("no contentType", Refused, &[&digest]),
        case("messageDigest twice", Refused, &[&kind, &digest, &digest]),
        case("contentType twice", Refused, &[&kind, &kind, &digest]),
        case(
            "contentType of something else",
            Stricter("malformed-signature", "openssl doesn't compare them"),
            &[&content_type(SPC_INDIRECT_DATA), &digest],
        ),
        case(
            "messageDigest with two values",
            Refused,
            &[
                &kind,
                &values(
                    digest_id,
                    &[octets(&sha256(CONTENT)), octets(&sha256(b"other"))],
                ),
            ],
        ),
        case(
            "messageDigest without a value",
            Refused,
            &[&kind, &values(digest_id, &[])],
        ),
        case(
            "messageDigest that isn't an octet string",
            Refused,
            &[&kind, &values(digest_id, &[tlv(0x0c, &sha256(CONTENT))])],
        ),
        case(
            "messageDigest of something else",
            Refused,
            &[&kind, &message_digest(&sha256(b"other"))],
        ),
        case(
            "messageDigest cut off",
            Refused,
            &[&kind, &message_digest(&sha256(CONTENT)[..31])],
        ),
        case(
            "messageDigest of nothing",
            Refused,
            &[&kind, &message_digest(&[])],
        ),
        case(
            "an unknown attribute beside",
            Accepted,
            &[&kind, &digest, &values("1.2.3.4", &[null()])],
        ),
        forged("attributes left out", Refused, |forge| {
            forge.attributes = None
        }),
        forged("attributes put in", Refused, |forge| {
            *forge = ForgeDetached::module(CONTENT, &signer()).carrying(&[&signer()]);
            forge.attributes = Some(own());
        }),
        forged("attributes that are malformed", Refused, |forge| {
            *forge = forge
                .clone()
                .with_attributes(&[kind.clone(), digest.clone(), null()], 2);
        }),
    ]);
}

#[test]
fn agree_on_signers_and_signatures() {
    let zeros = || seq(&[int(0), int(0)]);
    let anchor = Cert::ca(1, 1);
    let attributes = [content_type(DATA), message_digest(&sha256(CONTENT))];
    let transplanted = ForgeDetached::new(b"another file", &signer());
    compare(&[
        forged("no signer", Refused, |forge| forge.no_signer = true),
        forged(
            "two signers",
            Stricter("malformed-signature", "one is all that is needed"),
            |forge| forge.more_signers = forge.signer_info(),
        ),
        forged(
            "a second signer whose signature is wrong",
            Refused,
            |forge| {
                let mut other = forge.clone();
                other.signature = sign(3, CONTENT);
                forge.more_signers = other.signer_info();
            },
        ),
        forged("signed with another key", Refused, |forge| {
            *forge = forge.clone().with_attributes(&attributes, 3);
        }),
        forged("a signature of something else", Refused, |forge| {
            forge.signature = sign(2, b"other");
        }),
        forged("no signature", Refused, |forge| forge.signature = vec![]),
        forged("a signature of zeros", Refused, |forge| {
            forge.signature = zeros()
        }),
        forged("a byte after the signature", Refused, |forge| {
            forge.signature.push(0);
        }),
        forged("named by its key", Accepted, |forge| {
            *forge = forge.clone().by_key_id(&[7; 20]);
        }),
        forged("named by no key", Refused, |forge| {
            *forge = forge.clone().by_key_id(&[]);
        }),
        forged("named by another key", Refused, |forge| {
            *forge = forge.clone().by_key_id(&[8; 20]);
        }),
        forged("named by another serial number", Refused, |forge| {
            forge.signer_id = seq(&[baton_samples::forge::name("key 1"), int(9)]);
        }),
        Case::new(
            "the signature of another file",
            transplanted.build(),
            &anchor,
            Refused,
        ),
        Case::new(
            "trusted by nobody",
            right().build(),
            &Cert::ca(5, 5),
            Refused,
        ),
    ]);
}
