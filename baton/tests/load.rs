//! What `baton load` would do on described machines, and what it says where it would not.

mod common;

use common::loading::{Machine, message, reason, via, with_gate};
use common::{WriteFile, baton, kernel_image, owners, signature_list, temp_dir};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[test]
fn a_kernel_of_an_enrolled_key_goes_the_kernels_own_way() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.rsa);
    let said = machine.load(&[]);
    assert_eq!(via(&said), "kernel");
    let by = said.json()["vouched_by"].as_str().unwrap().to_owned();
    assert!(by.contains("RSA owner") && by.contains(".machine"), "{by}");
}

#[test]
fn a_key_in_a_keyring_counts_even_if_its_certificate_can_not_be_read() {
    let o = owners();
    let own = Machine::locked_down()
        .with_keyring_entry(&o.rsa)
        .with_kernel_signed_by(&o.rsa);
    assert_eq!(via(&own.load(&[])), "kernel");
    // Signed by a leaf whose issuer is in the keyring, and isn't in the signature.
    let issued = Machine::locked_down()
        .with_keyring_entry(&o.rsa)
        .with_kernel_signed_by(&o.leaf);
    let said = issued.load(&[]);
    assert_eq!(via(&said), "kernel");
    let by = said.json()["vouched_by"].as_str().unwrap().to_owned();
    assert!(
        by.contains("\"Leaf\"") && by.contains("vouched for by \"RSA owner\""),
        "{by}"
    );
}

#[test]
fn an_enrolled_key_that_is_in_no_keyring_is_not_the_kernels() {
    let o = owners();
    let machine = Machine::locked_down().with_kernel_signed_by(&o.rsa);
    machine.set(
        "sys/firmware/efi/mok-variables/MokListRT",
        signature_list(&[o.rsa.der()]),
    );
    assert_eq!(
        reason(&machine.load(&[&"--via", &"kernel"])),
        (3, "unknown-signer".into())
    );
}

#[test]
fn a_kernel_that_only_the_gate_trusts_goes_through_the_gate() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.p256)
        .with_gate(&o.p256, &o.rsa);
    let said = machine.load(&[]);
    assert_eq!(via(&said), "gate");
    let by = said.json()["vouched_by"].as_str().unwrap().to_owned();
    assert!(by.contains("P-256 owner") && by.contains(".keys"), "{by}");
}

#[test]
fn the_gate_looks_at_every_signature_and_the_kernel_at_the_first() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.p256)
        .with_kernel_signed_by(&o.rsa)
        .with_gate(&o.p384, &o.rsa);
    assert_eq!(
        reason(&machine.load(&[&"--via", &"kernel"])),
        (3, "unknown-signer".into())
    );
    assert_eq!(via(&machine.load(&[])), "gate");
}

#[test]
fn an_unsigned_kernel_is_refused_with_the_reason_of_each_way() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_gate(&o.p256, &o.rsa);
    let said = machine.load(&[]);
    assert_eq!(reason(&said), (3, "unsigned".into()));
    let message = message(&said);
    assert!(
        message.starts_with("by direct kexec: kernel refused: no signature"),
        "{message}"
    );
    assert!(
        message.contains("through the gate: kernel refused: no signature"),
        "{message}"
    );
}

#[test]
fn a_uki_is_not_for_the_kernels_own_way() {
    let machine = with_gate();
    let uki = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/uki.efi");
    std::fs::copy(uki, &machine.kernel).unwrap();
    let said = machine.load(&[&"--via", &"kernel"]);
    assert_eq!(reason(&said), (4, "only-for-the-gate".into()));
    assert!(
        message(&said).contains("it is a unified kernel image (UKI)")
            && message(&said).contains("--via gate"),
        "{}",
        message(&said)
    );
}

