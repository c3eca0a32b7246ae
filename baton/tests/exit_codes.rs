//! The same cause ends every command with the same code.

mod common;

use common::{WriteFile, baton, gate_stub, kernel_image, owners, sign, temp_dir};
use std::ffi::OsStr;

type Words<'a> = Vec<&'a dyn AsRef<OsStr>>;

fn code(words: &Words<'_>) -> (i32, String) {
    let said = baton(words);
    (said.code, said.err)
}

#[test]
fn a_file_that_is_not_there_is_1() {
    let (directory, o) = (temp_dir(), owners());
    let none = directory.path().join("none");
    let out = directory.path().join("out");
    let (key, cert) = (&o.rsa.key, &o.rsa.cert);
    let commands: Vec<Words<'_>> = vec![
        vec![&"inspect", &none],
        vec![&"verify", &none, &"--cert", cert],
        vec![&"sign", &"--key", key, &"--cert", cert, &none],
        vec![&"sign", &"--key", &none, &"--cert", cert, key],
        vec![&"manifest", &"--kernel", &none, &out],
        vec![&"gate", &"build", &"--stub", &none, &"-o", &out],
        vec![&"policy", &"check", &none],
        vec![&"policy", &"show", &none],
        vec![&"policy", &"explain", &none],
        vec![&"dump", &"info", &none],
        vec![&"dump", &"dmesg", &none],
        vec![&"dump", &"check", &none],
        vec![&"dump", &"list", &none],
        vec![&"dump", &"convert", &none, &out],
        vec![&"load", &none, &"--dry-run"],
    ];
    for words in commands {
        let (code, err) = code(&words);
        assert_eq!(code, 1, "{err}");
        assert!(
            err.contains("none") && err.contains("No such file"),
            "{err}"
        );
        assert!(!out.exists());
    }
}

#[test]
fn a_malformed_image_is_4() {
    let (directory, o) = (temp_dir(), owners());
    // The PE header ends amid its fields.
    let image = directory.write("image", &kernel_image(0x3000)[..0x60]);
    let (key, cert) = (&o.rsa.key, &o.rsa.cert);
    let commands: Vec<Words<'_>> = vec![
        vec![&"inspect", &image],
        vec![&"verify", &image, &"--cert", cert],
        vec![
            &"sign",
            &"--as",
            &"authenticode",
            &"--key",
            key,
            &"--cert",
            cert,
            &image,
        ],
        vec![&"policy", &"show", &image],
        vec![&"policy", &"explain", &image],
    ];
    for words in commands {
        let (code, err) = code(&words);
        assert_eq!(code, 4, "{err}");
    }
}

/// Runs each command, in which words in capitals stand for paths, and expects this code.
#[track_caller]
fn all_end_with(expected: i32, commands: &[&str], paths: &[(&str, &dyn AsRef<OsStr>)]) {
    for line in commands {
        let words: Vec<&OsStr> = line
            .split(' ')
            .map(|word| {
                let path = paths.iter().find(|(name, _)| *name == word);
                path.map_or(OsStr::new(word), |(_, path)| (*path).as_ref())
            })
            .collect();
        let words: Words<'_> = words.iter().map(|word| word as &dyn AsRef<OsStr>).collect();
        let (code, err) = code(&words);
        assert_eq!(code, expected, "{line}: {err}");
    }
}

#[test]
fn an_input_that_is_not_what_it_has_to_be_is_4_whatever_it_is() {
    let (directory, o) = (temp_dir(), owners());
    let bad = directory.write("bad", "\u{1}neither this nor that");
    let empty = directory.write("empty", "");
    let kernel = directory.write("kernel", kernel_image(0x3000));
    let stub = directory.write("stub", gate_stub(0x4_0000));
    // A signature beside it that is none, and one with nothing in it.
    let other = directory.write("other", kernel_image(0x3000));
    directory.write(
        "other.p7s",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
    );
    let third = directory.write("third", kernel_image(0x3000));
    directory.write("third.p7s", "");
    let root = directory.path().join("");
    let paths: [(&str, &dyn AsRef<OsStr>); 13] = [
        ("BAD", &bad),
        ("EMPTY", &empty),
        (
            "MANIFEST",
            &directory.write("m", "baton-manifest 1\nkernel"),
        ),
        ("KERNEL", &kernel),
        ("STUB", &stub),
        ("OTHER", &other),
        ("THIRD", &third),
        ("KEY", &o.rsa.key),
        ("CERT", &o.rsa.cert),
        ("ROOT", &root),
        ("OUT", &directory.path().join("out")),
        ("OUT2", &directory.path().join("out2")),
        (
            "CUT",
            &directory.write("cut", &std::fs::read(&o.rsa.cert).unwrap()[..200]),
        ),
    ];
    let commands = [
        "inspect BAD",
        "inspect EMPTY",
        "verify BAD --cert CERT",
        "verify KERNEL --cert BAD",
        "verify KERNEL --cert CUT",
        "verify KERNEL --cert KEY",
        "verify KERNEL --gate BAD",
        "verify KERNEL --gate STUB --manifest EMPTY",
        "verify KERNEL --cert CERT --manifest EMPTY",
        "verify KERNEL --cert CERT --addon EMPTY",
        "verify KERNEL --cert CERT --initrd EMPTY",
        "verify KERNEL --saved-state BAD",
        "verify OTHER --cert CERT",
        "verify THIRD --cert CERT",
        "sign --key BAD --cert CERT KERNEL -o OUT",
        "sign --key CUT --cert CERT KERNEL -o OUT",
        "sign --key CERT --cert CERT KERNEL -o OUT",
        "sign --key KEY --cert BAD KERNEL -o OUT",
        "sign --key KEY --cert KEY KERNEL -o OUT",
        "sign --key KEY --cert CERT --chain BAD KERNEL -o OUT",
        "sign --key KEY --cert CERT --as note BAD -o OUT",
        "sign --key KEY --cert CERT --as authenticode BAD -o OUT",
        "sign --key KEY --cert CERT MANIFEST -o OUT",
        "manifest --kernel EMPTY OUT",
        "manifest --initrd EMPTY OUT",
        "gate build --stub BAD --cert CERT -o OUT",
        "gate build --stub KERNEL --cert CERT -o OUT",
        "gate build --stub STUB --cert BAD -o OUT",
        "gate build --stub STUB --cert CERT --policy BAD -o OUT",
        "gate build --stub STUB --cert CERT --sbat BAD -o OUT",
        "gate build --stub STUB --cert CERT --dbx BAD -o OUT",
        "policy check BAD",
        "policy show BAD",
        "policy explain BAD",
        "dump info BAD",
        "dump info EMPTY",
        "dump check BAD",
        "dump dmesg BAD",
        "dump convert BAD OUT",
        "load BAD --dry-run --root ROOT",
        "load KERNEL --dry-run --root ROOT --initrd EMPTY",
        "load KERNEL --dry-run --root ROOT --manifest EMPTY",
        "load THIRD --dry-run --root ROOT",
        "load KERNEL --dry-run --saved-state BAD",
    ];
    all_end_with(4, &commands, &paths);
    assert!(!directory.path().join("out").exists());
}

