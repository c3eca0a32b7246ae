//! Keys, certificates and signatures in the files that other programs make: read, or refused by what they are.

mod common;

use common::{Said, WriteFile, baton, gate_stub, kernel_image, owners, temp_dir, tool};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn openssl(args: &str, input: &Path, out: &Path) {
    let o = owners();
    let words: Vec<&str> = args.split(' ').collect();
    let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = Vec::new();
    for word in &words {
        match *word {
            "KEY" => all.push(&o.rsa.key),
            "CERT" => all.push(&o.rsa.cert),
            _ => all.push(word),
        }
    }
    all.extend::<[&dyn AsRef<std::ffi::OsStr>; 4]>([&"-in", &input, &"-out", &out]);
    let said = tool("openssl", &all);
    assert_eq!(said.code, 0, "{}", said.err);
}

fn both(directory: &TempDir) -> PathBuf {
    let o = owners();
    let parts = [&o.rsa.key, &o.rsa.cert].map(|path| fs::read(path).unwrap());
    directory.write("both.pem", parts.concat())
}

#[test]
fn a_certificate_with_its_key_in_one_file_is_read_as_the_kernels_build_makes_them() {
    let (directory, o) = (temp_dir(), owners());
    let (both, kernel) = (
        both(&directory),
        directory.write("kernel", kernel_image(0x3000)),
    );
    let said = baton(&[&"sign", &"--key", &both, &"--cert", &both, &kernel]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = baton(&[&"verify", &kernel, &"--cert", &both]);
    assert_eq!(said.code, 0, "{}", said.err);
    // And nothing of the key gets into a gate.
    let stub = directory.write("stub", gate_stub(0x4_0000));
    let gates = [(&both, "one"), (&o.rsa.cert, "other")].map(|(cert, name)| {
        let out = directory.path().join(name);
        let said = baton(&[
            &"gate", &"build", &"--stub", &stub, &"--cert", cert, &"-o", &out,
        ]);
        assert_eq!(said.code, 0, "{}", said.err);
        fs::read(out).unwrap()
    });
    assert_eq!(gates[0], gates[1]);
}

#[test]
fn what_is_given_in_place_of_a_certificate_is_told_by_what_it_is() {
    let (directory, o) = (temp_dir(), owners());
    let kernel = directory.write("kernel", kernel_image(0x3000));
    let refused = |name: &str, expected: &str| {
        let said = baton(&[&"verify", &kernel, &"--cert", &directory.path().join(name)]);
        assert_eq!(said.code, 4, "{}", said.err);
        assert!(said.err.contains(expected), "{name}: {}", said.err);
    };
    for (name, args, expected) in [
        (
            "key.der",
            "pkcs8 -topk8 -nocrypt -outform DER",
            "a private key",
        ),
        ("old.der", "rsa -traditional -outform DER", "a private key"),
        ("pub.der", "rsa -pubout -outform DER", "a public key"),
        (
            "req.der",
            "req -new -subj /CN=x -outform DER -key KEY",
            "a request",
        ),
    ] {
        openssl(args, &o.rsa.key, &directory.path().join(name));
        refused(name, expected);
    }
    openssl(
        "crl2pkcs7 -nocrl -certfile CERT",
        &o.rsa.cert,
        &directory.path().join("p7b"),
    );
    refused("p7b", "openssl pkcs7 -in FILE");
    let der = o.rsa.der();
    let pem = fs::read_to_string(&o.rsa.cert).unwrap();
    let utf16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(pem.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    for (name, bytes, expected) in [
        ("cut", der[..200].to_vec(), "cut off: 200 bytes of"),
        ("longer", [&der[..], b"\n"].concat(), "of which its DER is"),
        ("utf16", utf16, "UTF-16"),
        ("base64", base64.into_bytes(), "without PEM"),
        ("none", Vec::new(), "the file is empty"),
    ] {
        directory.write(name, bytes);
        refused(name, expected);
    }
}

/// What `verify` says of an initrd with this beside it.
fn with_signature(directory: &TempDir, make: impl FnOnce(&Path, &Path)) -> Said {
    // The header of a cpio archive is all that an initrd begins with.
    let initrd = directory.write(
        "initrd",
        format!("070701{}TRAILER!!!\0\0\0\0", "0".repeat(104)),
    );
    let signature = directory.path().join("initrd.p7s");
    let _ = fs::remove_file(&signature);
    make(&initrd, &signature);
    baton(&[&"verify", &initrd, &"--cert", &owners().rsa.cert])
}

#[test]
fn a_signature_in_another_form_is_told_by_that_form() {
    let directory = temp_dir();
    let sign = "cms -sign -binary -signer CERT -inkey KEY -outform DER";
    let said = with_signature(&directory, |initrd, out| openssl(sign, initrd, out));
    assert_eq!(said.code, 0, "{}", said.err);
    let whole = fs::read(directory.path().join("initrd.p7s")).unwrap();
    let stream = format!("{sign} -stream");
    let mime = sign.replace("DER", "SMIME");
    for (args, expected) in [
        (stream.as_str(), "indefinite length"),
        (mime.as_str(), "S/MIME"),
        ("x509 -outform DER", "a certificate, not a CMS signature"),
        (
            "dgst -sha256 -sign KEY",
            "not a CMS signature: neither PEM nor DER",
        ),
    ] {
        let said = with_signature(&directory, |initrd, out| match args.split_once(' ') {
            Some(("x509", _)) => openssl(args, &owners().rsa.cert, out),
            Some(("dgst", _)) => {
                let key = &owners().rsa.key;
                let said = tool(
                    "openssl",
                    &[&"dgst", &"-sha256", &"-sign", key, &"-out", &out, &initrd],
                );
                assert_eq!(said.code, 0, "{}", said.err);
            }
            _ => openssl(args, initrd, out),
        });
        assert_eq!(said.code, 4, "{}", said.err);
        assert!(said.err.contains(expected), "{args}: {}", said.err);
        assert!(
            said.err.contains("initrd.p7s") && said.err.contains("baton sign"),
            "{}",
            said.err
        );
    }
    for (bytes, expected) in [
        (whole[..400].to_vec(), "cut off: 400 bytes of"),
        ([&whole[..], b"\n"].concat(), "of which its DER is"),
        (Vec::new(), "the file is empty"),
    ] {
        let said = with_signature(&directory, |_, out| fs::write(out, bytes).unwrap());
        assert_eq!(said.code, 4, "{}", said.err);
        assert!(
            said.err.contains(expected) && said.err.contains("initrd.p7s"),
            "{}",
            said.err
        );
    }
}