#[test]
fn of_a_machine_that_is_described_only_what_is_told_counts() {
    let o = owners();
    let machine = with_gate();
    let described = temp_dir();
    let shim = "sys/firmware/efi/mok-variables";
    described.write(&format!("{shim}/MokListRT"), signature_list(&[o.rsa.der()]));
    described.write("sys/firmware/efi/runtime-map/0/type", "0x5\n");
    described.write(
        "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
        [6, 0, 0, 0, 1],
    );
    let root = described.path().join("");
    let load = |more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"load",
            &machine.kernel,
            &"--dry-run",
            &"--json",
            &"--gate",
            &machine.gate,
            &"--root",
            &root,
        ];
        args.extend(more);
        baton(&args)
    };
    assert_eq!(via(&load(&[])), "gate");
    let said = load(&[&"--cmdline", &"lsm=yama", &"--via", &"gate"]);
    assert_eq!(reason(&said), (3, "parameter-denied".into()));
}

#[test]
fn a_machine_whose_state_was_saved_is_judged_by() {
    let o = owners();
    let machine = with_gate();
    let list = signature_list(&[o.rsa.der()]);
    let hex: String = list.iter().map(|byte| format!("{byte:02x}")).collect();
    let shim = "sys/firmware/efi/mok-variables";
    let state = |more: &str| {
        format!(
            "{{\"baton-machine\": 1, \"files\": {{\"{shim}/MokListRT\": {{\"hex\": \"{hex}\"}}, \
             \"sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c\": {{\"hex\": \"0600000001\"}}, \
             \"sys/firmware/efi/runtime-map/\": \"\", \"sys/kernel/kexec_loaded\": \"0\\n\", \
             \"proc/self/status\": \"CapEff:\\t000001ffffffffff\\n\"{more}}}}}"
        )
    };
    let load = |state: String| {
        let file = machine.directory.write("state.json", state);
        baton(&[
            &"load",
            &machine.kernel,
            &"--dry-run",
            &"--json",
            &"--gate",
            &machine.gate,
            &"--saved-state",
            &file,
        ])
    };
    assert_eq!(via(&load(state(""))), "gate");
    let disabled = load(state(", \"proc/sys/kernel/kexec_load_disabled\": \"1\\n\""));
    assert_eq!(reason(&disabled), (6, "load-disabled".into()));
    let said = load("nothing".into());
    assert_eq!(said.code, 4);
    assert!(
        message(&said).contains("state.json: not a saved state"),
        "{}",
        message(&said)
    );
}

#[test]
fn what_status_saves_is_what_a_load_is_judged_by() {
    let directory = temp_dir();
    let (kernel, state) = (
        directory.write("vmlinuz", kernel_image(0x8000)),
        directory.path().join("state.json"),
    );
    let saved = baton(&[&"status", &"--save", &state]);
    assert_eq!(saved.code, 0, "{}", saved.err);
    let load = |more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"load",
            &kernel,
            &"--dry-run",
            &"--json",
            &"--via",
            &"kernel",
        ];
        args.extend(more);
        let said = baton(&args);
        (said.code, said.out)
    };
    assert_eq!(load(&[&"--saved-state", &state]).0 == 0, load(&[]).0 == 0);
}

#[test]
fn a_kernel_for_real_time_is_said_to_read_no_mok() {
    let machine = Machine::locked_down().with_kernel_signed_by(&owners().rsa);
    machine.turn_runtime_services_off();
    machine.set("sys/firmware/efi/systab", "");
    let said = machine.load(&[&"--via", &"kernel"]);
    assert_eq!(reason(&said), (3, "unknown-signer".into()));
    assert!(
        message(&said).ends_with("boot it with efi=runtime"),
        "{}",
        message(&said)
    );
}

#[test]
fn an_altered_kernel_is_refused_by_both() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.rsa)
        .with_gate(&o.rsa, &o.rsa);
    let mut bytes = std::fs::read(&machine.kernel).unwrap();
    bytes[0x5000] ^= 0x10;
    std::fs::write(&machine.kernel, bytes).unwrap();
    for way in ["auto", "kernel", "gate"] {
        assert_eq!(
            reason(&machine.load(&[&"--via", &way])),
            (3, "digest-mismatch".into()),
            "{way}"
        );
    }
}

