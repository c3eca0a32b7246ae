//! Signing where the key isn't: `--digest-out`, openssl, `--attach`.

mod common;

use common::signing::{ROOMY, elf, kind_of, openssl_accepts};
use common::{Owner, Said, WriteFile, baton, kernel_image, owners, temp_dir, tool};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

fn prepared(out: &Path, words: &[&dyn AsRef<OsStr>]) -> Said {
    let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"sign", &"--force", &"--digest-out", &out];
    all.extend(words);
    baton(&all)
}

/// Signs as whoever has the key, and nothing of Baton.
fn openssl(owner: &Owner, hash: &str, data: &Path) -> PathBuf {
    let out = data.with_extension("sig");
    let hash = format!("-{hash}");
    let said = tool(
        "openssl",
        &[&"dgst", &hash, &"-sign", &owner.key, &"-out", &out, &data],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    out
}

fn attached(owner: &Owner, signature: &Path, words: &[&dyn AsRef<OsStr>]) -> Said {
    let mut all: Vec<&dyn AsRef<OsStr>> =
        vec![&"sign", &"--attach", &signature, &"--cert", &owner.cert];
    all.extend(words);
    baton(&all)
}

#[test]
fn a_signature_made_elsewhere_is_attached_whatever_signs() {
    let directory = temp_dir();
    let data = directory.path().join("data");
    let o = owners();
    for owner in [&o.rsa, &o.p256, &o.p384] {
        for (kind, hash) in [
            ("authenticode", "sha256"),
            ("authenticode", "sha384"),
            ("appended", "sha256"),
            ("detached", "sha512"),
        ] {
            let file = match kind {
                "authenticode" => directory.write("image", kernel_image(0x3000)),
                _ => directory.write("vmlinux", elf(&ROOMY)),
            };
            let said = prepared(&data, &[&"--as", &kind, &"--hash", &hash, &file]);
            assert_eq!(said.code, 0, "{}", said.err);
            assert!(said.out.contains("--attach"), "{}", said.out);
            let signature = openssl(owner, hash, &data);
            let words: [&dyn AsRef<OsStr>; 6] =
                [&"--as", &kind, &"--hash", &hash, &"--replace", &file];
            let said = attached(owner, &signature, &words);
            assert_eq!(said.code, 0, "{kind}, {}: {}", owner.name, said.err);
            assert_eq!(kind_of(&file, owner).as_deref(), Ok(kind));
            match kind {
                "authenticode" if hash == "sha256" => {
                    let said = tool("sbverify", &[&"--cert", &owner.cert, &file]);
                    assert_eq!(said.code, 0, "{}", said.err);
                }
                "detached" => {
                    let p7s = directory.path().join("vmlinux.p7s");
                    assert!(openssl_accepts(&p7s, &file, owner));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn made_here_and_elsewhere_it_is_the_same() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let image = directory.write("image", kernel_image(0x3000));
    let data = directory.path().join("data");
    assert_eq!(prepared(&data, &[&image]).code, 0);
    let signature = openssl(owner, "sha256", &data);
    let outs = ["here", "elsewhere"].map(|name| directory.path().join(name));
    let here = baton(&[
        &"sign",
        &"--key",
        &owner.key,
        &"--cert",
        &owner.cert,
        &image,
        &"-o",
        &outs[0],
    ]);
    assert_eq!(here.code, 0, "{}", here.err);
    assert_eq!(
        attached(owner, &signature, &[&image, &"-o", &outs[1]]).code,
        0
    );
    let [here, elsewhere] = outs.map(|out| fs::read(out).unwrap());
    assert_eq!(here, elsewhere);
}

/// As systemd-sbsign writes them: with the time of signing, between the two that are here.
fn with_time(attributes: &[u8]) -> Vec<u8> {
    const TIME: &[u8] =
        b"\x30\x1c\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05\x31\x0f\x17\x0d261130120000Z";
    let ([0x31, length], rest) = attributes.split_at(2) else {
        panic!("a short SET")
    };
    let (first, second) = rest.split_at(2 + usize::from(rest[1]));
    let length = [length + u8::try_from(TIME.len()).unwrap()];
    [&[0x31], &length[..], first, TIME, second].concat()
}

#[test]
fn attributes_that_another_program_made_are_taken_with_their_signature() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let image = directory.write("image", kernel_image(0x3000));
    let data = directory.path().join("data");
    assert_eq!(prepared(&data, &[&image]).code, 0);
    let theirs = directory.write("theirs", with_time(&fs::read(&data).unwrap()));
    let signature = openssl(owner, "sha256", &theirs);
    let said = attached(owner, &signature, &[&image]);
    assert_eq!(said.code, 3, "it is over other attributes: {}", said.err);
    assert!(said.err.contains("--digest-out"), "{}", said.err);
    let said = attached(owner, &signature, &[&"--signed-data", &theirs, &image]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(tool("sbverify", &[&"--cert", &owner.cert, &image]).code, 0);
}

#[test]
fn what_was_signed_for_another_file_or_by_another_key_is_refused() {
    let directory = temp_dir();
    let o = owners();
    let image = directory.write("image", kernel_image(0x3000));
    let other = directory.write("other", kernel_image(0x3008));
    let data = directory.path().join("data");
    assert_eq!(prepared(&data, &[&other]).code, 0);
    let of_other = openssl(&o.rsa, "sha256", &data);
    let attributes = directory.write("attributes", fs::read(&data).unwrap());
    let nothing = directory.write("nothing", "");
    let words: [&dyn AsRef<OsStr>; 3] = [&"--signed-data", &attributes, &image];
    for (owner, signature, words) in [
        (&o.rsa, &of_other, &words[2..]),
        (&o.p256, &of_other, &words[2..]),
        (&o.rsa, &nothing, &words[2..]),
        (&o.rsa, &of_other, &words),
    ] {
        let said = attached(owner, signature, words);
        assert!(matches!(said.code, 3 | 4), "{}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert_eq!(fs::read(&image).unwrap(), kernel_image(0x3000));
    }
    let said = attached(&o.rsa, &of_other, &[&"--signed-data", &image, &image]);
    assert_eq!(said.code, 4, "{}", said.err);
}

#[test]
fn what_cannot_be_done_elsewhere_is_refused() {
    let directory = temp_dir();
    let o = owners();
    let image = directory.write("image", kernel_image(0x3000));
    let vmlinux = directory.write("vmlinux", elf(&ROOMY));
    let data = directory.path().join("data");
    for words in [
        &[&"--as" as &dyn AsRef<OsStr>, &"note", &vmlinux][..],
        &[&image, &vmlinux],
        &[&"--key", &o.rsa.key, &image],
        &[&"-o", &data, &image],
        &[&"--list", &image],
    ] {
        assert_eq!(prepared(&data, words).code, 2);
        assert!(!data.exists());
    }
    let said = prepared(&image, &[&image]);
    assert!(said.err.contains("same file as the input"), "{}", said.err);
    assert_eq!(attached(&o.rsa, &data, &[&image, &vmlinux]).code, 2);
    assert_eq!(attached(&o.rsa, &data, &[&image]).code, 1);
}
