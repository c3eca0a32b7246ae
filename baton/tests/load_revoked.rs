//! What `baton load` refuses since it is revoked, and lists that can't be read or aren't passed on.

mod common;

use baton_verify::HashAlgorithm;
use common::WriteFile;
use common::fake::under_secure_boot;
use common::loading::{Machine, message, reason, via, with_gate};
use common::{owners, signature_list};
use std::path::Path;

const SBAT_LEVEL: &str = "sys/firmware/efi/mok-variables/SbatLevelRT";
const DBX: &str = "sys/firmware/efi/efivars/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f";

/// As efivarfs shows a variable: its attributes go before it.
fn variable(data: &[u8]) -> Vec<u8> {
    [&[0x27, 0, 0, 0], data].concat()
}

fn digest_list(image: &Path) -> Vec<u8> {
    let image = std::fs::read(image).unwrap();
    let pe = baton_formats::pe::Pe::parse(&image).unwrap();
    let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
    let mut list = baton_formats::siglist::SHA256_GUID.to_vec();
    for field in [28 + 48, 0, 48_u32] {
        list.extend(field.to_le_bytes());
    }
    list.extend([0; 16]);
    list.extend(digest.as_bytes());
    list
}

#[test]
fn a_gate_below_the_machines_level_is_refused() {
    let machine = with_gate();
    machine.set(SBAT_LEVEL, "sbat,1,2025051000\nbaton.gate,1\n");
    assert_eq!(via(&machine.load(&[])), "gate");
    machine.set(SBAT_LEVEL, "sbat,1,2026010100\nbaton.gate,2\n");
    for way in ["auto", "gate"] {
        let said = machine.load(&[&"--via", &way]);
        assert_eq!(reason(&said), (3, "revoked-by-sbat".into()), "{way}");
        let message = message(&said);
        assert!(
            message.contains("gate refused: revoked by SBAT: its component \"baton.gate\" is at generation 1, and SbatLevelRT requires 2"),
            "{message}"
        );
    }
}

#[test]
fn a_gate_whose_digest_is_revoked_is_refused() {
    for (file, wrap) in [
        ("sys/firmware/efi/mok-variables/MokListXRT", false),
        (DBX, true),
    ] {
        let machine = with_gate();
        let list = digest_list(&machine.gate);
        machine.set(file, if wrap { variable(&list) } else { list });
        let said = machine.load(&[&"--via", &"gate"]);
        assert_eq!(reason(&said), (3, "revoked-image".into()), "{file}");
        assert!(message(&said).starts_with("gate refused: "));
    }
}

#[test]
fn a_gate_whose_signer_is_revoked_is_refused() {
    let o = owners();
    for (file, data) in [
        (
            "sys/firmware/efi/mok-variables/MokListXRT",
            signature_list(&[o.rsa.der()]),
        ),
        (DBX, variable(&signature_list(&[o.rsa.der()]))),
    ] {
        let machine = with_gate();
        machine.set(file, data);
        let said = machine.load(&[&"--via", &"gate"]);
        assert_eq!(reason(&said), (3, "revoked-certificate".into()), "{file}");
        assert!(message(&said).starts_with("gate refused: "));
    }
}

/// The running kernel would take it: it looks neither at image digests nor at SBAT.
#[test]
fn a_revoked_kernel_does_not_go_the_kernels_own_way_either() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_gate(&o.p256, &o.rsa);
    // A gate is a kernel with SBAT metadata.
    std::fs::copy(&machine.gate, &machine.kernel).unwrap();
    assert_eq!(via(&machine.load(&[])), "kernel");
    machine.set(SBAT_LEVEL, "sbat,1,2026010100\nbaton.gate,2\n");
    for way in ["auto", "kernel"] {
        let said = machine.load(&[&"--via", &way]);
        assert_eq!(reason(&said), (3, "revoked-by-sbat".into()), "{way}");
    }
    machine.set(SBAT_LEVEL, "sbat,1,2025051000\n");
    machine.set(DBX, variable(&digest_list(&machine.kernel)));
    assert_eq!(reason(&machine.load(&[])), (3, "revoked-image".into()));
}

#[test]
fn what_is_revoked_is_not_loaded_even_where_nobody_insists_on_signatures() {
    let machine = with_gate();
    machine.set(
        "sys/kernel/security/lockdown",
        "[none] integrity confidentiality\n",
    );
    machine.set(SBAT_LEVEL, "sbat,1,2026010100\nbaton.gate,2\n");
    let said = machine.load(&[&"--via", &"gate"]);
    assert_eq!(reason(&said), (3, "revoked-by-sbat".into()));
}

#[test]
fn a_malformed_level_or_dbx_fails_closed_in_its_name() {
    for (file, data, code, name) in [
        (SBAT_LEVEL, &b"garbage"[..], "bad-sbat-level", "SbatLevelRT"),
        (
            DBX,
            &b"\x27\0\0\0garbage"[..],
            "bad-dbx",
            "the firmware's dbx",
        ),
    ] {
        let machine = with_gate();
        machine.set(file, data);
        let said = machine.load(&[&"--via", &"gate"]);
        assert_eq!(reason(&said), (3, code.into()));
        assert!(message(&said).contains(name), "{}", message(&said));
    }
}

#[test]
fn a_list_that_the_kernel_does_not_pass_on_is_not_the_gates() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.rsa)
        .with_gate(&o.p256, &o.rsa);
    assert_eq!(via(&machine.load(&[&"--via", &"gate"])), "gate");
    machine.turn_runtime_services_off();
    let said = machine.load(&[&"--via", &"gate"]);
    // Nor is the state of Secure Boot passed on.
    assert_eq!(reason(&said), (3, "secure-boot-not-on".into()));
    let policy = machine
        .directory
        .write("policy.toml", "require-secure-boot = false");
    let machine = machine.with_gate_of(&o.p256, &o.rsa, &[&"--policy", &policy]);
    let said = machine.load(&[&"--via", &"gate"]);
    assert_eq!(reason(&said), (3, "unknown-signer".into()));
}

#[test]
fn what_the_kernel_was_told_of_secure_boot_is_what_counts() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_kernel_signed_by(&o.p256)
        .with_gate(&o.p256, &o.rsa)
        .with_keyring_entry(&o.rsa);
    assert_eq!(via(&machine.load(&[&"--via", &"gate"])), "gate");
    // shim was told to verify nothing: the firmware's variable says on all the same.
    let on = [6, 0, 0, 0, 1];
    machine.set(
        "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
        on,
    );
    for state in [0, 1, 2, 4] {
        let mut page = under_secure_boot();
        page[0x1ec] = state;
        machine.set("sys/kernel/boot_params/data", page);
        let said = machine.load(&[&"--via", &"gate"]);
        assert_eq!(reason(&said), (3, "secure-boot-not-on".into()), "{state}");
    }
    std::fs::remove_file(
        machine
            .directory
            .path()
            .join("root/sys/kernel/boot_params/data"),
    )
    .unwrap();
    assert_eq!(
        via(&machine.load(&[&"--via", &"gate"])),
        "gate",
        "the variable is all that is shown"
    );
}

#[test]
fn a_damaged_list_of_shim_fails_closed() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.p256)
        .with_gate(&o.p256, &o.rsa);
    machine.set("sys/firmware/efi/mok-variables/MokListXRT", b"garbage");
    assert_eq!(machine.load(&[&"--via", &"gate"]).code, 3);
}