#[test]
fn a_gate_of_an_untrusted_signer_is_refused_before_the_kernel_does() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.p256)
        .with_gate(&o.p256, &o.p384);
    let said = machine.load(&[&"--via", &"gate"]);
    assert_eq!(reason(&said), (3, "unknown-signer".into()));
    let message = message(&said);
    assert!(
        message.starts_with("gate refused: signed by \"P-384 owner\""),
        "{message}"
    );
    assert!(message.contains(".machine: \"RSA owner\""), "{message}");
}

#[test]
fn a_revoked_signer_is_refused_through_the_gate() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.p256)
        .with_gate(&o.p256, &o.rsa);
    machine.set(
        "sys/firmware/efi/mok-variables/MokListXRT",
        signature_list(&[o.p256.der()]),
    );
    assert_eq!(
        reason(&machine.load(&[&"--via", &"gate"])),
        (3, "revoked-certificate".into())
    );
}

#[test]
fn a_machine_without_a_gate_says_where_it_was_looked_for() {
    let machine = Machine::locked_down();
    let said = machine.load(&[&"--via", &"gate"]);
    assert_eq!(reason(&said), (1, "no-gate".into()));
    assert!(message(&said).contains("gate.efi"));
    assert_eq!(
        reason(&machine.load(&[])),
        (3, "unsigned".into()),
        "the kernel's own reason decides"
    );
}

#[test]
fn a_machine_that_does_not_insist_loads_the_unsigned_and_says_so() {
    let said = Machine::not_locked_down().load(&[]);
    assert_eq!(via(&said), "kernel");
    assert_eq!(said.json()["vouched_by"], serde_json::Value::Null);
    let note = said.json()["notes"][0].as_str().unwrap().to_owned();
    assert!(note.contains("doesn't enforce signatures"), "{note}");
}

#[test]
fn several_initrds_are_records_of_one_handover() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.rsa)
        .with_gate(&o.rsa, &o.rsa);
    let one = machine.directory.write("one", vec![1; 5000]);
    let two = machine.directory.write("two", b"2");
    let said = machine.load(&[&"--via", &"gate", &"--initrd", &one, &"--initrd", &two]);
    assert_eq!(via(&said), "gate");
    let kernel = std::fs::metadata(&machine.kernel).unwrap().len();
    let expected = 4096 + kernel.next_multiple_of(4096) + 8192 + 4096;
    assert_eq!(said.json()["handover_len"], expected);
    assert_eq!(said.json()["initrds"].as_array().unwrap().len(), 2);
}

#[test]
fn a_handover_that_is_saved_is_for_its_owner_alone() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.rsa)
        .with_gate(&o.rsa, &o.rsa);
    let new = machine.directory.path().join("new.handover");
    let old = machine.directory.write("old.handover", b"readable for all");
    for path in [new, old] {
        let args: [&dyn AsRef<std::ffi::OsStr>; 5] =
            [&"--via", &"gate", &"--force", &"--save-handover", &path];
        let said = machine.load(&args);
        assert_eq!(via(&said), "gate");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_handover_that_was_saved_is_judged_again_when_it_is_loaded() {
    let o = owners();
    let mut machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.rsa)
        .with_gate(&o.rsa, &o.rsa);
    let initrd = machine.directory.write("initrd", b"initrd");
    let saved = machine.directory.path().join("saved.handover");
    let said = machine.load(&[
        &"--via",
        &"gate",
        &"--initrd",
        &initrd,
        &"--save-handover",
        &saved,
    ]);
    assert_eq!(via(&said), "gate");

    machine.kernel = saved.clone();
    assert_eq!(via(&machine.load(&[])), "gate");
    assert_eq!(machine.load(&[&"--initrd", &initrd]).code, 2);
    assert_eq!(
        reason(&machine.load(&[&"--via", &"kernel"])),
        (4, "only-for-the-gate".into())
    );
    assert_eq!(
        reason(&machine.crash_load(&[])),
        (4, "not-for-crash".into())
    );

    let mut bytes = std::fs::read(&saved).unwrap();
    // The second record's kind.
    bytes[0x20 + 0x40] = 99;
    std::fs::write(&saved, &bytes).unwrap();
    let said = machine.load(&[&"--via", &"gate"]);
    assert_eq!(reason(&said), (4, "handover-unknown-kind".into()));
    assert!(message(&said).contains("kind 99"), "{}", message(&said));

    bytes.truncate(bytes.len() - 4096);
    std::fs::write(&saved, &bytes).unwrap();
    assert_eq!(
        reason(&machine.load(&[&"--via", &"gate"])),
        (4, "handover-truncated".into())
    );
}

