//! `baton sign` and `baton verify`, against each other and against sbsign and sbverify.

mod common;

use common::{Owner, WriteFile, baton, kernel_image, owners, sign, temp_dir, tool};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn sbverify(image: &Path, owner: &Owner) -> bool {
    tool("sbverify", &[&"--cert", &owner.cert, &image]).code == 0
}

#[test]
fn what_is_signed_is_accepted_by_sbverify_and_by_us() {
    let directory = temp_dir();
    let o = owners();
    for owner in [&o.rsa, &o.p256, &o.p384] {
        let image = directory.write("image", kernel_image(0x3000));
        sign(&image, owner);
        assert!(sbverify(&image, owner), "{}", owner.name);
        let said = baton(&[&"verify", &image, &"--cert", &owner.cert]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(
            said.out.contains(owner.name) && said.out.contains("--cert"),
            "{}",
            said.out
        );
    }
}

#[test]
fn older_forms_of_keys_give_the_same_signature() {
    let directory = temp_dir();
    let image = directory.write("image", kernel_image(0x3000));
    let o = owners();
    for (owner, command) in [(&o.rsa, "rsa"), (&o.p256, "ec"), (&o.p384, "ec")] {
        let old = directory.path().join("old.key");
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> =
            vec![&command, &"-in", &owner.key, &"-out", &old];
        if command == "rsa" {
            args.push(&"-traditional");
        }
        assert_eq!(tool("openssl", &args).code, 0);
        let (new_out, old_out) = (
            directory.path().join("new.efi"),
            directory.path().join("old.efi"),
        );
        for (key, out) in [(&owner.key, &new_out), (&old, &old_out)] {
            let said = baton(&[
                &"sign",
                &"--force",
                &"--key",
                key,
                &"--cert",
                &owner.cert,
                &image,
                &"-o",
                out,
            ]);
            assert_eq!(said.code, 0, "{}", said.err);
        }
        assert_eq!(
            std::fs::read(new_out).unwrap(),
            std::fs::read(old_out).unwrap()
        );
    }
}

#[test]
fn we_accept_what_sbsign_signed_also_where_the_length_is_odd() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    for len in [0x3000, 0x3001, 0x3007] {
        let image = directory.write("image", kernel_image(len));
        let theirs = directory.path().join("theirs.efi");
        let made = tool(
            "sbsign",
            &[
                &"--key",
                &owner.key,
                &"--cert",
                &owner.cert,
                &"--output",
                &theirs,
                &image,
            ],
        );
        assert_eq!(made.code, 0, "{}", made.err);
        let said = baton(&[&"verify", &theirs, &"--cert", &owner.cert]);
        assert_eq!(said.code, 0, "{}", said.err);
        sign(&image, owner);
        assert!(sbverify(&image, owner), "length {len:#x}");
    }
}

#[test]
fn a_chain_leads_from_the_signer_to_its_issuer() {
    let directory = temp_dir();
    let o = owners();
    let image = directory.write("image", kernel_image(0x3000));
    let said = baton(&[
        &"sign",
        &"--key",
        &o.leaf.key,
        &"--cert",
        &o.leaf.cert,
        &"--chain",
        &o.rsa.cert,
        &image,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    let json = baton(&[&"verify", &image, &"--cert", &o.rsa.cert, &"--json"]).json();
    assert_eq!(json["signed_by"]["subject"], "Leaf");
    assert_eq!(json["signed_by"]["anchor_subject"], "RSA owner");
    assert_eq!(json["signatures"], 1);
}

#[test]
fn a_signed_image_is_signed_again_only_when_told_how() {
    let directory = temp_dir();
    let o = owners();
    let image = directory.write("image", kernel_image(0x3000));
    sign(&image, &o.rsa);
    let once = std::fs::read(&image).unwrap();
    let again = |option: &str| {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"sign",
            &"--key",
            &o.p256.key,
            &"--cert",
            &o.p256.cert,
            &image,
        ];
        if !option.is_empty() {
            args.push(&option);
        }
        baton(&args)
    };
    let refused = again("");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("--append") && refused.err.contains("--replace"));
    assert_eq!(std::fs::read(&image).unwrap(), once, "nothing is written");

    assert_eq!(again("--append").code, 0);
    assert!(sbverify(&image, &o.rsa) && sbverify(&image, &o.p256));
    assert_eq!(again("--replace").code, 0);
    assert!(!sbverify(&image, &o.rsa) && sbverify(&image, &o.p256));
}

#[test]
fn an_altered_image_is_refused_with_its_reason() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let image = directory.write("image", kernel_image(0x3000));
    sign(&image, owner);
    let mut bytes = std::fs::read(&image).unwrap();
    bytes[0x2000] ^= 1;
    directory.write("image", bytes);
    let said = baton(&[&"verify", &image, &"--cert", &owner.cert, &"--json"]);
    assert_eq!(said.code, 3);
    assert_eq!(said.json()["accepted"], false);
    assert_eq!(said.json()["error"]["reason"], "digest-mismatch");
    assert!(!sbverify(&image, owner), "sbverify agrees");
}

#[test]
fn an_image_of_someone_else_and_an_unsigned_one_are_refused() {
    let directory = temp_dir();
    let o = owners();
    let image = directory.write("image", kernel_image(0x3000));
    let unsigned = baton(&[&"verify", &image, &"--cert", &o.rsa.cert]);
    assert_eq!(unsigned.code, 3);
    assert!(unsigned.err.contains("no signature"), "{}", unsigned.err);
    sign(&image, &o.p256);
    let foreign = baton(&[&"verify", &image, &"--cert", &o.rsa.cert]);
    assert_eq!(foreign.code, 3);
    assert!(
        foreign.err.contains("P-256 owner") && foreign.err.contains("--cert: \"RSA owner\""),
        "{}",
        foreign.err
    );
    let several = baton(&[
        &"verify",
        &image,
        &"--cert",
        &o.rsa.cert,
        &"--cert",
        &o.p384.cert,
    ]);
    assert!(
        several.err.contains("; --cert: \"P-384 owner\"") && !several.err.contains(".keys"),
        "{}",
        several.err
    );
}

#[test]
fn bytes_that_are_no_image_are_malformed() {
    let directory = temp_dir();
    let image = directory.write("image", b"no image");
    let said = baton(&[&"verify", &image, &"--cert", &owners().rsa.cert]);
    assert_eq!(said.code, 4, "{}", said.err);
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused() {
    let directory = temp_dir();
    let o = owners();
    let image = directory.write("image", kernel_image(0x3000));
    let said = baton(&[
        &"sign",
        &"--key",
        &o.rsa.key,
        &"--cert",
        &o.leaf.cert,
        &image,
    ]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("isn't the certificate's"), "{}", said.err);
}

#[test]
fn the_file_keeps_its_mode_and_nothing_is_left_beside_it() {
    let directory = temp_dir();
    let image = directory.write("files/image", kernel_image(0x3000));
    std::fs::set_permissions(&image, std::fs::Permissions::from_mode(0o640)).unwrap();
    sign(&image, &owners().rsa);
    let mode = std::fs::metadata(&image).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(
        std::fs::read_dir(directory.path().join("files"))
            .unwrap()
            .count(),
        1
    );
}
