//! What `baton crash load` and `baton crash status` do on described machines when no kernel is named.

mod common;

use common::fake::{Fake, RELEASE, static_program};
use common::{Said, WriteFile, baton, kernel_image, put};
use std::ffi::OsStr;

/// A machine with a virtio disk, memory for a crash kernel, and no lockdown.
fn machine() -> Fake {
    let mut kernel = kernel_image(0x8000);
    put(&mut kernel, 0x20e, &0x600_u16.to_le_bytes()); // kernel_version, from 0x200
    put(&mut kernel, 0x800, format!("{RELEASE} (x) #1\0").as_bytes());
    Fake::new()
        .with_modules()
        .with_virtio_blk()
        .file(&format!("boot/vmlinuz-{RELEASE}"), kernel)
        .file("proc/self/status", "CapEff:\t000001ffffffffff\n")
        .file(
            "proc/meminfo",
            "MemTotal: 2097152 kB\nMemFree: 2000000 kB\n",
        )
        .file("proc/cpuinfo", "flags\t: fpu\n")
        .file("sys/kernel/kexec_loaded", "0\n")
        .file("sys/kernel/kexec_crash_loaded", "0\n")
        .file("sys/kernel/kexec_crash_size", "268435456\n")
        .file(
            "sys/kernel/security/lockdown",
            "[none] integrity confidentiality\n",
        )
        .file("usr/lib/baton/capture", static_program())
}

fn run(fake: &Fake, words: &[&dyn AsRef<OsStr>], more: &[&dyn AsRef<OsStr>]) -> Said {
    let (root, capture) = (fake.path(""), fake.path("usr/lib/baton/capture"));
    let mut args: Vec<&dyn AsRef<OsStr>> = words.to_vec();
    args.extend::<[&dyn AsRef<OsStr>; 5]>([&"--root", &root, &"--capture", &capture, &"--json"]);
    args.extend(more);
    baton(&args)
}

fn load(fake: &Fake, more: &[&dyn AsRef<OsStr>]) -> Said {
    run(fake, &[&"crash", &"load", &"--dry-run"], more)
}

fn status(fake: &Fake) -> Said {
    run(fake, &[&"crash", &"status"], &[])
}

fn reason(said: &Said) -> (i32, String) {
    let reason = said.json()["error"]["reason"].as_str().unwrap().to_owned();
    (said.code, reason)
}

