//! Keys and certificates as the field has them: read, or refused by name and with the way out.

mod common;

use common::{Said, WriteFile, baton, gate_stub, kernel_image, temp_dir, tool};
use std::ffi::OsStr;
use std::path::PathBuf;
use tempfile::TempDir;

/// A certificate with its key, made by openssl.
struct Made {
    key: PathBuf,
    cert: PathBuf,
}

impl Made {
    /// `more` are options of `openssl req`.
    fn new(directory: &TempDir, name: &str, more: &[&str]) -> Made {
        let made = Made {
            key: directory.path().join(format!("{name}.key")),
            cert: directory.path().join(format!("{name}.pem")),
        };
        let subject = format!("/CN={name}");
        let mut args: Vec<&dyn AsRef<OsStr>> = vec![
            &"req", &"-x509", &"-nodes", &"-subj", &subject, &"-keyout", &made.key, &"-out",
            &made.cert,
        ];
        if !more.contains(&"-newkey") {
            args.extend::<[&dyn AsRef<OsStr>; 2]>([&"-newkey", &"rsa:2048"]);
        }
        for part in more {
            args.push(part);
        }
        let said = tool("openssl", &args);
        assert_eq!(said.code, 0, "{}", said.err);
        made
    }

    fn sign(&self, directory: &TempDir) -> Said {
        let image = directory.write("image", kernel_image(0x3000));
        baton(&[&"sign", &"--key", &self.key, &"--cert", &self.cert, &image])
    }

    fn inspected(&self) -> serde_json::Value {
        baton(&[&"inspect", &"--json", &self.cert]).json()["certificates"][0].clone()
    }
}

/// The second as Ubuntu makes keys for DKMS.
const FOR_MODULES: [&str; 2] = [
    "extendedKeyUsage=1.3.6.1.4.1.2312.16.1.2",
    "extendedKeyUsage=codeSigning,1.3.6.1.4.1.311.10.3.6,1.3.6.1.4.1.2312.16.1.2",
];