#[test]
fn options_that_cannot_be_meant_so_are_2_whoever_finds_it() {
    let (directory, o) = (temp_dir(), owners());
    let kernel = directory.write("kernel", kernel_image(0x3000));
    let stub = directory.write("stub", gate_stub(0x4_0000));
    let dump = directory.write("dump", b"\x7fELF");
    let paths: [(&str, &dyn AsRef<OsStr>); 8] = [
        ("KERNEL", &kernel),
        ("STUB", &stub),
        ("DUMP", &dump),
        ("KEY", &o.rsa.key),
        ("CERT", &o.rsa.cert),
        ("OTHERS", &o.p256.cert),
        ("OUT", &directory.path().join("out")),
        ("NEWLINE", &"a\nb"),
    ];
    let commands = [
        "sign",
        "sign --key KEY --cert CERT --as detached --append KERNEL -o OUT",
        "sign --key KEY --cert CERT --as authenticode --format pem KERNEL -o OUT",
        "sign --key KEY --cert OTHERS KERNEL -o OUT",
        "sign --key KEY --cert CERT KERNEL -o KEY --force",
        "manifest OUT",
        "manifest --kernel KERNEL --cmdline NEWLINE OUT",
        "manifest --kernel KERNEL --name NEWLINE OUT",
        "manifest --kernel KERNEL -o KERNEL --force",
        "gate build --stub STUB --cert CERT --cert CERT -o OUT",
        "gate build --stub STUB --cert CERT -o STUB --force",
        "dump convert DUMP",
        "dump convert DUMP DUMP --force",
    ];
    all_end_with(2, &commands, &paths);
    assert!(!directory.path().join("out").exists());
}

#[test]
fn what_is_there_already_is_1() {
    let (directory, o) = (temp_dir(), owners());
    let kernel = directory.write("kernel", kernel_image(0x3000));
    sign(&kernel, &o.rsa);
    let paths: [(&str, &dyn AsRef<OsStr>); 5] = [
        ("KERNEL", &kernel),
        ("STUB", &directory.write("stub", gate_stub(0x4_0000))),
        ("KEY", &o.rsa.key),
        ("CERT", &o.rsa.cert),
        ("OUT", &directory.write("out", "mine")),
    ];
    let commands = [
        "sign --key KEY --cert CERT KERNEL",
        "sign --key KEY --cert CERT --replace KERNEL -o OUT",
        "sign --key KEY --cert CERT --as detached KERNEL -o OUT",
        "manifest --kernel KERNEL OUT",
        "gate build --stub STUB --cert CERT -o OUT",
        "status --save OUT",
        "dump convert KERNEL OUT",
    ];
    all_end_with(1, &commands, &paths);
    assert_eq!(
        std::fs::read(directory.path().join("out")).unwrap(),
        b"mine"
    );
}

#[test]
fn a_wrong_command_line_is_told_in_json_where_that_is_asked_for() {
    for args in [["inspect", "--json"], ["status", "--json=no"]] {
        let said = baton(&[&args[0], &args[1]]);
        assert_eq!(said.code, 2);
        if args[1] == "--json" {
            assert_eq!(said.json()["error"]["code"], "usage");
            assert_eq!(
                said.json()["error"]["message"],
                "the following required arguments were not provided: <IMAGE>"
            );
        } else {
            assert!(
                said.out.is_empty() && said.err.contains("--json"),
                "{}",
                said.err
            );
        }
    }
}
