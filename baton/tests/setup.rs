//! `baton setup` on machines that are described in a directory, run after run, with a mokutil and a systemctl that change
//! these.

mod common;

use baton_verify::Certificate;
use common::loading::Machine;
use common::programs::{SHIM, mokutil, systemctl};
use common::{Said, baton, baton_with, gate_stub, kernel_image, owners, sign, signature_list};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

const RELEASE: &str = "6.1.0-test";
const GATE: &str = "var/lib/baton/gate.efi";

struct Site {
    machine: Machine,
    programs: PathBuf,
}

/// Booted by shim and locked down, with the package installed, and a kernel that a key of the owner's signed.
fn fresh() -> Site {
    let o = owners();
    let machine = Machine::locked_down().with_mok(&o.rsa);
    let site = Site {
        programs: mokutil(&machine, ""),
        machine,
    };
    let machine = &site.machine;
    systemctl(machine, &site.programs);
    let kernel = site.path(&format!("boot/vmlinuz-{RELEASE}"));
    machine.set(&format!("boot/vmlinuz-{RELEASE}"), kernel_image(0x8000));
    sign(&kernel, &o.rsa);
    machine.set("proc/sys/kernel/osrelease", format!("{RELEASE}\n"));
    machine.set("proc/self/mountinfo", "");
    machine.set("run/systemd/system/x", "");
    machine.set("usr/lib/baton/gate.stub", gate_stub(0x10_0000));
    for unit in [
        "baton-load.service",
        "baton-boot-count.service",
        "baton-crash.service",
    ] {
        machine.set(&format!("usr/lib/systemd/system/{unit}"), "");
    }
    site
}

impl Site {
    fn path(&self, below: &str) -> PathBuf {
        self.machine.directory.path().join("root").join(below)
    }

    fn setup(&self, words: &[&dyn AsRef<OsStr>]) -> Said {
        let root = self.path("");
        let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"setup", &"--root", &root];
        args.extend(words);
        baton_with(&self.programs, &args)
    }

    fn set_up(&self, words: &[&dyn AsRef<OsStr>]) -> serde_json::Value {
        let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"--yes", &"--json", &"--random-password"];
        all.extend(words);
        let said = self.setup(&all);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        said.json()
    }

    /// What MokManager does at the next boot, and the kernel after it.
    fn confirm(&self) {
        let own = fs::read(self.path("var/lib/baton/keys/mok.der")).unwrap();
        let all = signature_list(&[owners().rsa.der(), own.clone()]);
        self.machine
            .set("sys/firmware/efi/mok-variables/MokListRT", all);
        fs::remove_file(self.path(&format!("sys/firmware/efi/efivars/MokNew-{SHIM}"))).unwrap();
        let id = Certificate::parse(&own).unwrap().key_id().to_string();
        let keys = fs::read_to_string(self.path("proc/keys")).unwrap();
        let line =
            format!("00000012 I--- 1 perm 1f030000 0 0 asymmetri own: {id}: X509.rsa 00 []\n");
        self.machine.set("proc/keys", keys + &line);
        self.machine.set("keyctl/00000010", "11 12\n");
    }
}