fn problems(said: &Said) -> Vec<String> {
    let problems = said.json()["problems"].as_array().unwrap().clone();
    problems
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_capture_is_planned_from_the_running_kernel_alone() {
    let said = load(&machine(), &[]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let json = said.json();
    assert!(
        json["kernel"]
            .as_str()
            .unwrap()
            .ends_with(&format!("boot/vmlinuz-{RELEASE}"))
    );
    assert_eq!(json["crash"], true);
    assert_eq!(
        json["cmdline"],
        "console=ttyS0 nr_cpus=1 reset_devices irqpoll cgroup_disable=memory numa=off \
         transparent_hugepage=never cma=0 hugetlb_cma=0 mce=off acpi_no_memhotplug novmcoredd \
         loglevel=5 panic=10"
    );
    let targets = json["capture"]["targets"].as_array().unwrap();
    assert_eq!(
        targets[0],
        "/var/crash of ext4 on vda1 (UUID=5f1d9a3c-0c1e-4f5c-9d55-000000000001)"
    );
    assert_eq!(json["capture"]["modules"].as_array().unwrap().len(), 9);
}

#[test]
fn the_initramfs_can_be_kept_to_look_at() {
    let fake = machine();
    let saved = fake.path("saved");
    let said = load(&fake, &[&"--save-initrd", &saved]);
    assert_eq!(said.code, 0, "{}", said.out);
    let bytes = std::fs::read(saved).unwrap();
    assert!(bytes.starts_with(b"070701"));
    let len = said.json()["capture"]["initramfs_len"].as_u64().unwrap();
    assert_eq!(bytes.len() as u64, len);
}

#[test]
fn the_owners_configuration_and_command_line_are_used() {
    let fake = machine();
    fake.set(
        "etc/baton/crash.toml",
        "[kernel]\nparameters = [\"extra=1\"]\n",
    );
    let line = |said: &Said| said.json()["cmdline"].as_str().unwrap().to_owned();
    assert!(line(&load(&fake, &[])).ends_with("panic=10 extra=1"));
    let other = fake.path("other.toml");
    std::fs::write(&other, "[kernel]\ncpus = 2\n").unwrap();
    assert!(line(&load(&fake, &[&"--config", &other])).contains("nr_cpus=2"));
    assert_eq!(line(&load(&fake, &[&"--cmdline", &"own"])), "own");
}

#[test]
fn what_goes_with_a_named_kernel_alone_is_refused_without_one() {
    for option in ["--initrd", "--addon", "--manifest", "--profile"] {
        let said = load(&machine(), &[&option, &"x"]);
        assert_eq!(reason(&said), (2, "usage".into()), "{option}");
    }
    assert_eq!(reason(&load(&machine(), &[&"--reuse-cmdline"])).0, 2);
}

#[test]
fn each_thing_that_stands_against_it_has_its_code() {
    type Change = fn(&Fake);
    let cases: [(Change, i32, &str); 6] = [
        (
            |fake| fake.set("sys/kernel/kexec_crash_size", "0\n"),
            7,
            "no-crash-region",
        ),
        (
            |fake| fake.set("sys/kernel/kexec_crash_size", "4194304\n"),
            7,
            "no-room",
        ),
        (
            |fake| fake.set("etc/baton/crash.toml", "x = 1\n"),
            4,
            "crash-config",
        ),
        (|fake| fake.remove("usr/lib/baton/capture"), 1, "no-program"),
        (
            |fake| fake.remove(&format!("boot/vmlinuz-{RELEASE}")),
            1,
            "no-kernel",
        ),
        (
            |fake| fake.set("proc/self/mountinfo", "22 1 0:2 / / rw - tmpfs none rw\n"),
            1,
            "no-block-device",
        ),
    ];
    for (change, code, word) in cases {
        let fake = machine();
        change(&fake);
        let said = load(&fake, &[]);
        assert_eq!(reason(&said), (code, word.into()), "{}", said.out);
    }
    let stacked = machine().with_device_mapper("CRYPT-LUKS2-x");
    stacked.set(
        "etc/baton/crash.toml",
        "[[target]]\nkind = \"mounted\"\ndirectory = \"/srv\"\n[log]\nkind = \"none\"\n",
    );
    assert_eq!(reason(&load(&stacked, &[])), (9, "stacked".into()));
}

#[test]
fn where_no_target_can_be_used_the_log_is_saved_and_that_is_said() {
    let stacked = machine().with_device_mapper("CRYPT-LUKS2-x");
    stacked.set(
        "etc/baton/crash.toml",
        "[[target]]\nkind = \"mounted\"\ndirectory = \"/srv\"\n",
    );
    let said = load(&stacked, &[]);
    assert_eq!(said.code, 0, "{}", said.out);
    let json = said.json();
    assert!(json["capture"]["targets"].as_array().unwrap().is_empty());
    let log = json["capture"]["log"].as_str().unwrap();
    assert!(log.starts_with("/boot/crash of ext4 on vda1"), "{log}");
    let notes = json["notes"].to_string();
    assert!(
        notes.contains("would leave its kernel log alone"),
        "{notes}"
    );
    assert!(notes.contains("encrypted"), "{notes}");
    assert!(
        problems(&status(&stacked))
            .iter()
            .any(|it| it.contains("encrypted"))
    );
}

#[test]
fn a_locked_down_machine_refuses_an_unsigned_kernel_before_the_old_image_goes() {
    let fake = machine();
    fake.set(
        "sys/kernel/security/lockdown",
        "none [integrity] confidentiality\n",
    );
    assert_eq!(reason(&load(&fake, &[])), (3, "unsigned".into()));
}

#[test]
fn status_says_what_is_missing_with_a_code_of_its_own() {
    let fake = machine();
    let said = status(&fake);
    assert_eq!(said.code, 8, "{}", said.out);
    assert!(problems(&said)[0].contains("nothing is loaded"));
    assert_eq!(said.json()["ready"], false);
    let free = said.json()["targets"][0]["free"].as_u64().unwrap();
    assert!(free > 0);
    fake.set("sys/kernel/kexec_crash_size", "0\n");
    assert_eq!(status(&fake).code, 7);
    fake.remove("sys/kernel/kexec_loaded");
    assert_eq!(status(&fake).code, 9);
}

/// A machine on which what would be loaded now is loaded.
fn loaded() -> Fake {
    let fake = machine();
    fake.set("sys/kernel/kexec_crash_loaded", "1\n");
    let root = fake.root();
    let sources = baton_cli::crash::args::CaptureSources {
        config: None,
        capture: fake.path("usr/lib/baton/capture"),
    };
    let prepared = baton_cli::crash::prepare::prepare(&root, &sources, None).unwrap();
    let record = baton_cli::crash::record::Record::new(&prepared, true);
    baton_cli::crash::record::RECORD
        .write(&root, &record)
        .unwrap();
    fake
}

#[test]
fn what_is_loaded_and_up_to_date_is_ready() {
    let said = status(&loaded());
    assert_eq!(said.code, 0, "{}", said.out);
    let json = said.json();
    assert_eq!(json["ready"], true);
    assert_eq!(json["loaded"]["release"], RELEASE);
    assert_eq!(json["loaded"]["gate"], true);
}

#[test]
fn what_changed_since_is_named() {
    let fake = loaded();
    fake.set("etc/baton/crash.toml", "keep = 9\n");
    fake.set(
        &format!("lib/modules/{RELEASE}/kernel/fs/mbcache.ko"),
        "\x7fELF new",
    );
    let said = status(&fake);
    assert_eq!(said.code, 10, "{}", said.out);
    assert!(problems(&said)[0].contains("configuration, module mbcache changed since"));
}

#[test]
fn a_target_that_went_away_is_reported_before_the_crash() {
    let fake = loaded();
    std::fs::remove_file(fake.path("sys/dev/block/254:1")).unwrap();
    let said = status(&fake);
    assert_eq!(said.code, 10, "{}", said.out);
    assert!(problems(&said)[0].starts_with("a reload would fail: /var/crash lies on ext4"));
}

#[test]
fn a_target_without_room_is_reported_before_the_crash() {
    let fake = loaded();
    fake.set(
        "etc/baton/crash.toml",
        "[[target]]\nkind = \"mounted\"\ndirectory = \"/\"\n",
    );
    // More memory than any disk has room for.
    fake.set("proc/meminfo", "MemTotal: 900000000000000 kB\n");
    let said = status(&fake);
    assert_eq!(said.code, 10);
    assert!(
        problems(&said)
            .iter()
            .any(|it| it.contains("free some space")),
        "{}",
        said.out
    );
}

#[test]
fn what_others_loaded_is_theirs_to_judge() {
    let fake = machine();
    fake.set("sys/kernel/kexec_crash_loaded", "1\n");
    let said = status(&fake);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(
        said.json()["notes"][0]
            .as_str()
            .unwrap()
            .contains("wasn't made by")
    );
}

#[test]
fn systemd_takes_the_units_where_it_is_installed() {
    let units = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/systemd");
    let directory = common::temp_dir();
    let mut args = vec!["verify".to_owned(), "--man=no".to_owned()];
    for unit in std::fs::read_dir(units).unwrap().flatten() {
        // It insists on programs that are there.
        let text = std::fs::read_to_string(unit.path()).unwrap();
        let text = text.replace("/usr/bin/baton", env!("CARGO_BIN_EXE_baton"));
        let path = directory.write(&unit.file_name().to_string_lossy(), text);
        args.push(path.display().to_string());
    }
    assert!(args.len() > 2, "there are units");
    let Ok(output) = std::process::Command::new("systemd-analyze")
        .args(&args)
        .output()
    else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn another_owner_of_the_crash_kernel_is_named() {
    let enable = |fake: Fake| {
        fake.directory("run/systemd/system").file(
            "etc/systemd/system/multi-user.target.wants/kdump-tools.service",
            "",
        )
    };
    let fake = enable(machine());
    let said = load(&fake, &[]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(
        said.out.contains("kdump-tools.service is enabled, too"),
        "{}",
        said.out
    );
    // What was recorded may have been replaced.
    let said = status(&enable(loaded()));
    assert_eq!(said.code, 10, "{}", said.out);
    assert!(problems(&said)[0].contains("systemctl disable --now kdump-tools.service"));
    // What was loaded by others is theirs, by name.
    fake.set("sys/kernel/kexec_crash_loaded", "1\n");
    let said = status(&fake);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(
        said.out.contains("perhaps it is from kdump-tools.service"),
        "{}",
        said.out
    );
}
