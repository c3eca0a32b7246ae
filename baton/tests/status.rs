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

#[test]
fn where_the_time_of_a_kexec_went_is_told_as_far_as_it_was_measured() {
    let directory = temp_dir();
    directory.write("proc/uptime", "20.00 1.00\n");
    directory.write("proc/sys/kernel/random/boot_id", "2\n");
    directory.write("dev/kmsg", "6,339,1900000,-;Run /init as init process\n");
    let mut boot_params = common::fake::under_secure_boot();
    directory.write("sys/kernel/boot_params/data", &boot_params);
    let json = || status(&directory, &[&"status", &"--json"]).json();
    assert!(json()["timing"].is_null(), "it began with a boot loader");
    boot_params[0x210] = 0xd0; // type_of_loader of kexec
    directory.write("sys/kernel/boot_params/data", &boot_params);
    assert_eq!(json()["timing"]["kernel"], 1900);
    assert!(json()["timing"]["init"].is_null());
    assert!(json()["timing"]["shutdown_and_gate"].is_null());
    directory.write("run/baton/came-up", "10900");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let asked = now.unwrap().as_millis() - 27_000;
    directory.write(
        "var/lib/baton/kexec-asked.json",
        format!("{{\"boot\":\"1\",\"at\":{asked}}}"),
    );
    let timing = json()["timing"].clone();
    assert_eq!(timing["init"], 9000);
    let shutdown = timing["shutdown_and_gate"].as_u64().unwrap();
    assert!((7000..60_000).contains(&shutdown), "{shutdown}");
    let said = status(&directory, &[&"status"]);
    assert!(
        said.out.contains("kernel 1.9 s, init 9.0 s"),
        "{}",
        said.out
    );
}
