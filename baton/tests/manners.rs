//! What a command does with files that are strange by where they are, how large they are or what they are
//! called, and with limits on what it may write.

mod common;

use common::{Said, WriteFile, baton, kernel_image, owners, temp_dir, tool};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::Path;

const BATON: &str = env!("CARGO_BIN_EXE_baton");

/// Runs a shell's line with the program as `$0` and these arguments; 124 if it hangs.
fn shell(line: &str, args: &[&Path]) -> Said {
    let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"30", &"bash", &"-c", &line, &BATON];
    all.extend(args.iter().map(|path| path as &dyn AsRef<OsStr>));
    tool("timeout", &all)
}

#[test]
fn what_comes_from_a_pipe_is_signed_only_into_a_file_that_is_named() {
    let (directory, o) = (temp_dir(), owners());
    let kernel = directory.write("kernel", kernel_image(1 << 20));
    let out = directory.path().join("out");
    let paths: [&Path; 4] = [&kernel, &o.rsa.key, &o.rsa.cert, &out];
    let said = shell(
        "cat \"$1\" | \"$0\" sign --key \"$2\" --cert \"$3\" /dev/stdin",
        &paths,
    );
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("--output"), "{}", said.err);
    let said = shell(
        "cat \"$1\" | \"$0\" sign --key \"$2\" --cert \"$3\" /dev/stdin -o \"$4\"",
        &paths,
    );
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(baton(&[&"verify", &out, &"--cert", &o.rsa.cert]).code, 0);
}

#[test]
fn a_file_that_is_larger_than_any_kernel_reads_is_not_read() {
    let (directory, o) = (temp_dir(), owners());
    let large = directory.path().join("large");
    File::create(&large).unwrap().set_len(5 << 30).unwrap();
    let out = directory.path().join("out");
    let paths: [&Path; 4] = [&large, &o.rsa.key, &o.rsa.cert, &out];
    for line in [
        "inspect \"$1\"",
        "verify \"$1\"",
        "verify \"$1\" --signature-only",
        "manifest --initrd \"$1\" \"$4\"",
        "sign --key \"$2\" --cert \"$3\" \"$1\"",
        "sign --key \"$1\" --cert \"$3\" \"$3\" -o \"$4\"",
        "policy check \"$1\"",
    ] {
        // 1 GiB of memory is enough to say so.
        let said = shell(&format!("ulimit -v 1048576; \"$0\" {line}"), &paths);
        assert_eq!(said.code, 7, "{line}: {}", said.err);
        assert!(said.err.contains("5120 MiB"), "{}", said.err);
    }
    assert!(!out.exists());
}

#[test]
fn a_machine_that_is_described_nowhere_is_no_machine() {
    let directory = temp_dir();
    let kernel = directory.write("kernel", kernel_image(0x3000));
    for (root, code) in [(directory.path().join("typo"), 1), (kernel.clone(), 2)] {
        let commands: [&[&dyn AsRef<OsStr>]; 4] = [
            &[&"load", &kernel, &"--dry-run", &"--root", &root],
            &[&"verify", &kernel, &"--root", &root],
            &[&"status", &"--root", &root],
            &[&"crash", &"status", &"--root", &root],
        ];
        for words in commands {
            let said = baton(words);
            assert_eq!(said.code, code, "{} {}", said.out, said.err);
            assert!(said.err.contains(root.to_str().unwrap()), "{}", said.err);
        }
    }
}

#[test]
fn without_preflight_what_cannot_be_read_of_the_machine_is_not_missed() {
    let directory = temp_dir();
    let kernel = directory.write("kernel", kernel_image(0x3000));
    let root = directory.path().join("root");
    fs::create_dir_all(root.join("proc/meminfo")).unwrap();
    for command in [&["load"][..], &["crash", "load"]] {
        for (option, code) in [("--json", 1), ("--no-preflight", 0)] {
            let mut words: Vec<&dyn AsRef<OsStr>> = command.iter().map(|it| it as _).collect();
            words.extend::<[&dyn AsRef<OsStr>; 6]>([
                &kernel,
                &"--dry-run",
                &"--root",
                &root,
                &"--via=kernel",
                &option,
            ]);
            let said = baton(&words);
            assert_eq!(said.code, code, "{} {}", said.out, said.err);
        }
    }
}

#[test]
fn a_name_does_not_steer_the_terminal() {
    let directory = temp_dir();
    let name = OsString::from("\u{1b}]0;owned\u{7}kernel");
    let path = directory.write(name.to_str().unwrap(), kernel_image(0x3000));
    for words in [
        &["inspect"][..],
        &["verify"],
        &["dump", "info"],
        &["policy", "check"],
    ] {
        let mut all: Vec<&dyn AsRef<OsStr>> =
            words.iter().map(|it| it as &dyn AsRef<OsStr>).collect();
        all.push(&path);
        let said = baton(&all);
        let shown = said.out + &said.err;
        assert!(shown.contains(r"\u{1b}]0;owned\u{7}kernel"), "{shown}");
        assert!(
            !shown.contains(|c: char| c.is_control() && c != '\n'),
            "{shown:?}"
        );
    }
}

#[test]
fn a_manifest_of_something_else_than_a_kernel_is_written_with_a_word() {
    let directory = temp_dir();
    let out = directory.path().join("out");
    let readme = directory.write("readme", "text");
    let said = baton(&[&"manifest", &"--kernel", &readme, &out]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("readme is data of no format"),
        "{}",
        said.err
    );
    let kernel = directory.write("kernel", kernel_image(0x3000));
    let said = baton(&[&"manifest", &"--kernel", &kernel, &out, &"--force"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn a_limit_on_files_leaves_nothing_behind() {
    let (directory, o) = (temp_dir(), owners());
    let kernel = directory.write("in/kernel", kernel_image(1 << 20));
    let place = directory.path().join("place");
    fs::create_dir(&place).unwrap();
    let out = place.join("out");
    let paths: [&Path; 4] = [&kernel, &o.rsa.key, &o.rsa.cert, &out];
    let said = shell(
        "ulimit -f 100; \"$0\" sign --key \"$2\" --cert \"$3\" \"$1\" -o \"$4\"",
        &paths,
    );
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("File too large"), "{}", said.err);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}

#[test]
fn a_dash_is_told_from_standard_input() {
    let directory = temp_dir();
    let out = directory.path().join("out");
    for words in [
        &["inspect", "-"][..],
        &["verify", "-"],
        &["dump", "info", "-"],
    ] {
        let words: Vec<&dyn AsRef<OsStr>> =
            words.iter().map(|it| it as &dyn AsRef<OsStr>).collect();
        let said = baton(&words);
        assert_eq!(said.code, 1);
        assert!(said.err.contains("name /dev/stdin"), "{}", said.err);
    }
    let paths: [&Path; 1] = [&out];
    let said = shell(
        "echo text | \"$0\" manifest --initrd /dev/stdin \"$1\"",
        &paths,
    );
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn a_policy_is_asked_about_lines_alone_that_a_kernel_can_be_given() {
    for (line, expected) in [
        ("quiet\nnoefi".to_owned(), "a line break"),
        ("a ".repeat(50_000), "100000 bytes are more than"),
    ] {
        let said = tool(
            "timeout",
            &[
                &"10",
                &BATON,
                &"policy",
                &"explain",
                &"stock",
                &"--cmdline",
                &line,
            ],
        );
        assert_eq!(said.code, 4, "{}", said.err);
        assert!(said.err.contains(expected), "{}", said.err);
    }
}
