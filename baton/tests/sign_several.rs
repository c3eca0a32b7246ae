//! `baton sign` of several files, of standard input, of what is signed already; signatures listed and removed.

mod common;

use common::signing::{ROOMY, elf, kind_of};
use common::{Said, WriteFile, baton, kernel_image, owners, sign, temp_dir, tool};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// `baton sign` as the RSA owner.
fn signs(words: &[&dyn AsRef<OsStr>]) -> Said {
    let owner = &owners().rsa;
    let mut all: Vec<&dyn AsRef<OsStr>> =
        vec![&"sign", &"--key", &owner.key, &"--cert", &owner.cert];
    all.extend(words);
    baton(&all)
}

fn accepted(path: &Path) -> bool {
    baton(&[
        &"verify",
        &"--signature-only",
        &path,
        &"--cert",
        &owners().rsa.cert,
    ])
    .code
        == 0
}

fn kernels(directory: &TempDir) -> [std::path::PathBuf; 3] {
    ["one", "two", "three"].map(|name| directory.write(name, kernel_image(0x3000)))
}

#[test]
fn several_files_are_signed_in_place_or_into_a_directory() {
    let directory = temp_dir();
    let [one, two, three] = kernels(&directory);
    let out = directory.path().join("out");
    fs::create_dir(&out).unwrap();
    let said = signs(&[&one, &two, &three, &"-o", &out]);
    assert_eq!(
        (said.code, said.out.lines().count()),
        (0, 3),
        "{}",
        said.err
    );
    for name in ["one", "two", "three"] {
        assert!(accepted(&out.join(name)) && !accepted(&directory.path().join(name)));
    }
    let said = signs(&[&one, &two, &"--in-place"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(accepted(&one) && accepted(&two) && !accepted(&three));
    let said = signs(&[&"--as", &"detached", &three, &"-o", &out]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(out.join("three.p7s").exists() && !directory.path().join("three.p7s").exists());
}

#[test]
fn several_files_without_a_place_are_refused_with_both_ways() {
    let directory = temp_dir();
    let [one, two, _] = kernels(&directory);
    let new = directory.path().join("new");
    for (second, advice) in [(&two, None), (&new, Some("new is where to write"))] {
        let said = signs(&[&one, second]);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(
            said.err.contains("--in-place") && said.err.contains("-o DIR"),
            "{}",
            said.err
        );
        assert_eq!(advice.is_some(), said.err.contains("is where to write"));
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
    assert!(!accepted(&one) && !new.exists());
}

#[test]
fn what_fails_keeps_no_other_file_from_being_signed() {
    let directory = temp_dir();
    let [one, two, three] = kernels(&directory);
    directory.write("two", &kernel_image(0x3000)[..0x60]);
    let said = signs(&[
        &one,
        &two,
        &directory.path().join("none"),
        &three,
        &"--in-place",
    ]);
    assert_eq!(said.code, 4, "the first failure's: {}", said.err);
    assert!(accepted(&one) && accepted(&three));
    for words in ["two: ", "none: ", "2 of 4 files failed"] {
        assert!(said.err.contains(words), "{}", said.err);
    }
    assert_eq!(fs::read(&two).unwrap().len(), 0x60);
}

#[test]
fn two_files_of_one_name_do_not_meet_in_a_directory() {
    let directory = temp_dir();
    let inputs = ["a/kernel", "b/kernel"].map(|it| directory.write(it, kernel_image(0x3000)));
    let said = signs(&[&inputs[0], &inputs[1], &"-o", &directory.path()]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(
        said.err.contains("another file of this name"),
        "{}",
        said.err
    );
    assert!(!directory.path().join("kernel").exists());
}

#[test]
fn a_dash_is_standard_input_and_output() {
    let directory = temp_dir();
    let [one, ..] = kernels(&directory);
    let out = directory.path().join("out");
    let o = owners();
    let words: [&dyn AsRef<OsStr>; 8] = [
        &"-c",
        &"\"$0\" sign --key \"$1\" --cert \"$2\" - <\"$3\" >\"$4\"",
        &env!("CARGO_BIN_EXE_baton"),
        &o.rsa.key,
        &o.rsa.cert,
        &one,
        &out,
        &"",
    ];
    let said = tool("sh", &words[..7]);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
    assert!(said.err.starts_with("standard output: "), "{}", said.err);
    assert!(accepted(&out));
    for words in [&["-", "--in-place"][..], &["-", "-", "-o", "."]] {
        let words: Vec<&dyn AsRef<OsStr>> = words.iter().map(|it| it as _).collect();
        assert_eq!(signs(&words).code, 2);
    }
}

#[test]
fn what_is_signed_already_is_left_alone_or_copied_where_that_is_asked_for() {
    let directory = temp_dir();
    let o = owners();
    let image = directory.write("image", kernel_image(0x3000));
    let initrd = directory.write("initrd", "070701");
    for (file, kind) in [
        (&image, "authenticode"),
        (&image, "detached"),
        (&initrd, "detached"),
    ] {
        let said = signs(&[&"--as", &kind, &"--if-needed", file]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(!said.out.contains("already"), "{}", said.out);
        let before = (
            fs::read(file).unwrap(),
            fs::metadata(file).unwrap().modified().unwrap(),
        );
        let said = signs(&[&"--as", &kind, &"--if-needed", file]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(
            said.out.contains("already signed by \"RSA owner\""),
            "{}",
            said.out
        );
        let after = (
            fs::read(file).unwrap(),
            fs::metadata(file).unwrap().modified().unwrap(),
        );
        assert_eq!(before, after);
    }
    let copy = directory.path().join("copy");
    assert_eq!(signs(&[&"--if-needed", &image, &"-o", &copy]).code, 0);
    assert_eq!(fs::read(&copy).unwrap(), fs::read(&image).unwrap());
    // One by whom the certificate only vouches for is another's.
    let image = directory.write("others", kernel_image(0x3000));
    sign(&image, &o.leaf);
    assert_eq!(signs(&[&"--if-needed", &image]).code, 1);
    assert_eq!(signs(&[&"--if-needed", &"--replace", &image]).code, 0);
    assert!(signs(&[&"--if-needed", &image]).out.contains("already"));
    // Nor does one count that isn't good any more.
    let mut bytes = fs::read(&image).unwrap();
    bytes[0x2000] ^= 1;
    directory.write("others", bytes);
    assert!(
        !signs(&[&"--if-needed", &"--replace", &image])
            .out
            .contains("already")
    );
    assert!(accepted(&image));
}

#[test]
fn signatures_are_listed_and_removed_by_number() {
    let directory = temp_dir();
    let o = owners();
    let plain = kernel_image(0x3000);
    let image = directory.write("image", &plain);
    for owner in [&o.rsa, &o.p256, &o.p384] {
        sign(&image, owner);
    }
    assert_eq!(signs(&[&"--as", &"detached", &image]).code, 0);
    let listed = || baton(&[&"sign", &"--list", &image]);
    let said = listed();
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("image: 4 signatures"), "{}", said.out);
    assert!(said.out.contains("signature 2: authenticode") && said.out.contains("P-256 owner"));
    let said = baton(&[&"sign", &"--remove=2", &image]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!listed().out.contains("P-256 owner"), "{}", listed().out);
    for (owner, code) in [(&o.rsa, 0), (&o.p256, 1), (&o.p384, 0)] {
        assert_eq!(
            tool("sbverify", &[&"--cert", &owner.cert, &image]).code,
            code
        );
    }
    let said = baton(&[&"sign", &"--remove=4", &image]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("no signature 4, but 3"), "{}", said.err);
    let said = baton(&[&"sign", &"--remove", &image]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(listed().out.contains("no signature") && !directory.path().join("image.p7s").exists());
    let bare = fs::read(&image).unwrap();
    assert_eq!(bare.len(), plain.len());
    // But for the checksum, it is what it was; sbattach leaves the same.
    assert_eq!(bare[0x9c..], plain[0x9c..]);
    sign(&image, &o.rsa);
    assert_eq!(tool("sbattach", &[&"--remove", &image]).code, 0);
    assert_eq!(fs::read(&image).unwrap().len(), bare.len());
    assert_eq!(baton(&[&"sign", &"--remove", &image]).code, 0);
}

#[test]
fn signatures_of_elf_files_are_removed_too() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    for kind in ["note", "appended"] {
        let file = directory.write("vmlinux", elf(&ROOMY));
        assert_eq!(signs(&[&"--as", &kind, &file]).code, 0);
        assert_eq!(kind_of(&file, owner).as_deref(), Ok(kind));
        let out = directory.path().join("bare");
        let said = baton(&[&"sign", &"--remove", &"--force", &file, &"-o", &out]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(kind_of(&out, owner).is_err() && kind_of(&file, owner).is_ok());
        // And it can be signed anew.
        assert_eq!(signs(&[&"--as", &kind, &out]).code, 0);
        assert_eq!(kind_of(&out, owner).as_deref(), Ok(kind));
    }
    let file = directory.write("image", kernel_image(0x3000));
    assert_eq!(signs(&[&file]).code, 0);
    let said = signs(&[&"--as", &"appended", &"--replace", &file]);
    assert_eq!(said.code, 2, "{}", said.err);
}
