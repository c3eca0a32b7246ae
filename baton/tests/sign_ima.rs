//! `baton sign --as ima`, against evmctl.

mod common;

use baton_sys::appraisal;
use common::signing::sign as sign_as;
use common::{Owner, WriteFile, baton, owners, temp_dir, tool};
use std::fs;
use std::path::Path;

/// What evmctl writes for the same file, key and hash.
fn by_evmctl(owner: &Owner, hash: &str, file: &Path) -> Vec<u8> {
    let said = tool(
        "evmctl",
        &[
            &"ima_sign",
            &"--sigfile",
            &"--hashalgo",
            &hash,
            &"--key",
            &owner.key,
            &"--keyid-from-cert",
            &owner.cert,
            &file,
        ],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    let path = file.with_extension("sig");
    let signature = fs::read(&path).unwrap();
    fs::remove_file(path).unwrap();
    signature
}

fn evmctl_accepts(owner: &Owner, file: &Path) -> bool {
    let said = tool(
        "evmctl",
        &[
            &"ima_verify",
            &"--sigfile",
            &"--key",
            &owner.cert.with_extension("der"),
            &file,
        ],
    );
    said.code == 0
}

#[test]
fn a_signature_beside_the_file_is_what_evmctl_writes() {
    let directory = temp_dir();
    // Without an extension evmctl puts its own after the name.
    let file = directory.write("file", "070701 begins like DER");
    let out = directory.path().join("file.sig");
    let o = owners();
    for hash in ["sha256", "sha384", "sha512"] {
        let options = ["--as", "ima", "--hash", hash, "--force"];
        let theirs = by_evmctl(&o.rsa, hash, &file);
        let said = sign_as(&o.rsa, &options, &[&file, &out]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert_eq!(fs::read(&out).unwrap(), theirs, "{hash}");
        for owner in [&o.rsa, &o.p256, &o.p384] {
            assert_eq!(sign_as(owner, &options, &[&file, &out]).code, 0);
            assert!(evmctl_accepts(owner, &file), "{} {hash}", owner.name);
        }
        assert!(!evmctl_accepts(&o.rsa, &file), "it is another's now");
    }
}

#[test]
fn the_attribute_is_set_and_the_file_left_alone() {
    let directory = temp_dir();
    let o = owners();
    let file = directory.write("file", "content");
    let attribute = || appraisal::ima(&file).unwrap();
    let said = sign_as(&o.rsa, &["--as", "ima"], &[&file]);
    if !rustix::process::geteuid().is_root() {
        assert_eq!(said.code, 6, "{}", said.err);
        return;
    }
    assert_eq!(said.code, 0, "{}", said.err);
    let value = attribute().unwrap();
    let theirs = by_evmctl(&o.rsa, "sha256", &file);
    assert_eq!(value, theirs);
    let said = sign_as(&o.rsa, &["--as", "ima", "--if-needed"], &[&file]);
    assert!(
        said.out.contains("already signed"),
        "{}{}",
        said.out,
        said.err
    );
    let said = sign_as(&o.p256, &["--as", "ima", "--if-needed"], &[&file]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("--replace"), "{}", said.err);
    assert_eq!(
        sign_as(&o.p256, &["--as", "ima", "--replace"], &[&file]).code,
        0
    );
    assert_ne!(attribute().unwrap(), value);
    assert_eq!(fs::read(&file).unwrap(), b"content");
    // Other content, other signature.
    fs::write(&file, "other").unwrap();
    let said = sign_as(
        &o.p256,
        &["--as", "ima", "--if-needed", "--replace"],
        &[&file],
    );
    assert!(!said.out.contains("already"), "{}", said.out);
}

#[test]
fn what_the_kernel_could_not_look_up_is_refused() {
    let directory = temp_dir();
    let (key, cert) = (directory.path().join("key"), directory.path().join("cert"));
    let made = tool(
        "openssl",
        &[
            &"req",
            &"-x509",
            &"-nodes",
            &"-newkey",
            &"rsa:2048",
            &"-subj",
            &"/CN=x",
            &"-addext",
            &"subjectKeyIdentifier=none",
            &"-keyout",
            &key,
            &"-out",
            &cert,
        ],
    );
    assert_eq!(made.code, 0, "{}", made.err);
    let file = directory.write("file", "content");
    let said = baton(&[
        &"sign", &"--as", &"ima", &"--key", &key, &"--cert", &cert, &file,
    ]);
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(said.err.contains("subject key identifier"), "{}", said.err);
}
