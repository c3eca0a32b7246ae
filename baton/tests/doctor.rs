//! `baton doctor` on machines that are described in a directory: what is in the way, and what mends it.

mod common;

use common::loading::Machine;
use common::{Said, WriteFile, baton, gate_stub, kernel_image, owners, sign, signature_list};
use std::path::PathBuf;

const RELEASE: &str = "6.1.0-test";

fn root(machine: &Machine) -> PathBuf {
    machine.directory.path().join("root")
}

/// Locked down, with a MOK that signed the gate and the kernel; systemd runs it, and both units are enabled.
fn ready() -> Machine {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_gate(&o.p256, &o.rsa);
    let kernel = machine.directory.write(
        &format!("root/boot/vmlinuz-{RELEASE}"),
        kernel_image(0x8000),
    );
    sign(&kernel, &o.rsa);
    machine.set("proc/sys/kernel/osrelease", format!("{RELEASE}\n"));
    machine.set("proc/self/mountinfo", "");
    machine.set("run/systemd/system/x", "");
    for unit in ["baton-load.service", "baton-crash.service"] {
        machine.set(&format!("usr/lib/systemd/system/{unit}"), "");
        machine.set(
            &format!("etc/systemd/system/multi-user.target.wants/{unit}"),
            "",
        );
    }
    machine
}

fn doctor(machine: &Machine, words: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
    let root = root(machine);
    let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"doctor"];
    args.extend(words);
    args.extend::<[&dyn AsRef<std::ffi::OsStr>; 4]>([&"--root", &root, &"--gate", &machine.gate]);
    baton(&args)
}

/// The finding with this code.
fn found(said: &Said, code: &str) -> serde_json::Value {
    let json = said.json();
    let findings = json["findings"].as_array().unwrap().clone();
    let found = findings.iter().find(|it| it["code"] == code);
    found
        .cloned()
        .unwrap_or_else(|| panic!("no {code}: {json}"))
}