fn steps(json: &serde_json::Value) -> Vec<&str> {
    let steps = json["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|it| it["step"].as_str().unwrap())
        .collect()
}

fn is_accepted(gate: &Path, cert: &Path) -> bool {
    baton(&[&"verify", &"--signature-only", &gate, &"--cert", &cert]).code == 0
}

#[test]
fn from_nothing_to_a_loaded_kernel_in_three_runs() {
    let site = fresh();
    let first = site.set_up(&[]);
    assert_eq!(
        steps(&first),
        ["make-key", "build-gate", "enroll", "enable", "enable"]
    );
    assert_eq!(first["complete"], false);
    assert!(
        first["waits"][0].as_str().unwrap().contains("MokManager"),
        "{first}"
    );
    // That a plain reboot becomes a kexec is the owner's choice.
    assert!(!first.to_string().contains("baton-load.service"), "{first}");
    let password = first["steps"][2]["said"][1].as_str().unwrap();
    assert!(password.starts_with("  password: "), "{first}");
    let keys = site.path("var/lib/baton/keys");
    assert!(is_accepted(&site.path(GATE), &keys.join("mok.pem")));
    let (gate, key) = (
        fs::read(site.path(GATE)).unwrap(),
        fs::read(keys.join("mok.key")).unwrap(),
    );

    // Nobody has confirmed the key yet: there is nothing more to do than that.
    let again = site.set_up(&[]);
    assert!(steps(&again).is_empty(), "{again}");
    assert!(
        again["waits"][0].as_str().unwrap().contains("MokManager"),
        "{again}"
    );

    site.confirm();
    let second = site.set_up(&[]);
    assert_eq!(steps(&second), ["load"], "{second}");
    assert_eq!(second["complete"], true);

    site.machine.set("sys/kernel/kexec_loaded", "1\n");
    let said = site.setup(&[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("\nnothing to do\n"), "{}", said.out);
    assert!(
        fs::read(site.path(GATE)).unwrap() == gate,
        "the gate is as it was"
    );
    assert!(
        fs::read(keys.join("mok.key")).unwrap() == key,
        "the key is as it was"
    );
}

#[test]
fn the_plan_is_shown_first_and_nobody_is_surprised() {
    let site = fresh();
    let said = site.setup(&[&"--dry-run"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for words in [
        "do     make a key in /var/lib/baton/keys\n         baton keys new\n",
        "do     build and sign the gate /var/lib/baton/gate.efi (there is none)\n         baton gate build --stub",
        "do     have shim ask for the key at the next boot\n         baton keys enroll\n",
        "do     enable baton-crash.service\n         systemctl enable baton-crash.service\n",
        "then   restart through the firmware (`baton exec --real-reboot`), and confirm the key in MokManager; then run",
        "done   256 MiB are reserved for a crash kernel",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    // Nobody is there to be asked, whether to go on or for a password.
    for (words, says) in [
        (&[&"--random-password" as &dyn AsRef<OsStr>][..], "--yes"),
        (&[&"--yes"], "--random-password"),
        (&[&"--json"], "--yes"),
    ] {
        let said = site.setup(words);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(
            said.err.contains(says) || said.out.contains(says),
            "{says}: {}",
            said.err
        );
    }
    assert!(
        !site.path("var").exists() && !site.path("etc/systemd").exists(),
        "nothing was done"
    );
}

#[test]
fn a_key_that_is_given_signs_the_gate_and_one_that_is_enrolled_needs_no_reboot() {
    let site = fresh();
    let o = owners();
    let json = site.set_up(&[&"--key", &o.rsa.key, &"--cert", &o.rsa.cert]);
    assert_eq!(steps(&json), ["build-gate", "load", "enable", "enable"]);
    assert_eq!(json["complete"], true, "{json}");
    assert!(is_accepted(&site.path(GATE), &o.rsa.cert));
    assert!(!site.path("var/lib/baton/keys").exists());
    // It is in the MOK list, so that the gate sees it there.
    let shown = baton(&[&"inspect", &"--json", &site.path(GATE)]).json();
    assert_eq!(shown["gate"]["certificates"], serde_json::json!([]));
}

#[test]
fn a_key_that_only_the_kernel_knows_goes_into_the_gate() {
    let site = fresh();
    let o = owners();
    let db = "sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f";
    let list = signature_list(&[o.rsa.der()]);
    site.machine.set(db, [&[7, 0, 0, 0][..], &list].concat());
    site.machine.set(
        "sys/firmware/efi/mok-variables/MokListRT",
        signature_list(&[o.p256.der()]),
    );
    site.set_up(&[&"--key", &o.rsa.key, &"--cert", &o.rsa.cert]);
    let shown = baton(&[&"inspect", &"--json", &site.path(GATE)]).json();
    assert_eq!(shown["gate"]["certificates"][0]["subject"], "RSA owner");
}

#[test]
fn a_gate_of_another_release_is_built_anew_by_the_key_that_is_there() {
    let site = fresh();
    site.set_up(&[]);
    site.confirm();
    site.machine.set("sys/kernel/kexec_loaded", "1\n");
    let mut stub = gate_stub(0x10_0000);
    stub[0x2fff] ^= 1;
    site.machine.set("usr/lib/baton/gate.stub", stub);
    let json = site.set_up(&[]);
    assert_eq!(steps(&json), ["build-gate"], "{json}");
    assert!(steps(&site.set_up(&[])).is_empty());
}

#[test]
fn a_gate_that_is_built_anew_accepts_no_more_than_the_one_before() {
    let site = fresh();
    let o = owners();
    let dbx = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dbx-certificate.esl");
    site.set_up(&[&"--policy", &"sealed", &"--trust", &o.p256.cert]);
    site.confirm();
    site.machine.set("sys/kernel/kexec_loaded", "1\n");
    // Somebody added what it refuses.
    let key = site.path("var/lib/baton/keys/mok.key");
    let cert = site.path("var/lib/baton/keys/mok.pem");
    let unsigned = site.path("gate.unsigned");
    let stub = site.path("usr/lib/baton/gate.stub");
    let built = baton(&[
        &"gate",
        &"build",
        &"--stub",
        &stub,
        &"--policy",
        &"sealed",
        &"--cert",
        &o.p256.cert,
        &"--dbx",
        &dbx,
        &"-o",
        &unsigned,
    ]);
    assert_eq!(built.code, 0, "{}", built.err);
    let signed = baton(&[
        &"sign",
        &"--key",
        &key,
        &"--cert",
        &cert,
        &"--force",
        &"-o",
        &site.path(GATE),
        &unsigned,
    ]);
    assert_eq!(signed.code, 0, "{}", signed.err);
    let shown = || baton(&[&"inspect", &"--json", &site.path(GATE)]).json()["gate"].clone();
    let before = shown();
    let mut stub = gate_stub(0x10_0000);
    stub[0x2fff] ^= 1;
    site.machine.set("usr/lib/baton/gate.stub", stub);
    let json = site.set_up(&[]);
    assert_eq!(steps(&json), ["build-gate"], "{json}");
    let after = shown();
    assert_ne!(before["identity"], after["identity"]);
    for part in ["policy", "certificates", "revokes"] {
        assert_eq!(before[part], after[part], "{part}");
    }
    assert_eq!(after["policy"]["preset"], "sealed");
    assert_eq!(after["revokes"]["certificates"], 1, "{after}");
}

#[test]
fn a_gate_that_the_kernel_accepts_is_not_replaced_by_one_that_it_does_not() {
    let site = fresh();
    let o = owners();
    let given: [&dyn AsRef<OsStr>; 4] = [&"--key", &o.rsa.key, &"--cert", &o.rsa.cert];
    site.set_up(&given);
    site.machine.set("sys/kernel/kexec_loaded", "1\n");
    let before = fs::read(site.path(GATE)).unwrap();
    let mut stub = gate_stub(0x10_0000);
    stub[0x2fff] ^= 1;
    site.machine.set("usr/lib/baton/gate.stub", stub);
    let json = site.set_up(&[]);
    assert!(steps(&json).is_empty(), "{json}");
    let said = json["waits"].to_string();
    assert!(said.contains("give the key that the gate"), "{json}");
    assert_eq!(fs::read(site.path(GATE)).unwrap(), before);
    assert_eq!(steps(&site.set_up(&given)), ["build-gate"]);
}

#[test]
fn memory_is_reserved_in_the_boot_loaders_configuration_where_that_is_asked_for() {
    let site = fresh();
    site.machine.set("sys/kernel/kexec_crash_size", "0\n");
    site.machine.set("proc/cmdline", "root=/dev/vda\n");
    site.machine.set("usr/sbin/update-grub", "");
    let o = owners();
    let given: [&dyn AsRef<OsStr>; 4] = [&"--key", &o.rsa.key, &"--cert", &o.rsa.cert];
    let json = site.set_up(&given);
    assert!(!steps(&json).contains(&"reserve"), "{json}");
    assert!(
        json["notes"][0].as_str().unwrap().contains("--crashkernel"),
        "{json}"
    );
    let json = site.set_up(&[&given[..], &[&"--crashkernel=192M", &"--no-load"]].concat());
    assert_eq!(steps(&json), ["reserve"], "{json}");
    let snippet =
        fs::read_to_string(site.path("etc/default/grub.d/baton-crashkernel.cfg")).unwrap();
    assert!(snippet.contains(" crashkernel=192M\""), "{snippet}");
    assert!(site.machine.directory.path().join("updated-grub").exists());
    let json = site.set_up(&[&given[..], &[&"--no-load"]].concat());
    assert!(steps(&json).is_empty(), "{json}");
    assert!(
        json["waits"][0]
            .as_str()
            .unwrap()
            .starts_with("restart through the firmware (`baton exec --real-reboot`)"),
        "{json}"
    );
}

#[test]
fn memory_is_not_said_to_be_reserved_where_the_boot_loader_was_not_told() {
    let site = fresh();
    site.machine.set("sys/kernel/kexec_crash_size", "0\n");
    site.machine.set("proc/cmdline", "root=/dev/vda\n");
    site.machine.set("usr/sbin/update-grub", "");
    let update_grub = site.programs.join("update-grub");
    let works = fs::read_to_string(&update_grub).unwrap();
    fs::write(&update_grub, "#!/bin/sh\nexit 7\n").unwrap();
    let wanted: [&dyn AsRef<OsStr>; 4] = [&"--crashkernel", &"192M", &"--no-load", &"--no-units"];
    let o = owners();
    let given: [&dyn AsRef<OsStr>; 4] = [&"--key", &o.rsa.key, &"--cert", &o.rsa.cert];
    let said = site.setup(&[&given[..], &wanted[..], &[&"--yes"]].concat());
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("update-grub: "), "{}", said.err);
    assert!(said.err.contains("is as it was"), "{}", said.err);
    let snippet = site.path("etc/default/grub.d/baton-crashkernel.cfg");
    assert!(!snippet.exists());
    // Nor where it stopped half-way, or somebody wrote the file alone: GRUB goes by its menu.
    fs::write(&update_grub, works).unwrap();
    site.machine.set(
        "etc/default/grub.d/baton-crashkernel.cfg",
        "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=192M\"\n",
    );
    site.machine
        .set("boot/grub/grub.cfg", "linux /vmlinuz root=/dev/vda\n");
    let all = [&given[..], &wanted[..]].concat();
    assert_eq!(steps(&site.set_up(&all)), ["reserve"]);
    let menu = "linux /vmlinuz root=/dev/vda crashkernel=192M\n";
    site.machine.set("boot/grub/grub.cfg", menu);
    let json = site.set_up(&all);
    assert!(steps(&json).is_empty(), "{json}");
    let wait = json["waits"][0].as_str().unwrap();
    assert!(
        wait.starts_with("restart through the firmware (`baton exec --real-reboot`)"),
        "{json}"
    );
}

#[test]
fn a_password_is_read_once_also_from_a_pipe() {
    let site = fresh();
    let pipe = site.path("password");
    let made = common::tool("mkfifo", &[&pipe]);
    assert_eq!(made.code, 0, "{}", made.err);
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::write(pipe, "secret\n").unwrap())
    };
    let said = site.setup(&[&"--yes", &"--no-units", &"--password-file", &pipe]);
    assert_eq!(said.code, 0, "{}", said.err);
    writer.join().unwrap();
    let log = fs::read_to_string(site.machine.directory.path().join("log")).unwrap();
    assert!(log.contains("secret secret"), "{log}");
}

#[test]
fn a_key_that_is_not_whole_is_named_before_anything_is_done() {
    let site = fresh();
    site.machine.set("var/lib/baton/keys/mok.key", "a key");
    let json = site.set_up(&[&"--no-units"]);
    assert!(steps(&json).is_empty(), "{json}");
    let wait = json["waits"][0].as_str().unwrap();
    assert!(wait.contains("keys/mok.key"), "{json}");
    fs::remove_file(site.path("var/lib/baton/keys/mok.key")).unwrap();
    let json = site.set_up(&[&"--no-units"]);
    assert_eq!(steps(&json), ["make-key", "build-gate", "enroll"]);
}

/// What the plan shows is typed, as far as it goes on a machine that is only described, and does what the step does.
#[test]
fn what_the_plan_shows_can_be_typed() {
    let site = fresh();
    let o = owners();
    let trusted = site.path("my certificate.pem");
    fs::copy(&o.p256.cert, &trusted).unwrap();
    let plan = |words: &[&dyn AsRef<OsStr>]| {
        let json: &[&dyn AsRef<OsStr>] = &[&"--dry-run", &"--json"];
        let said = site.setup(&[json, words].concat());
        assert_eq!(said.code, 0, "{}", said.err);
        said.json()
    };
    let json = plan(&[&"--algorithm", &"p384", &"--random-password"]);
    assert_eq!(
        json["steps"][0]["command"],
        "baton keys new --algorithm p384"
    );
    let enroll = "baton keys enroll --random-password";
    assert_eq!(json["steps"][2]["command"], enroll);

    let given: [&dyn AsRef<OsStr>; 4] = [&"--key", &o.p384.key, &"--cert", &o.p384.cert];
    let policy: [&dyn AsRef<OsStr>; 4] = [&"--policy", &"sealed", &"--trust", &trusted];
    let json = plan(&[&given[..], &policy[..]].concat());
    let command = json["steps"][0]["command"].as_str().unwrap();
    let enroll = format!("baton keys enroll {}", o.p384.cert.display());
    assert_eq!(json["steps"][1]["command"], enroll);
    let gate = site.path(GATE);
    fs::create_dir_all(gate.parent().unwrap()).unwrap();
    let typed = command
        .replace(
            "/usr/lib/baton/gate.stub",
            &site.path("usr/lib/baton/gate.stub").to_string_lossy(),
        )
        .replace("/var/lib/baton/gate.efi", &gate.to_string_lossy())
        .replace("baton ", &format!("{} ", env!("CARGO_BIN_EXE_baton")));
    let said = std::process::Command::new("sh")
        .current_dir(site.machine.directory.path())
        .args(["-c", &typed])
        .output()
        .unwrap();
    assert!(said.status.success(), "{typed}: {said:?}");
    let by_hand = fs::read(&gate).unwrap();
    fs::remove_file(&gate).unwrap();
    site.set_up(&[&given[..], &policy[..], &[&"--no-units"]].concat());
    assert!(fs::read(&gate).unwrap() == by_hand, "the same gate");

    // Only setup knows what the gate before had.
    let json = plan(&[&given[..], &[&"--rebuild"]].concat());
    let command = json["steps"][0]["command"].as_str().unwrap();
    let rebuild = "baton setup --rebuild --no-load --no-units --key ";
    assert!(command.starts_with(rebuild), "{json}");
}

#[test]
fn without_enforcement_no_key_and_no_gate_are_made_and_it_is_said_why() {
    let site = fresh();
    site.machine.set(
        "sys/kernel/security/lockdown",
        "[none] integrity confidentiality\n",
    );
    let json = site.set_up(&[&"--no-units"]);
    assert_eq!(steps(&json), ["load"], "{json}");
    assert!(
        json["notes"][0]
            .as_str()
            .unwrap()
            .contains("require-secure-boot = false"),
        "{json}"
    );
    assert!(!site.path("var").exists());
}

#[test]
fn a_step_that_fails_is_told_and_the_next_run_goes_on_there() {
    let site = fresh();
    fs::remove_file(site.programs.join("systemctl")).unwrap();
    std::os::unix::fs::symlink("/bin/false", site.programs.join("systemctl")).unwrap();
    let said = site.setup(&[&"--yes", &"--random-password"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err
            .contains("systemctl enable baton-boot-count.service"),
        "{}",
        said.err
    );
    systemctl_again(&site);
    assert_eq!(steps(&site.set_up(&[])), ["enable", "enable"]);
}

fn systemctl_again(site: &Site) {
    fs::remove_file(site.programs.join("systemctl")).unwrap();
    systemctl(&site.machine, &site.programs);
}

/// What is wrong, the words of the command, its exit code, and what it says.
type Row<'a> = (&'static str, Vec<&'a dyn AsRef<OsStr>>, i32, &'static str);

#[test]
fn wrong_use_gets_one_line_that_says_what_to_do() {
    let site = fresh();
    let o = owners();
    let none = site.path("no-such-file");
    let rows: Vec<Row<'_>> = vec![
        (
            "a size that is none",
            vec![&"--crashkernel=much", &"--dry-run"],
            2,
            "isn't a size",
        ),
        (
            "a size with more in it",
            vec![&"--crashkernel=1G quiet", &"--dry-run"],
            2,
            "isn't a size",
        ),
        ("a key alone", vec![&"--key", &o.rsa.key], 2, "--cert"),
        (
            "a certificate alone",
            vec![&"--cert", &o.rsa.cert],
            2,
            "--key",
        ),
        (
            "two answers",
            vec![&"--yes", &"--dry-run"],
            2,
            "cannot be used with",
        ),
        (
            "a certificate that isn't there",
            vec![&"--key", &o.rsa.key, &"--cert", &none],
            1,
            "No such file",
        ),
        (
            "another key's certificate",
            vec![&"--key", &o.p256.key, &"--cert", &o.rsa.cert, &"--yes"],
            2,
            "isn't the certificate's",
        ),
        (
            "a policy that is none",
            vec![&"--policy", &none, &"--yes", &"--random-password"],
            1,
            "No such file",
        ),
    ];
    for (what, words, code, says) in rows {
        let said = site.setup(&words);
        assert_eq!(said.code, code, "{what}: {}{}", said.out, said.err);
        assert!(said.err.contains(says), "{what}: {}", said.err);
    }
    assert!(!site.path(GATE).exists());
}
