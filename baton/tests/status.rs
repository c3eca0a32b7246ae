//! What `baton status` and `baton crash status` say of machines that show more or less of themselves.

mod common;

use common::{Said, WriteFile, baton, temp_dir};
use tempfile::TempDir;

fn status(directory: &TempDir, words: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
    let root = directory.path().join("");
    let mut args = words.to_vec();
    args.extend::<[&dyn AsRef<std::ffi::OsStr>; 2]>([&"--root", &root]);
    baton(&args)
}

#[test]
fn where_nothing_is_mounted_nothing_is_known_and_nothing_is_guessed() {
    let directory = temp_dir();
    let said = status(&directory, &[&"status"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for label in [
        "next kernel",
        "crash kernel",
        "crash memory",
        "Secure Boot",
        "lockdown",
        "signatures",
        "loading",
        "shim's lists",
        "started by",
    ] {
        let line = said.out.lines().find(|line| line.starts_with(label));
        let line = line.unwrap_or_else(|| panic!("no {label}: {}", said.out));
        assert!(line.contains("not known"), "{line}");
    }
    let json = status(&directory, &[&"status", &"--json"]).json();
    for key in [
        "kexec",
        "loaded",
        "crash_loaded",
        "crash_reserved",
        "may_load",
        "efi",
        "secure_boot",
        "signatures_enforced",
        "load_disabled",
        "five_level_paging",
        "machine_lists",
    ] {
        assert!(json[key].is_null(), "{key}: {}", json[key]);
    }
    assert_eq!(json["started_by_known"], false);
}

#[test]
fn what_a_kernel_that_shows_itself_does_not_have_is_told_as_missing() {
    let directory = temp_dir();
    directory.write("sys/kernel/security/lsm", "capability");
    directory.write("proc/self/status", "CapEff:\t0\n");
    let said = status(&directory, &[&"status"]);
    for words in [
        "this kernel has no kexec",
        "none (not booted by EFI)",
        "not enforced",
        "not by this process (run as root)",
        "no gate, or one that left no record",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
}

#[test]
fn whether_a_crash_is_captured_is_not_known_without_sys() {
    let directory = temp_dir();
    let said = status(&directory, &[&"crash", &"status"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("captured      not known"), "{}", said.out);
    assert!(said.out.contains("mount /sys"), "{}", said.out);
    assert!(!said.out.contains("no memory is reserved"), "{}", said.out);
    let json = status(&directory, &[&"crash", &"status", &"--json"]).json();
    assert!(
        json["kexec"].is_null() && json["crash_reserved"].is_null(),
        "{json}"
    );
}