#[test]
fn a_machine_that_is_ready_is_told_so_and_by_what() {
    let machine = ready();
    let said = doctor(&machine, &[&"load"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    for words in [
        "is signed by \"RSA owner\"",
        "trusted by .machine",
        "`baton load` would load",
        "baton-load.service is enabled",
        "\nready\n",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let json = doctor(&machine, &[&"load", &"--json"]).json();
    assert_eq!(json["ready"], true);
    for finding in json["findings"].as_array().unwrap() {
        assert_eq!(finding["level"], "ok", "{finding}");
        assert_ne!(finding["area"], "crash");
    }
    // Nothing is loaded for a crash.
    let said = doctor(&machine, &[&"--json"]);
    assert_eq!(said.code, 10, "{}", said.out);
    let capture = found(&said, "capture");
    assert!(
        capture["text"]
            .as_str()
            .unwrap()
            .contains("nothing is loaded"),
        "{capture}"
    );
    assert_eq!(found(&said, "crash-memory")["level"], "ok");
}

/// What is changed of a machine that is ready, what is found then, and what mends it.
type Row = (
    &'static str,
    fn(&Machine),
    &'static str,
    &'static str,
    &'static str,
);

#[test]
fn what_is_in_the_way_is_found_with_what_mends_it() {
    let rows: [Row; 20] = [
        (
            "loading was switched off",
            |m| m.set("proc/sys/kernel/kexec_load_disabled", "1\n"),
            "problem",
            "load-disabled",
            "sysctl.d",
        ),
        (
            "no loads are left",
            |m| m.set("proc/sys/kernel/kexec_load_limit_reboot", "0\n"),
            "problem",
            "load-limit",
            "kexec_load_limit",
        ),
        (
            "nobody has the right to load",
            |m| m.set("proc/self/status", "CapEff:\t0\n"),
            "problem",
            "no-capability",
            "run as root",
        ),
        (
            "a kernel for real time",
            |m| m.turn_runtime_services_off(),
            "problem",
            "no-runtime-services",
            "efi=runtime",
        ),
        (
            "no gate",
            |m| std::fs::remove_file(&m.gate).unwrap(),
            "warning",
            "no-gate",
            "baton setup",
        ),
        (
            "a gate that is none",
            |m| std::fs::write(&m.gate, kernel_image(0x3000)).unwrap(),
            "problem",
            "bad-gate",
            "baton setup",
        ),
        (
            "a gate that nobody signed",
            |m| {
                std::fs::copy(m.directory.path().join("stub"), &m.gate)
                    .map(drop)
                    .unwrap()
            },
            "problem",
            "gate-refused",
            "it signs the gate",
        ),
        (
            "a gate by a key that isn't enrolled",
            |m| rebuild(m, &owners().p384),
            "problem",
            "gate-refused",
            "ask for the key",
        ),
        (
            "a gate by a key whose enrollment waits",
            |m| {
                rebuild(m, &owners().p384);
                let requested =
                    [&[7, 0, 0, 0][..], &signature_list(&[owners().p384.der()])].concat();
                m.set(
                    &format!("sys/firmware/efi/efivars/MokNew-{SHIM}"),
                    requested,
                );
            },
            "problem",
            "gate-refused",
            "(`baton exec --real-reboot`), and confirm the key in MokManager",
        ),
        (
            "a gate that its owner revoked",
            |m| {
                m.set(
                    "sys/firmware/efi/mok-variables/MokListXRT",
                    signature_list(&[owners().rsa.der()]),
                )
            },
            "problem",
            "gate-refused",
            "baton keys list",
        ),
        (
            "a gate below the SBAT level",
            |m| {
                m.set(
                    "sys/firmware/efi/mok-variables/SbatLevelRT",
                    "sbat,1,2026010100\nbaton.gate,2\n",
                )
            },
            "problem",
            "gate-refused",
            "install a newer release",
        ),
        (
            "a gate of another release",
            |m| {
                let mut stub = gate_stub(0x10_0000);
                stub[0x2fff] ^= 1;
                m.set("usr/lib/baton/gate.stub", stub);
            },
            "warning",
            "gate-outdated",
            "baton setup",
        ),
        (
            "MOKs that the kernel left out",
            |m| m.set("keyctl/00000010", ""),
            "problem",
            "empty-machine-keyring",
            "mokutil --trust-mok",
        ),
        (
            "kexec-tools loads at reboot",
            |m| {
                m.set("etc/default/kexec", "LOAD_KEXEC=true\n");
                m.set("etc/init.d/kexec-load", "");
            },
            "warning",
            "kexec-tools",
            "LOAD_KEXEC=false",
        ),
        (
            "kdump-tools loads for crashes",
            |m| {
                m.set(
                    "etc/systemd/system/multi-user.target.wants/kdump-tools.service",
                    "",
                )
            },
            "warning",
            "other-owner",
            "",
        ),
        (
            "a unit that isn't enabled",
            |m| {
                let link = "etc/systemd/system/multi-user.target.wants/baton-crash.service";
                std::fs::remove_file(root(m).join(link)).unwrap();
            },
            "warning",
            "unit-disabled",
            "systemctl enable baton-crash.service",
        ),
        (
            "no memory for a crash kernel",
            |m| {
                m.set("sys/kernel/kexec_crash_size", "0\n");
                m.set("proc/cmdline", "root=/dev/vda\n");
                m.set("usr/sbin/update-grub", "");
            },
            "problem",
            "no-crash-memory",
            "baton setup --crashkernel 256M, and restart through the firmware (`baton exec --real-reboot`)",
        ),
        (
            "memory that would be added to some, of which there is none",
            |m| {
                m.set("sys/kernel/kexec_crash_size", "0\n");
                m.set("proc/cmdline", "crashkernel=128M,cma crashkernel=64M,low\n");
                m.set("usr/sbin/update-grub", "");
            },
            "problem",
            "no-crash-memory",
            "baton setup --crashkernel 256M",
        ),
        (
            "memory that programs may use until a crash, on a kernel that knows none",
            |m| m.set("proc/cmdline", "crashkernel=256M crashkernel=128M,cma\n"),
            "warning",
            "no-lent-crash-memory",
            "dmesg | grep -i crashkernel",
        ),
        (
            "memory for a crash kernel from the next boot on",
            |m| {
                m.set("sys/kernel/kexec_crash_size", "0\n");
                m.set("proc/cmdline", "root=/dev/vda\n");
                m.set(
                    "etc/default/grub.d/x.cfg",
                    "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX crashkernel=1G\"\n",
                );
            },
            "problem",
            "crash-memory-at-next-boot",
            "restart through the firmware (`baton exec --real-reboot`)",
        ),
    ];
    for (what, change, level, code, mend) in rows {
        let machine = ready();
        change(&machine);
        let said = doctor(&machine, &[&"--json"]);
        assert_eq!(said.code, 10, "{what}: {}{}", said.out, said.err);
        let finding = found(&said, code);
        assert_eq!(finding["level"], level, "{what}: {finding}");
        let mended = finding["mend"].as_str().unwrap_or_default();
        assert!(mended.contains(mend), "{what}: {finding}");
        // For people it is the same.
        let said = doctor(&machine, &[]);
        assert!(
            said.out.contains(mended) && said.out.contains("not ready"),
            "{what}: {}",
            said.out
        );
    }
}

const SHIM: &str = "605dab50-e046-4300-abb6-3dd810dd8b23";

/// Another gate in the place of the old one, signed by somebody else.
fn rebuild(machine: &Machine, signer: &common::Owner) {
    let stub = machine.directory.path().join("stub");
    let gate = &machine.gate;
    let said = baton(&[
        &"gate", &"build", &"--force", &"--stub", &stub, &"--out", gate,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    sign(gate, signer);
}

#[test]
fn whether_a_plain_reboot_is_a_kexec_is_left_to_the_owner() {
    let machine = ready();
    let link = "etc/systemd/system/multi-user.target.wants/baton-load.service";
    std::fs::remove_file(root(&machine).join(link)).unwrap();
    let said = doctor(&machine, &[&"load"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(!said.out.contains("baton-load.service"), "{}", said.out);
}

#[test]
fn a_gate_made_of_the_installed_stub_is_not_outdated() {
    let machine = ready();
    machine.set("usr/lib/baton/gate.stub", gate_stub(0x10_0000));
    let json = doctor(&machine, &[&"load", &"--json"]).json();
    let codes: Vec<&str> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert!(!codes.contains(&"gate-outdated"), "{codes:?}");
}

#[test]
fn where_nothing_enforces_signatures_no_gate_is_missed() {
    let machine = ready();
    machine.set(
        "sys/kernel/security/lockdown",
        "[none] integrity confidentiality\n",
    );
    std::fs::remove_file(&machine.gate).unwrap();
    let said = doctor(&machine, &[&"load", &"--json"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert_eq!(found(&said, "no-gate")["level"], "ok");
}

#[test]
fn what_nobody_vouches_for_is_not_ready() {
    let machine = ready();
    machine.set(&format!("boot/vmlinuz-{RELEASE}"), kernel_image(0x8000));
    let said = doctor(&machine, &[&"load", &"--json"]);
    assert_eq!(said.code, 10, "{}", said.out);
    let next = found(&said, "next-kernel");
    assert_eq!(next["level"], "problem");
    assert!(
        next["text"].as_str().unwrap().contains("unsigned"),
        "{next}"
    );
}
