//! `baton sign`, used wrongly: one clear line, the exit code that it stands for, and nothing is written.

mod common;

use baton_cli::keys::args::Algorithm;
use baton_cli::keys::generate::{Subject, generate};
use common::{WriteFile, baton, kernel_image, owners, sign, temp_dir, tool};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A line of words, of which those in capitals stand for files below; its exit code, and what is said.
type Row = (&'static str, i32, &'static str);

/// Found by the argument parser, which adds how it would be right.
const PARSED: &[Row] = &[
    ("IMG", 2, "--key <KEY>"),
    ("--key KEY --cert CERT", 2, "<IN>..."),
    (
        "--key KEY --cert CERT --in-place -o OUT IMG",
        2,
        "'--in-place' cannot be used with",
    ),
    (
        "--key KEY --cert CERT --append --replace IMG",
        2,
        "'--append' cannot be used with",
    ),
    ("--key KEY --cert CERT --hash md5 IMG", 2, "md5"),
    (
        "--key KEY --cert CERT --as signature IMG",
        2,
        "possible values",
    ),
    (
        "--key KEY --cert CERT --format ber IMG",
        2,
        "possible values",
    ),
    (
        "--key KEY --cert CERT --signed-data BAD IMG",
        2,
        "cannot be used with",
    ),
    ("--list --key KEY IMG", 2, "cannot be used with"),
    ("--list --remove IMG", 2, "cannot be used with"),
    ("--remove=0 IMG", 2, "from 1, or `all`"),
    ("--remove=second IMG", 2, "from 1, or `all`"),
    ("--attach BAD --key KEY IMG", 2, "cannot be used with"),
    ("--digest-out OUT --if-needed IMG", 2, "cannot be used with"),
    ("--key KEY --cert CERT --nonsense IMG", 2, "--nonsense"),
];

/// Found with the files.
const FOUND: &[Row] = &[
    ("--key KEY IMG", 2, "name it with --cert"),
    ("--key KEY --cert OTHER IMG", 2, "isn't the certificate's"),
    (
        "--key KEY --cert CERT IMG VMLINUX",
        2,
        "say --in-place, or -o DIR",
    ),
    ("--key KEY --cert CERT IMG OUT", 2, "out is where to write"),
    (
        "--key KEY --cert CERT IMG VMLINUX -o OUT",
        2,
        "not a directory",
    ),
    ("--key KEY --cert CERT DIR", 1, "is a directory"),
    (
        "--key KEY --cert CERT IMG -o MISSING",
        1,
        "name a file in it",
    ),
    (
        "--key KEY --cert CERT IMG -o KEY --force",
        2,
        "same file as the input",
    ),
    ("--key KEY --cert CERT IMG -o VMLINUX", 1, "already exists"),
    ("--key KEY --cert CERT - --in-place", 2, "--output"),
    ("--key KEY --cert CERT NONE", 1, "No such file"),
    ("--key NONE --cert CERT IMG", 1, "No such file"),
    ("--key KEY --cert NONE IMG", 1, "No such file"),
    ("--key DIR --cert CERT IMG", 1, "is a directory"),
    ("--key BAD --cert CERT IMG", 4, "no private key in it"),
    ("--key EMPTY --cert CERT IMG", 4, "no private key in it"),
    (
        "--key CERT --cert CERT IMG",
        4,
        "no private key in it, but CERTIFICATE",
    ),
    ("--key KEY --cert KEY IMG", 4, "and no certificate"),
    ("--key KEY --cert P12 IMG", 4, "give it with --key"),
    (
        "--key ENC --cert CERT --passphrase-file WRONG IMG",
        6,
        "the passphrase is wrong",
    ),
    (
        "--key ENC --cert CERT --passphrase-file EMPTY IMG",
        6,
        "the passphrase is wrong",
    ),
    (
        "--key ENC --cert CERT --passphrase-file OPEN IMG",
        6,
        "chmod",
    ),
    (
        "--key ENC --cert CERT --passphrase-file NONE IMG",
        1,
        "No such file",
    ),
    (
        "--key ENC --cert OTHER --passphrase-file PASS IMG",
        2,
        "isn't the certificate's",
    ),
    (
        "--key P12 --passphrase-file WRONG IMG",
        6,
        "the passphrase is wrong",
    ),
    (
        "--key P12 --cert OTHER --passphrase-file PASS IMG",
        2,
        "isn't the certificate's",
    ),
    (
        "--key pkcs11:token=x?module-path=/none.so IMG",
        1,
        "can't be loaded",
    ),
    (
        "--key pkcs11:token=x?module-name=none IMG",
        1,
        "no PKCS#11 module none",
    ),
    ("--key pkcs11:label=x IMG", 2, "label: not known"),
    ("--key KEY --cert CERT SIGNED", 1, "--append"),
    (
        "--key KEY --cert CERT --as appended SIGNED",
        2,
        "must stay its last part",
    ),
    (
        "--key KEY --cert CERT --as note IMG",
        4,
        "can't hold a signature note",
    ),
    (
        "--key KEY --cert CERT --as authenticode VMLINUX",
        4,
        "not an image that can be signed",
    ),
    (
        "--key KEY --cert CERT --as detached --append IMG",
        2,
        "--append is for Authenticode",
    ),
    ("--key KEY --cert CERT --format pem IMG", 2, "--as detached"),
    ("--remove=1 IMG", 2, "no signature 1, but 0"),
    ("--remove=3 SIGNED", 2, "no signature 3, but 1"),
    ("--attach BAD IMG", 2, "name it with --cert"),
    ("--attach BAD --cert CERT IMG", 3, "the bare signature"),
    (
        "--attach BAD --cert CERT --signed-data BAD IMG",
        4,
        "not a SET of attributes",
    ),
    ("--attach NONE --cert CERT IMG", 1, "No such file"),
    (
        "--attach BAD --cert CERT IMG VMLINUX --in-place",
        2,
        "--attach is for one file",
    ),
    (
        "--digest-out OUT IMG VMLINUX",
        2,
        "--digest-out is for one file",
    ),
    (
        "--digest-out OUT --as note VMLINUX",
        2,
        "can't be made elsewhere",
    ),
    ("--digest-out IMG IMG", 2, "same file as the input"),
];

