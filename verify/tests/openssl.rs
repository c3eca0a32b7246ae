//! Our verdicts on detached signatures against those that `openssl cms -verify` gives of the same
//! bytes. They are the same but where we are stricter on purpose, which each such case says.
#![allow(missing_docs)]

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

/// CA 1, intermediates, and the leaf with the highest number, each issued by the one before.
fn ladder(length: u8, intermediate: impl Fn(Cert) -> Cert) -> Vec<Cert> {
    let mut certs = vec![Cert::ca(1, 1)];
    certs.extend((2..length).map(|key| intermediate(Cert::leaf(key, key - 1))));
    certs.push(Cert::leaf(length, length - 1));
    certs
}

fn ca(cert: Cert) -> Cert {
    cert.with(basic_constraints(true, None))
}

/// The leaf's signature, with the certificates between it and the first.
fn signed_by(certs: &[Cert]) -> Vec<u8> {
    let leaf = certs.last().expect("not empty");
    let carried: Vec<_> = certs.iter().skip(1).collect();
    ForgeDetached::new(CONTENT, leaf).carrying(&carried).build()
}

#[test]
fn agree_on_chains() {
    let case =
        |name, certs: &[Cert], expected| Case::new(name, signed_by(certs), &certs[0], expected);
    let changed = |change: &dyn Fn(&mut Vec<Cert>)| {
        let mut certs = ladder(4, ca);
        change(&mut certs);
        certs
    };
    let critical = || extension("1.2.3.4", true, &null());
    compare(&[
        case("two certificates", &ladder(2, ca), Accepted),
        case("three certificates", &ladder(3, ca), Accepted),
        case("four certificates", &ladder(4, ca), Accepted),
        case(
            "five certificates",
            &ladder(5, ca),
            Stricter("chain-too-long", "nobody needs as many"),
        ),
        case("the signer alone", &[Cert::leaf(1, 1)], Accepted),
        case(
            "a link is missing",
            &changed(&|certs| drop(certs.remove(1))),
            Refused,
        ),
        case(
            "an issuer that isn't the one named",
            &changed(&|certs| certs[2].issuer_key = 9),
            Refused,
        ),
        case(
            "an issuer that doesn't say it is a CA",
            &ladder(3, |cert| cert),
            Refused,
        ),
        case(
            "an issuer that says it is none",
            &ladder(3, |cert| cert.with(basic_constraints(false, None))),
            Refused,
        ),
        case(
            "an issuer that may not sign certificates",
            &ladder(3, |cert| ca(cert).with(key_usage(0x80))),
            Refused,
        ),
        case(
            "an issuer that may",
            &ladder(3, |cert| ca(cert).with(key_usage(0x04))),
            Accepted,
        ),
        case(
            "a path length that is kept to",
            &ladder(3, |cert| cert.with(basic_constraints(true, Some(0)))),
            Accepted,
        ),
        case(
            "a path length that isn't",
            &ladder(4, |cert| cert.with(basic_constraints(true, Some(0)))),
            Refused,
        ),
        case(
            "an issuer with an unknown critical extension",
            &ladder(3, |cert| ca(cert).with(critical())),
            Refused,
        ),
        case(
            "a signer with an unknown critical extension",
            &changed(&|certs| certs[3] = certs[3].clone().with(critical())),
            Refused,
        ),
        case(
            "a trusted signer with one",
            &[Cert::leaf(1, 1).with(critical())],
            Refused,
        ),
        case(
            "a signer whose key is for modules",
            &changed(&|certs| certs[3] = certs[3].clone().with(for_modules(&[]))),
            Stricter(
                "key-for-modules",
                "shim refuses it, which openssl knows nothing of",
            ),
        ),
        case(
            "a key identifier that isn't the issuer's",
            &changed(&|certs| {
                certs[2] = certs[2].clone().with(subject_key_id(1));
                certs[3] = certs[3].clone().with(authority_key_id(2));
            }),
            Refused,
        ),
        case(
            "a key identifier that is",
            &changed(&|certs| {
                certs[2] = certs[2].clone().with(subject_key_id(1));
                certs[3] = certs[3].clone().with(authority_key_id(1));
            }),
            Accepted,
        ),
    ]);
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

#[test]
fn agree_on_algorithms() {
    let hash = |id: &str| seq(&[oid(id), null()]);
    compare(&[
        forged("another hash for SignedData", Refused, |forge| {
            forge.digest_algorithms = set(&[hash(SHA384)]);
        }),
        forged("another hash for the signer", Refused, |forge| {
            forge.digest_algorithm = hash(SHA384);
        }),
        forged("SHA-1 for the signer", Refused, |forge| {
            forge.digest_algorithm = hash(SHA1);
        }),
        forged(
            "another hash for the signature",
            Stricter("malformed-signature", "openssl goes by the signer's hash"),
            |forge| forge.signature_algorithm = seq(&[oid(ECDSA_SHA384)]),
        ),
        forged(
            "RSA for a key that is none",
            Stricter("bad-signature", "openssl goes by the key"),
            |forge| forge.signature_algorithm = hash(RSA),
        ),
        forged("hashes without parameters", Accepted, |forge| {
            forge.digest_algorithms = set(&[seq(&[oid(SHA256)])]);
            forge.digest_algorithm = seq(&[oid(SHA256)]);
        }),
    ]);
}

/// `der`, whose outermost header takes four bytes, with another header and bytes after its end.
fn reheaded(der: &[u8], header: &[u8], end: &[u8]) -> Vec<u8> {
    assert_eq!(der[..2], [0x30, 0x82]);
    join(&[header, &der[4..], end])
}

#[test]
fn agree_on_encodings() {
    let anchor = Cert::ca(1, 1);
    let case = |name, signature, expected| Case::new(name, signature, &anchor, expected);
    let der = right().build();
    let strict = |why| Stricter("malformed-signature", why);
    let mut nested = null();
    for _ in 0..100 {
        nested = seq(&[nested]);
    }
    let version =
        |name, version, expected| forged(name, expected, |forge| forge.version = int(version));
    compare(&[
        case(
            "a byte after the end",
            join(&[&der[..], &[0]]),
            strict("none belongs there"),
        ),
        case(
            "an element after the end",
            join(&[&der, &null()]),
            strict("none belongs there"),
        ),
        case("cut off", der[..der.len() - 1].to_vec(), Refused),
        case("nothing", vec![], Refused),
        case(
            "an indefinite length",
            reheaded(&der, &[0x30, 0x80], &[0, 0]),
            strict("BER"),
        ),
        case(
            "a length in more bytes than it takes",
            reheaded(&der, &[0x30, 0x83, 0, der[2], der[3]], &[]),
            strict("BER"),
        ),
        case(
            "a length of 4 GiB",
            reheaded(&der, &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[]),
            Refused,
        ),
        case(
            "a length of 2^64 - 1",
            reheaded(
                &der,
                &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                &[],
            ),
            Refused,
        ),
        forged(
            "content inside",
            strict("a detached signature has none"),
            |forge| forge.content_info = seq(&[oid(DATA), explicit(0, &octets(CONTENT))]),
        ),
        forged("something else inside", Refused, |forge| {
            forge.content_info = seq(&[oid(DATA), null()]);
        }),
        version("version 0", 0, strict("the version goes with the shape")),
        version("version 3", 3, strict("the version goes with the shape")),
        forged(
            "revocation lists, none",
            strict("nobody needs any"),
            |forge| {
                forge.crls = explicit(1, &[]);
            },
        ),
        forged("a revocation list", Accepted, |forge| {
            forge.crls = explicit(1, &crl());
        }),
        forged("a certificate in its place", Refused, |forge| {
            forge.crls = explicit(1, &Cert::ca(1, 1).der());
        }),
        forged("an unauthenticated attribute", Accepted, |forge| {
            forge.unauthenticated = explicit(1, &attribute("1.2.3.4", &[null()]));
        }),
        forged("a malformed unauthenticated attribute", Refused, |forge| {
            forge.unauthenticated = tlv(0xa1, &[0x30, 0x05]);
        }),
        forged(
            "an unauthenticated attribute of a hundred levels",
            strict("32 levels are checked"),
            |forge| forge.unauthenticated = explicit(1, &attribute("1.2.3.4", &[nested])),
        ),
        forged(
            "a malformed certificate that isn't needed",
            Refused,
            |forge| {
                forge.certificates = explicit(0, &join(&[signer().der(), seq(&[null()])]));
            },
        ),
        forged("seventeen certificates", strict("16 are enough"), |forge| {
            *forge = forge.clone().carrying(&[&signer(); 17])
        }),
    ]);
}

/// EMSA-PKCS1-v1_5 (RFC 8017, 9.2) for 2048 bits, its parts free to choose.
fn encoded(start: [u8; 2], padding: u8, info: &[u8], after: &[u8]) -> Vec<u8> {
    let mut message = start.to_vec();
    message.resize(256 - 1 - info.len() - after.len(), padding);
    join(&[&message[..], &[0], info, after])
}

fn digest_info(algorithm: &[u8]) -> Vec<u8> {
    seq(&[algorithm.to_vec(), octets(&sha256(CONTENT))])
}

/// A module's signature with this RSA signature and this certificate as its signer.
fn rsa_signed(signer: &Cert, signature: Vec<u8>) -> Vec<u8> {
    let mut forge = ForgeDetached::module(CONTENT, signer);
    forge.signature_algorithm = seq(&[oid(RSA), null()]);
    forge.signature = signature;
    forge.build()
}

#[test]
fn agree_on_rsa_padding() {
    let bench = Bench::set_up();
    bench.openssl("genpkey -out rsa.key -algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    bench.openssl("rsa -in rsa.key -pubout -outform DER -out rsa.pub");
    let signer = Cert {
        key_info: Some(bench.read("rsa.pub")),
        ..Cert::leaf(2, 1)
    };
    // What the key's owner makes of any 256 bytes; nobody else can.
    let case = |name, message: Vec<u8>, expected| {
        bench.write("message", &message);
        bench.openssl(
            "pkeyutl -decrypt -inkey rsa.key -pkeyopt rsa_padding_mode:none -in message -out raw",
        );
        Case::new(
            name,
            rsa_signed(&signer, bench.read("raw")),
            &signer,
            expected,
        )
    };
    let plain = seq(&[oid(SHA256), null()]);
    let info = digest_info(&plain);
    let start = [0, 1];
    let mut hole = encoded(start, 0xff, &info, &[]);
    hole[100] = 0xfe;
    // 8 bytes of padding, then the digest, then whatever makes it a cube: Bleichenbacher's of 2006.
    let short = join(&[&[0, 1][..], &[0xff; 8], &[0], &info, &[0x55; 256 - 11 - 51]]);
    let cases = [
        case("right", encoded(start, 0xff, &info, &[]), Accepted),
        case("bytes after a short padding", short, Refused),
        case(
            "a byte after the digest",
            encoded(start, 0xff, &info, &[0]),
            Refused,
        ),
        case("a hole in the padding", hole, Refused),
        case("padding of zeros", encoded(start, 0, &info, &[]), Refused),
        case(
            "padding for encryption",
            encoded([0, 2], 0xff, &info, &[]),
            Refused,
        ),
        case(
            "no DigestInfo",
            encoded(start, 0xff, &sha256(CONTENT), &[]),
            Refused,
        ),
        case(
            "no parameters in DigestInfo",
            encoded(start, 0xff, &digest_info(&seq(&[oid(SHA256)])), &[]),
            Refused,
        ),
        case(
            "bytes in DigestInfo's parameters",
            encoded(
                start,
                0xff,
                &digest_info(&seq(&[oid(SHA256), octets(&[0x55; 64])])),
                &[],
            ),
            Refused,
        ),
        case(
            "SHA-1 in DigestInfo",
            encoded(start, 0xff, &digest_info(&seq(&[oid(SHA1), null()])), &[]),
            Refused,
        ),
        case(
            "bytes after the digest, in DigestInfo",
            encoded(
                start,
                0xff,
                &seq(&[plain.clone(), octets(&sha256(CONTENT)), null()]),
                &[],
            ),
            Refused,
        ),
    ];
    compare(&cases);
}

/// With an exponent of 1 the signature is the padded digest itself: anybody can make it.
#[test]
fn an_exponent_of_1_is_refused() {
    let mut modulus = vec![0xff; 257];
    modulus[0] = 0;
    let key = seq(&[tlv(2, &modulus), int(1)]);
    let signer = Cert {
        key_info: Some(seq(&[seq(&[oid(RSA), null()]), bits(&key)])),
        ..Cert::leaf(2, 1)
    };
    let info = digest_info(&seq(&[oid(SHA256), null()]));
    let signature = rsa_signed(&signer, encoded([0, 1], 0xff, &info, &[]));
    let bench = Bench::set_up();
    // As it stands OpenSSL 3.0 takes it; what counts is that we don't.
    let theirs = bench.openssl_accepts(CONTENT, &signature, &signer.der());
    println!("accepted by openssl: {theirs}");
    assert_eq!(ours(CONTENT, &signature, &signer.der()), "unusable-key");
}