#[test]
fn the_running_command_line_is_reused() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.rsa);
    let normal = machine.load(&[&"--reuse-cmdline"]);
    assert_eq!(
        normal.json()["cmdline"],
        "root=/dev/vda ro crashkernel=256M"
    );
    let crash = machine.crash_load(&[&"--reuse-cmdline"]);
    assert_eq!(crash.json()["cmdline"], "root=/dev/vda ro");
    assert_eq!(crash.json()["crash"], true);
}

#[test]
fn a_command_line_that_is_too_long_is_refused_by_each_way() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.rsa)
        .with_gate(&o.rsa, &o.rsa);
    let long = "x".repeat(2047);
    for way in ["auto", "kernel", "gate"] {
        let said = machine.load(&[&"--via", &way, &"--cmdline", &long]);
        assert_eq!(reason(&said), (4, "command-line-too-long".into()), "{way}");
    }
}

#[test]
fn each_obstacle_of_the_machine_ends_with_its_code() {
    let machine = Machine::locked_down();
    for (file, text, code, word) in [
        (
            "proc/self/status",
            "CapEff:\t0000000000000000\n",
            6,
            "no-capability",
        ),
        (
            "proc/sys/kernel/kexec_load_disabled",
            "1\n",
            6,
            "load-disabled",
        ),
        (
            "proc/sys/kernel/kexec_load_limit_panic",
            "0\n",
            6,
            "load-limit",
        ),
        ("sys/kernel/kexec_crash_size", "0\n", 7, "no-crash-region"),
    ] {
        let before = std::fs::read(machine.directory.path().join(format!("root/{file}"))).ok();
        machine.set(file, text);
        assert_eq!(reason(&machine.crash_load(&[])), (code, word.into()));
        match before {
            Some(bytes) => machine.set(file, bytes),
            None => {
                std::fs::remove_file(machine.directory.path().join(format!("root/{file}"))).unwrap()
            }
        }
    }
    std::fs::remove_file(
        machine
            .directory
            .path()
            .join("root/sys/kernel/kexec_loaded"),
    )
    .unwrap();
    assert_eq!(reason(&machine.load(&[])), (9, "no-kexec".into()));
}

#[test]
fn without_preflight_nothing_is_judged_and_a_way_must_be_named() {
    let machine = Machine::locked_down();
    assert_eq!(
        reason(&machine.load(&[&"--no-preflight"])),
        (2, "usage".into())
    );
    let said = machine.load(&[&"--no-preflight", &"--via", &"kernel"]);
    assert_eq!(via(&said), "kernel");
    assert_eq!(said.json()["loaded"], false);
}

#[test]
fn help_lists_the_exit_codes() {
    for args in [
        &["--help"][..],
        &["load", "--help"],
        &["crash", "load", "--help"],
    ] {
        let args: Vec<&dyn AsRef<std::ffi::OsStr>> = args.iter().map(|a| a as _).collect();
        let said = baton(&args);
        assert_eq!(said.code, 0);
        for code in 0..=10 {
            assert!(
                said.out.contains(&format!("\n  {code:<2} ")),
                "{}",
                said.out
            );
        }
    }
}