#[test]
fn a_key_for_modules_signs_nothing_here() {
    let directory = temp_dir();
    for usage in FOR_MODULES {
        let made = Made::new(&directory, "DKMS", &["-addext", usage]);
        let said = made.sign(&directory);
        assert_eq!(said.code, 3, "{}", said.out);
        let words = "the key is for modules only";
        assert!(said.err.contains(words), "{}", said.err);
        let problem = made.inspected()["key_problem"].to_string();
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn a_gate_is_not_built_to_trust_a_key_for_modules() {
    let directory = temp_dir();
    let made = Made::new(&directory, "DKMS", &["-addext", FOR_MODULES[1]]);
    let stub = directory.write("stub", gate_stub(0x10_0000));
    let out = directory.path().join("gate.efi");
    let said = baton(&[
        &"gate", &"build", &"--stub", &stub, &"--cert", &made.cert, &"--out", &out,
    ]);
    assert_eq!(said.code, 3, "{}", said.out);
    assert!(said.err.contains("for modules only"), "{}", said.err);
    assert!(!out.exists());
}

/// Runs openssl, and takes what comes of it.
fn openssl(args: &[&dyn AsRef<OsStr>]) {
    let said = tool("openssl", args);
    assert_eq!(said.code, 0, "{}", said.err);
}

const P256: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

#[test]
fn keys_are_read_in_der_of_every_form() {
    let directory = temp_dir();
    let (rsa, ec) = (
        Made::new(&directory, "RSA", &[]),
        Made::new(&directory, "EC", &P256),
    );
    let der = directory.path().join("key.der");
    let forms: [(&Made, &[&str]); 4] = [
        (&rsa, &["pkey"]),
        (&rsa, &["rsa", "-traditional"]),
        (&ec, &["pkcs8", "-topk8", "-nocrypt"]),
        (&ec, &["ec"]),
    ];
    for (made, form) in forms {
        let mut args: Vec<&dyn AsRef<OsStr>> = form.iter().map(|it| it as _).collect();
        args.extend::<[&dyn AsRef<OsStr>; 6]>([
            &"-in",
            &made.key,
            &"-outform",
            &"DER",
            &"-out",
            &der,
        ]);
        openssl(&args);
        let image = directory.write("image", kernel_image(0x3000));
        let said = baton(&[&"sign", &"--key", &der, &"--cert", &made.cert, &image]);
        assert_eq!(said.code, 0, "{form:?}: {}", said.err);
        let said = baton(&[&"verify", &"--cert", &made.cert, &image]);
        assert_eq!(said.code, 0, "{form:?}: {}", said.err);
        let whole = std::fs::read(&der).unwrap();
        for len in [0, 1, 2, 20, whole.len() / 2, whole.len() - 1] {
            let cut = directory.write("cut.der", &whole[..len]);
            let said = baton(&[&"sign", &"--key", &cut, &"--cert", &made.cert, &image]);
            assert_eq!(said.code, 4, "{form:?}: {len}: {}", said.out);
        }
    }
}

#[test]
fn other_holders_of_keys_are_named_with_the_way_out() {
    let directory = temp_dir();
    let made = Made::new(&directory, "RSA", &[]);
    let p12 = directory.path().join("key.p12");
    openssl(&[
        &"pkcs12",
        &"-export",
        &"-inkey",
        &made.key,
        &"-in",
        &made.cert,
        &"-passout",
        &"pass:x",
        &"-out",
        &p12,
    ]);
    let ssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAEC\n-----END OPENSSH PRIVATE KEY-----\n";
    let ssh = directory.write("id_rsa", ssh);
    for (key, words) in [
        (&ssh, "ssh-keygen -p -m PEM"),
        (&made.cert, "no private key in it, but CERTIFICATE"),
    ] {
        let image = directory.write("image", kernel_image(0x3000));
        let said = baton(&[&"sign", &"--key", key, &"--cert", &made.cert, &image]);
        assert_eq!(said.code, 4, "{}", said.out);
        assert!(said.err.contains(words), "{}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
    let image = directory.write("image", kernel_image(0x3000));
    let said = baton(&[&"sign", &"--key", &made.key, &"--cert", &p12, &image]);
    assert!(said.err.contains("-nokeys"), "{}", said.err);
}

#[test]
fn keys_for_pss_are_told_apart() {
    let directory = temp_dir();
    let made = Made::new(
        &directory,
        "PSS",
        &["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    );
    let plain = Made::new(&directory, "Plain", &[]);
    let image = directory.write("image", kernel_image(0x3000));
    // The certificate tells, whatever the key is; so does the key.
    for (key, cert) in [
        (&made.key, &made.cert),
        (&plain.key, &made.cert),
        (&made.key, &plain.cert),
    ] {
        let said = baton(&[&"sign", &"--key", key, &"--cert", cert, &image]);
        assert!(matches!(said.code, 3 | 4), "{}", said.out);
        assert!(
            said.err.contains("RSA-PSS keys aren't accepted"),
            "{}",
            said.err
        );
    }
    assert_eq!(made.inspected()["key"], "RSA-PSS");
}

#[test]
fn certificates_are_read_however_their_pem_is_written() {
    let directory = temp_dir();
    let (first, second) = (
        Made::new(&directory, "First", &[]),
        Made::new(&directory, "Second", &P256),
    );
    let pem = |made: &Made| std::fs::read_to_string(&made.cert).unwrap();
    let text = pem(&first);
    let digits: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let lines = digits
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap());
    let long = lines.collect::<Vec<_>>().join("\r\n");
    let wide = format!("-----BEGIN CERTIFICATE-----\r\n{long}\r\n-----END CERTIFICATE-----\r\n");
    let latin1 = [b"subject=CN = M\xfcller\n", text.as_bytes()].concat();
    for (file, subjects) in [
        (wide.into_bytes(), &["First"][..]),
        (latin1, &["First"]),
        (
            format!("{}\n# and\n{}", pem(&second), text).into_bytes(),
            &["Second", "First"],
        ),
    ] {
        let path = directory.write("some.pem", file);
        let found = baton(&[&"inspect", &"--json", &path]).json();
        let found = found["certificates"].as_array().unwrap().iter();
        let found: Vec<_> = found.map(|it| it["subject"].as_str().unwrap()).collect();
        assert_eq!(found, subjects);
        let image = directory.write("image", kernel_image(0x3000));
        assert_eq!(
            baton(&[
                &"sign",
                &"--key",
                &first.key,
                &"--cert",
                &first.cert,
                &image
            ])
            .code,
            0
        );
        let said = baton(&[&"verify", &"--cert", &path, &image]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
}

#[test]
fn names_are_shown_in_all_letters() {
    let directory = temp_dir();
    let name = "Kernel – Schlüssel ✓";
    let made = Made::new(&directory, name, &["-utf8"]);
    assert_eq!(made.inspected()["subject"], name);
    let signed = made.sign(&directory);
    assert!(signed.out.contains(name), "{}", signed.out);
    let said = baton(&[
        &"verify",
        &"--cert",
        &made.cert,
        &directory.path().join("image"),
    ]);
    assert!(said.out.contains(name), "{}", said.out);
}

/// A detached signature by openssl, with these options.
fn signed_beside(directory: &TempDir, options: &[&dyn AsRef<OsStr>]) -> PathBuf {
    let content = directory.write("content", "content");
    let signature = directory.path().join("content.p7s");
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![
        &"cms",
        &"-sign",
        &"-binary",
        &"-md",
        &"sha256",
        &"-outform",
        &"DER",
        &"-in",
        &content,
        &"-out",
        &signature,
    ];
    args.extend(options);
    openssl(&args);
    content
}

#[test]
fn two_signers_are_told_as_two() {
    let directory = temp_dir();
    let (a, b) = (
        Made::new(&directory, "A", &[]),
        Made::new(&directory, "B", &P256),
    );
    let content = signed_beside(
        &directory,
        &[
            &"-signer", &a.cert, &"-inkey", &a.key, &"-signer", &b.cert, &"-inkey", &b.key,
        ],
    );
    let said = baton(&[&"verify", &"--signature-only", &"--cert", &a.cert, &content]);
    assert_ne!(said.code, 0, "{}", said.out);
    assert!(said.err.contains("2 signers"), "{}", said.err);
    let told = baton(&[&"inspect", &directory.path().join("content.p7s")]);
    assert!(told.err.contains("2 signers"), "{} {}", told.err, told.out);
}

#[test]
fn a_gate_takes_a_dbx_as_efivarfs_has_it() {
    let directory = temp_dir();
    let made = Made::new(&directory, "A", &[]);
    let stub = directory.write("stub", gate_stub(0x10_0000));
    let der = directory.path().join("a.der");
    openssl(&[
        &"x509",
        &"-in",
        &made.cert,
        &"-outform",
        &"DER",
        &"-out",
        &der,
    ]);
    let lists = common::signature_list(&[std::fs::read(der).unwrap()]);
    let variable = [&[0x27, 0, 0, 0], &lists[..]].concat();
    let gates = [
        directory.write("dbx.esl", &lists),
        directory.write("dbx-d719b2cb", variable),
    ]
    .map(|dbx| {
        let out = dbx.with_extension("efi");
        let said = baton(&[
            &"gate", &"build", &"--force", &"--stub", &stub, &"--cert", &made.cert, &"--dbx", &dbx,
            &"--out", &out,
        ]);
        assert_eq!(said.code, 0, "{}", said.err);
        std::fs::read(out).unwrap()
    });
    assert_eq!(gates[0], gates[1]);
}