fn files(directory: &TempDir) -> Vec<(&'static str, String)> {
    let o = owners();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let signed = directory.write("signed", kernel_image(0x3000));
    sign(&signed, &o.rsa);
    let elf = common::signing::elf(&common::signing::ROOMY);
    let (enc, p12) = (directory.path().join("enc"), directory.path().join("p12"));
    let encrypt: [&[&str]; 2] = [
        &["pkcs8", "-topk8", "-in"],
        &["pkcs12", "-export", "-inkey"],
    ];
    for (words, out) in encrypt.iter().zip([&enc, &p12]) {
        let mut all: Vec<&dyn AsRef<OsStr>> = words.iter().map(|it| it as _).collect();
        all.extend::<[&dyn AsRef<OsStr>; 5]>([&o.rsa.key, &"-passout", &"pass:x", &"-out", out]);
        if words[0] == "pkcs12" {
            all.extend::<[&dyn AsRef<OsStr>; 2]>([&"-in", &o.rsa.cert]);
        }
        let said = tool("openssl", &all);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let secret = |name: &str, text: &str, mode| {
        let file = directory.write(name, text);
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        path(&file)
    };
    fs::create_dir(directory.path().join("dir")).unwrap();
    vec![
        ("IMG", path(&directory.write("image", kernel_image(0x3000)))),
        ("VMLINUX", path(&directory.write("vmlinux", elf))),
        ("SIGNED", path(&signed)),
        ("BAD", path(&directory.write("bad", "\u{1}text"))),
        ("EMPTY", secret("empty", "", 0o600)),
        ("DIR", path(&directory.path().join("dir"))),
        ("MISSING", path(&directory.path().join("missing")) + "/"),
        ("NONE", path(&directory.path().join("none"))),
        ("OUT", path(&directory.path().join("out"))),
        ("KEY", path(&o.rsa.key)),
        ("CERT", path(&o.rsa.cert)),
        ("OTHER", path(&o.p256.cert)),
        ("ENC", path(&enc)),
        ("P12", path(&p12)),
        ("PASS", secret("pass", "x\n", 0o600)),
        ("WRONG", secret("wrong", "y\n", 0o600)),
        ("OPEN", secret("open", "x\n", 0o644)),
    ]
}

#[test]
fn what_is_wrong_is_said_in_one_line_and_nothing_is_written() {
    let directory = temp_dir();
    let files = files(&directory);
    let all_files = || {
        let entries = fs::read_dir(directory.path())
            .unwrap()
            .map(|it| it.unwrap().path());
        let mut all: Vec<_> = entries.map(|it| (fs::read(&it).ok(), it)).collect();
        all.sort();
        all
    };
    let (before, mut wrong) = (all_files(), Vec::new());
    let rows = PARSED.iter().map(|row| (row, false));
    for ((line, code, words), one_line) in rows.chain(FOUND.iter().map(|row| (row, true))) {
        let args = line.split(' ').map(|word| {
            let file = files.iter().find(|(name, _)| *name == word);
            file.map_or(word.to_owned(), |(_, path)| path.clone())
        });
        let args: Vec<String> = args.collect();
        let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"sign"];
        all.extend(args.iter().map(|it| -> &dyn AsRef<OsStr> { it }));
        let said = baton(&all);
        let is_right = said.code == *code
            && said.err.contains(words)
            && said.out.is_empty()
            && (!one_line || said.err.lines().count() == 1)
            && all_files() == before;
        if !is_right {
            wrong.push(format!("{line}: {}: {}{}", said.code, said.out, said.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_certificate_that_has_expired_signs_with_a_word_about_it() {
    let directory = temp_dir();
    let subject = Subject {
        common_name: "Old".into(),
        not_before: 1_600_000_000,
        not_after: 1_700_000_000,
    };
    let made = generate(Algorithm::P256, &subject).unwrap();
    let key = directory.write("key", made.key.as_bytes());
    let cert = directory.write("cert", &made.certificate);
    let image = directory.write("image", kernel_image(0x3000));
    let said = baton(&[&"sign", &"--key", &key, &"--cert", &cert, &image]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("expired on 2023-11-14"), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    assert_eq!(
        baton(&[&"verify", &"--signature-only", &image, &"--cert", &cert]).code,
        0
    );
}
