//! `baton keys enroll` on machines that are described in a directory, with a mokutil that does what the real one does
//! there; and wrong use of `baton keys`.

mod common;

use common::loading::Machine;
use common::programs::mokutil;
use common::{Said, WriteFile, baton, baton_with, certificate, owners, signature_list, temp_dir};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn root(machine: &Machine) -> PathBuf {
    machine.directory.path().join("root")
}

fn with_shim() -> Machine {
    let o = owners();
    Machine::locked_down()
        .with_mok(&o.rsa)
        .with_gate(&o.p256, &o.rsa)
}

fn enroll(machine: &Machine, programs: &Path, words: &[&dyn AsRef<OsStr>]) -> Said {
    let root = root(machine);
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"keys", &"enroll", &"--root", &root];
    args.extend(words);
    baton_with(programs, &args)
}

/// What others may not read.
fn private(path: PathBuf) -> PathBuf {
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

fn log(machine: &Machine) -> String {
    fs::read_to_string(machine.directory.path().join("log")).unwrap_or_default()
}

#[test]
fn an_enrollment_is_requested_once_and_what_mokmanager_asks_is_told() {
    let o = owners();
    let machine = with_shim();
    let programs = mokutil(&machine, "");
    let password = private(machine.directory.write("password", "correct horse\n"));
    let said = enroll(
        &machine,
        &programs,
        &[&o.leaf.cert, &"--password-file", &password],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(log(&machine), "--import\ncorrect horse correct horse\n");
    for words in [
        "requested the enrollment of \"Leaf\"",
        "Enroll MOK",
        "View key 0",
        "Continue",
        "Yes",
        "Reboot",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    assert!(!said.out.contains("correct horse"), "{}", said.out);
    fs::remove_file(machine.directory.path().join("log")).unwrap();
    let again = enroll(
        &machine,
        &programs,
        &[&o.leaf.cert, &"--password-file", &password],
    );
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(
        again.out.contains("already requested") && again.out.contains("Enroll MOK"),
        "{}",
        again.out
    );
    let done = enroll(&machine, &programs, &[&o.rsa.cert]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("already enrolled"), "{}", done.out);
    assert_eq!(log(&machine), "", "nothing was asked for");
    let root = root(&machine);
    let said = baton(&[
        &"keys",
        &"list",
        &"--json",
        &"--root",
        &root,
        &"--gate",
        &machine.gate,
    ]);
    let list = said.json();
    let trusted = list["trusted"].as_array().unwrap();
    let leaf = trusted.iter().find(|it| it["name"] == "Leaf").unwrap();
    assert_eq!(leaf["places"], serde_json::json!(["MokNew"]));
}

#[test]
fn a_password_that_is_made_up_is_shown_and_roots_is_not_asked_for() {
    let o = owners();
    let machine = with_shim();
    let programs = mokutil(&machine, "");
    let said = enroll(
        &machine,
        &programs,
        &[&o.leaf.cert, &"--random-password", &"--json"],
    );
    let json = said.json();
    let password = json["password"].as_str().unwrap();
    assert_eq!(log(&machine), format!("--import\n{password} {password}\n"));
    assert!(json["steps"][3].as_str().unwrap().contains(password));
    assert_eq!(
        (&json["was"], &json["is"]),
        (&"no".into(), &"requested".into())
    );

    let machine = with_shim();
    let programs = mokutil(&machine, "");
    let said = enroll(&machine, &programs, &[&o.leaf.cert, &"--root-password"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(log(&machine), "--root-pw --import\n");
}

#[test]
fn a_dry_run_asks_for_nothing() {
    let o = owners();
    let machine = with_shim();
    let programs = mokutil(&machine, "");
    let said = enroll(&machine, &programs, &[&o.leaf.cert, &"--dry-run"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("would request"), "{}", said.out);
    assert_eq!(log(&machine), "");
}

/// One row of wrong use: what is wrong, the words of the command, its exit code, and what it says.
type Row<'a> = (&'static str, Vec<&'a dyn AsRef<OsStr>>, i32, &'static str);

#[test]
fn wrong_use_gets_one_line_that_says_what_to_do() {
    let o = owners();
    let machine = with_shim();
    let directory = temp_dir();
    let programs = mokutil(&machine, "");
    let no_programs = directory.path().join("none");
    let empty = private(directory.write("empty", ""));
    let text = directory.write("text", "not a certificate\n");
    let two = directory.write(
        "two.pem",
        [
            fs::read(&o.rsa.cert).unwrap(),
            fs::read(&o.p256.cert).unwrap(),
        ]
        .concat(),
    );
    let modules = [
        "-newkey",
        "rsa:2048",
        "-addext",
        "extendedKeyUsage=1.3.6.1.4.1.2312.16.1.2",
    ];
    let modules = certificate(&directory, "modules", &modules);
    let kernel = directory.write("kernel", common::kernel_image(0x3000));
    let keys = directory.path().join("keys");
    let out = directory.write("out", "mine");
    let file = directory.write("file", "");
    let below_file = file.join("keys");
    let none = directory.path().join("no-such-file");
    let (leaf, root) = (&o.leaf.cert, root(&machine));
    let rows: Vec<Row<'_>> = vec![
        ("no part of keys", vec![&"keys"], 2, "list"),
        ("an unknown part", vec![&"keys", &"lst"], 2, "lst"),
        (
            "an ID that isn't listed",
            vec![&"keys", &"show", &"abcdef0123", &"--root", &root],
            1,
            "neither a file nor",
        ),
        (
            "a file that isn't there",
            vec![&"keys", &"show", &none],
            1,
            "No such file",
        ),
        ("an empty file", vec![&"keys", &"show", &empty], 4, "empty"),
        ("text", vec![&"keys", &"show", &text], 4, "without PEM"),
        (
            "a kernel",
            vec![&"keys", &"show", &kernel],
            4,
            "not a certificate",
        ),
        (
            "a private key",
            vec![&"keys", &"show", &o.rsa.key],
            4,
            "PRIVATE KEY",
        ),
        (
            "a gate that is none",
            vec![&"keys", &"list", &"--gate", &kernel, &"--root", &root],
            4,
            "not a gate",
        ),
        (
            "a root that isn't there",
            vec![&"keys", &"list", &"--root", &none],
            1,
            "No such file",
        ),
        (
            "a state that is none",
            vec![&"keys", &"list", &"--saved-state", &text],
            4,
            "not a saved state",
        ),
        (
            "both machines",
            vec![&"keys", &"list", &"--saved-state", &text, &"--root", &root],
            2,
            "cannot be used with",
        ),
        (
            "an unknown algorithm",
            vec![&"keys", &"new", &"-o", &keys, &"--algorithm", &"rsa1024"],
            2,
            "rsa1024",
        ),
        (
            "no name",
            vec![&"keys", &"new", &"-o", &keys, &"--cn", &""],
            2,
            "1 to 64 characters",
        ),
        (
            "a name of two lines",
            vec![&"keys", &"new", &"-o", &keys, &"--cn", &"a\nb"],
            2,
            "control characters",
        ),
        (
            "no days",
            vec![&"keys", &"new", &"-o", &keys, &"--days", &"0"],
            2,
            "--days",
        ),
        (
            "a directory that can't be made",
            vec![&"keys", &"new", &"-o", &below_file],
            1,
            "directory can't be made",
        ),
        (
            "two certificates",
            vec![&"keys", &"enroll", &two, &"--root", &root],
            2,
            "one at a time",
        ),
        (
            "a key for modules",
            vec![&"keys", &"enroll", &modules.cert, &"--root", &root],
            3,
            "kernel modules only",
        ),
        (
            "a key instead",
            vec![&"keys", &"enroll", &o.rsa.key, &"--root", &root],
            4,
            "PRIVATE KEY",
        ),
        (
            "nobody to ask",
            vec![&"keys", &"enroll", leaf, &"--root", &root],
            2,
            "--random-password",
        ),
        (
            "an empty password",
            vec![
                &"keys",
                &"enroll",
                leaf,
                &"--root",
                &root,
                &"--password-file",
                &empty,
            ],
            4,
            "empty",
        ),
        (
            "two passwords",
            vec![
                &"keys",
                &"enroll",
                leaf,
                &"--random-password",
                &"--root-password",
            ],
            2,
            "cannot be used with",
        ),
        (
            "a file that is there",
            vec![&"keys", &"export", &out],
            1,
            "already exists",
        ),
        (
            "standard output",
            vec![&"keys", &"export", &"-"],
            2,
            "name a file",
        ),
    ];
    assert!(rows.len() >= 25);
    for (what, words, code, says) in rows {
        let said = baton_with(&programs, &words);
        assert_eq!(said.code, code, "{what}: {}{}", said.out, said.err);
        assert!(said.err.contains(says), "{what}: {}", said.err);
        // Those of the argument parser show how it would be right, too.
        let lines = said.err.lines().count();
        assert!(lines == 1 || code == 2, "{what}: {}", said.err);
    }
    assert!(!keys.exists() && log(&machine).is_empty());

    let machine = Machine::locked_down();
    let said = enroll(&machine, &programs, &[leaf, &"--random-password"]);
    assert_eq!(said.code, 9, "{}", said.err);
    assert!(
        said.err.contains("shim didn't start this machine"),
        "{}",
        said.err
    );
    fs::remove_dir_all(self::root(&machine).join("sys/firmware")).unwrap();
    let said = enroll(&machine, &programs, &[leaf, &"--random-password"]);
    assert_eq!(said.code, 9, "{}", said.err);
    assert!(said.err.contains("wasn't booted by EFI"), "{}", said.err);
    let machine = with_shim();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_baton"));
    command
        .env("PATH", &no_programs)
        .args(["keys", "enroll", "--random-password", "--root"]);
    let output = command
        .arg(self::root(&machine))
        .arg(leaf)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(9));
    assert!(String::from_utf8_lossy(&output.stderr).contains("apt install mokutil"));
}

#[test]
fn what_mokutil_says_is_told_and_what_it_left_out_is_seen() {
    let o = owners();
    let machine = with_shim();
    for (then, says) in [
        (
            "sys.exit('Failed to enroll new keys')",
            "mokutil: Failed to enroll new keys",
        ),
        ("sys.exit(0)", "there is no request (MokNew)"),
    ] {
        let programs = mokutil(&machine, then);
        let said = enroll(&machine, &programs, &[&o.leaf.cert, &"--random-password"]);
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.err.contains(says), "{}", said.err);
        assert!(!said.out.contains("password"), "{}", said.out);
    }
    // A request for what is revoked would count for nothing.
    let revoked = signature_list(&[o.leaf.der()]);
    machine.set("sys/firmware/efi/mok-variables/MokListXRT", &revoked);
    let programs = mokutil(&machine, "");
    let said = enroll(&machine, &programs, &[&o.leaf.cert, &"--random-password"]);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("revoked by MokListXRT"), "{}", said.err);
}
