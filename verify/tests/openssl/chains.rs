//! Chains of certificates.

use super::*;

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
