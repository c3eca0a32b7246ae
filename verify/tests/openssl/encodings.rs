//! How signatures are encoded, and by which algorithms they are made.

use super::*;

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
