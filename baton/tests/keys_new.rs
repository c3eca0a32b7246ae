//! `baton keys new`: a key that openssl, sbsign and osslsigncode take as they take any other, and files that nothing is
//! lost by.

mod common;

use common::{Said, WriteFile, baton, kernel_image, temp_dir, tool};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn new(directory: &Path, more: &[&dyn AsRef<OsStr>]) -> Said {
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"keys", &"new", &"--output", &directory];
    args.extend(more);
    baton(&args)
}

fn made(directory: &Path, algorithm: &str) {
    let said = new(
        directory,
        &[&"--algorithm", &algorithm, &"--cn", &"Test MOK"],
    );
    assert_eq!(said.code, 0, "{}", said.err);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn others_sign_with_a_new_key_and_accept_its_certificate() {
    for algorithm in ["rsa2048", "p256", "p384"] {
        let directory = temp_dir();
        let keys = directory.path().join("keys");
        made(&keys, algorithm);
        let (key, cert) = (keys.join("mok.key"), keys.join("mok.pem"));
        let accepts = |program: &str, args: &[&dyn AsRef<OsStr>]| {
            let said = tool(program, args);
            assert_eq!(
                said.code, 0,
                "{algorithm}: {program}: {}{}",
                said.out, said.err
            );
            said.out
        };
        accepts("openssl", &[&"pkey", &"-in", &key, &"-noout", &"-check"]);
        // As shim verifies: the certificate itself is trusted, and no purpose is asked for.
        accepts(
            "openssl",
            &[
                &"verify",
                &"-partial_chain",
                &"-purpose",
                &"any",
                &"-CAfile",
                &cert,
                &cert,
            ],
        );
        let says = accepts("openssl", &[&"x509", &"-in", &cert, &"-noout", &"-text"]);
        for words in [
            "CA:FALSE",
            "Digital Signature",
            "Code Signing",
            "Version: 3",
            "CN = Test MOK",
        ] {
            assert!(says.contains(words), "{words}: {says}");
        }
        assert!(
            !says.contains("2312.16.1.2"),
            "shim takes nothing from a key for modules"
        );
        let of_der = [&"x509", &"-inform", &"DER", &"-in"] as [&dyn AsRef<OsStr>; 4];
        let der = accepts("openssl", &[&of_der[..], &[&keys.join("mok.der")]].concat());
        assert_eq!(der, fs::read_to_string(&cert).unwrap());

        let kernel = directory.write("kernel", kernel_image(0x4000));
        let said = baton(&[&"sign", &"--key", &key, &"--cert", &cert, &kernel]);
        assert_eq!(said.code, 0, "{}", said.err);
        accepts("sbverify", &[&"--cert", &cert, &kernel]);
        if algorithm == "rsa2048" {
            let other = directory.write("other", kernel_image(0x4000));
            accepts(
                "sbsign",
                &[
                    &"--key",
                    &key,
                    &"--cert",
                    &cert,
                    &"--output",
                    &other,
                    &other,
                ],
            );
            let said = baton(&[&"verify", &other, &"--cert", &cert]);
            assert_eq!(said.code, 0, "{}", said.err);
            accepts(
                "osslsigncode",
                &[&"verify", &"-CAfile", &cert, &"-in", &other],
            );
        }
    }
}

#[test]
fn a_key_is_for_its_owner_alone() {
    let directory = temp_dir();
    let keys = directory.path().join("a/keys");
    made(&keys, "p256");
    assert_eq!(mode(&keys), 0o700);
    assert_eq!(mode(&keys.join("mok.key")), 0o600);
    let pem = fs::read_to_string(keys.join("mok.key")).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{pem}");
}

#[test]
fn a_key_that_is_there_is_replaced_with_force_alone() {
    let directory = temp_dir();
    let keys = directory.path().join("keys");
    made(&keys, "p256");
    let key = fs::read(keys.join("mok.key")).unwrap();
    let said = new(&keys, &[&"--algorithm", &"p256"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("mok.key: already exists"), "{}", said.err);
    assert_eq!(fs::read(keys.join("mok.key")).unwrap(), key);
    // A certificate alone is no less somebody's.
    fs::remove_file(keys.join("mok.key")).unwrap();
    let said = new(&keys, &[&"--algorithm", &"p256"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(!keys.join("mok.key").exists(), "nothing is written then");
    let said = new(&keys, &[&"--algorithm", &"p256", &"--force"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_ne!(fs::read(keys.join("mok.key")).unwrap(), key);
}

#[test]
fn programs_are_told_all_of_the_certificate() {
    let directory = temp_dir();
    let keys = directory.path().join("keys");
    let said = new(
        &keys,
        &[
            &"--algorithm",
            &"p384",
            &"--cn",
            &"Ada's",
            &"--days",
            &"10",
            &"--json",
        ],
    );
    let new = said.json();
    let said = baton(&[&"keys", &"show", &keys.join("mok.pem"), &"--json"]);
    let shown = said.json();
    let shown = &shown["certificates"][0];
    for field in [
        "subject",
        "serial",
        "key",
        "key_id",
        "sha1",
        "sha256",
        "key_sha256",
        "not_after",
    ] {
        assert_eq!(new[field], shown[field], "{field}");
    }
    assert_eq!(shown["subject"], "Ada's");
    assert_eq!(shown["key"], "ECDSA P-384");
    let cert = keys.join("mok.pem");
    let fingerprint = |hash: &str| {
        let said = tool(
            "openssl",
            &[&"x509", &"-in", &cert, &"-noout", &"-fingerprint", &hash],
        );
        let digits = said.out.split_once('=').unwrap().1.replace(':', "");
        digits.trim().to_lowercase()
    };
    assert_eq!(shown["sha1"], fingerprint("-sha1"));
    assert_eq!(shown["sha256"], fingerprint("-sha256"));
}

#[test]
fn no_file_of_a_key_is_there_if_one_cannot_be_written() {
    let directory = temp_dir();
    let keys = directory.path().join("keys");
    fs::create_dir(&keys).unwrap();
    std::os::unix::fs::symlink("/dev/full", keys.join("mok.der")).unwrap();
    let said = new(&keys, &[&"--algorithm", &"p256"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("mok.der"), "{}", said.err);
    let left: Vec<_> = fs::read_dir(&keys).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
