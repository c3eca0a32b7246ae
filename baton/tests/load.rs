//! What `baton load` would do on described machines, and what it says where it would not.

mod common;

use baton_verify::{Certificate, HashAlgorithm};
use common::fake::under_secure_boot;
use common::{
    Folder, Owner, Said, baton, gate_stub, kernel_image, owners, put, sign, signature_list,
};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A machine below a folder, and the files of a load.
struct Machine {
    folder: Folder,
    kernel: PathBuf,
    gate: PathBuf,
}

impl Machine {
    /// Locked down, with memory for a crash kernel, without keys and without a gate.
    fn locked_down() -> Machine {
        let folder = Folder::new();
        for (file, text) in [
            ("proc/self/status", "CapEff:\t000001ffffffffff\n"),
            ("proc/meminfo", "MemTotal: 2097152 kB\n"),
            ("proc/cpuinfo", "flags\t: fpu\n"),
            (
                "proc/cmdline",
                "BOOT_IMAGE=/vmlinuz root=/dev/vda ro crashkernel=256M\n",
            ),
            ("sys/kernel/kexec_loaded", "0\n"),
            ("sys/kernel/kexec_crash_loaded", "0\n"),
            ("sys/kernel/kexec_crash_size", "268435456\n"),
            (
                "sys/kernel/security/lockdown",
                "none [integrity] confidentiality\n",
            ),
            (
                "proc/keys",
                "00000010 I--- 1 perm 1f0b0000 0 0 keyring .machine: 1\n",
            ),
            ("keyctl/00000010", ""),
        ] {
            folder.write(&format!("root/{file}"), text);
        }
        folder.write("root/sys/firmware/efi/runtime-map/0/type", "0x5\n");
        folder.write("root/sys/kernel/boot_params/data", under_secure_boot());
        Machine {
            kernel: folder.write("vmlinuz", kernel_image(0x8000)),
            gate: folder.path("gate.efi"),
            folder,
        }
    }

    fn not_locked_down() -> Machine {
        let machine = Machine::locked_down();
        machine.set(
            "sys/kernel/security/lockdown",
            "[none] integrity confidentiality\n",
        );
        machine
    }

    fn set(&self, file: &str, text: impl AsRef<[u8]>) {
        self.folder.write(&format!("root/{file}"), text);
    }

    /// Enrols a key with shim: it is in shim's list and in the kernel's `.machine`.
    fn with_mok(self, owner: &Owner) -> Machine {
        self.set(
            "sys/firmware/efi/mok-variables/MokListRT",
            signature_list(&[owner.der()]),
        );
        self.set("sys/firmware/efi/runtime-map/0/type", "0x5\n");
        self.with_keyring_entry(owner)
    }

    /// The key is in the kernel's keyring, and its certificate can't be read anywhere.
    fn with_keyring_entry(self, owner: &Owner) -> Machine {
        let der = owner.der();
        let id = Certificate::parse(&der).unwrap().key_id().to_string();
        let line = format!(
            "00000011 I--- 1 perm 1f030000 0 0 asymmetri {}: {id}: X509.rsa 00 []\n",
            owner.name
        );
        self.set(
            "proc/keys",
            format!("00000010 I--- 1 perm 1f0b0000 0 0 keyring .machine: 1\n{line}"),
        );
        self.set("keyctl/00000010", "11\n");
        self
    }

    fn with_kernel_signed_by(self, owner: &Owner) -> Machine {
        sign(&self.kernel, owner);
        self
    }

    /// A gate that trusts `keys`, signed by `signer`.
    fn with_gate(self, keys: &Owner, signer: &Owner) -> Machine {
        self.with_gate_of(keys, signer, &[])
    }

    /// The same, built with more.
    fn with_gate_of(
        self,
        keys: &Owner,
        signer: &Owner,
        more: &[&dyn AsRef<std::ffi::OsStr>],
    ) -> Machine {
        let stub = self.folder.write("stub", gate_stub(0x10_0000));
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"gate", &"build", &"--force", &"--stub", &stub, &"--cert", &keys.cert, &"--out",
            &self.gate,
        ];
        args.extend(more);
        let said = baton(&args);
        assert_eq!(said.code, 0, "{}", said.err);
        sign(&self.gate, signer);
        self
    }

    fn load(&self, more: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
        let root = self.folder.path("root");
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"load",
            &self.kernel,
            &"--dry-run",
            &"--root",
            &root,
            &"--json",
            &"--gate",
            &self.gate,
        ];
        args.extend(more);
        baton(&args)
    }

    fn crash_load(&self, more: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
        let root = self.folder.path("root");
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
            &"crash",
            &"load",
            &self.kernel,
            &"--dry-run",
            &"--root",
            &root,
            &"--json",
            &"--gate",
            &self.gate,
        ];
        args.extend(more);
        baton(&args)
    }
}

fn via(said: &Said) -> String {
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said.json()["via"].as_str().unwrap().to_owned()
}

fn reason(said: &Said) -> (i32, String) {
    let json = said.json();
    (
        said.code,
        json["error"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

fn message(said: &Said) -> String {
    said.json()["error"]["message"].as_str().unwrap().to_owned()
}

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
        message.starts_with("by the kernel: kernel refused: no signature"),
        "{message}"
    );
    assert!(
        message.contains("through the gate: kernel refused: no signature"),
        "{message}"
    );
}

/// A file of zeros that takes no room on the disk.
fn sparse(folder: &Folder, name: &str, len: u64) -> PathBuf {
    let path = folder.write(name, b"");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(len).unwrap();
    path
}

#[test]
fn files_that_no_kernel_reads_are_refused_before_anything_else() {
    let folder = Folder::new();
    let kernel = folder.write("vmlinuz", kernel_image(0x8000));
    let five = sparse(&folder, "i", 5 << 30);
    let three = sparse(&folder, "j", 3 << 30);
    let words = "no room: the kernel reads at most 4 GiB (2 GiB on older ones)";
    // Wherever this runs, on a machine with kexec or not.
    let said = baton(&[&"load", &kernel, &"--initrd", &five, &"--dry-run"]);
    assert_eq!(said.code, 7, "{}", said.err);
    assert!(said.err.contains(words), "{}", said.err);
    let said = baton(&[
        &"load",
        &kernel,
        &"--initrd",
        &three,
        &"--initrd",
        &three,
        &"--dry-run",
    ]);
    assert_eq!(said.code, 7, "{}", said.err);
    let said = baton(&[&"load", &five, &"--dry-run"]);
    assert_eq!(said.code, 7, "{}", said.err);
    assert!(said.err.contains(words), "{}", said.err);
}

#[test]
fn what_is_larger_than_memory_is_not_copied_to_find_that_out() {
    let machine = with_gate();
    let initrd = sparse(&machine.folder, "i", 3 << 30);
    machine.set(
        "proc/meminfo",
        "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n",
    );
    let said = machine.load(&[&"--initrd", &initrd]);
    assert_eq!(reason(&said), (7, "no-room".into()), "{}", said.out);
    assert!(
        message(&said).contains("9217 MiB are needed"),
        "{}",
        said.out
    );
    machine.set("proc/sys/kernel/osrelease", "5.10.0-32-amd64\n");
    let said = machine.load(&[&"--initrd", &initrd]);
    assert_eq!(reason(&said), (7, "file-too-large".into()));
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
    let described = Folder::new();
    let shim = "sys/firmware/efi/mok-variables";
    described.write(&format!("{shim}/MokListRT"), signature_list(&[o.rsa.der()]));
    described.write("sys/firmware/efi/runtime-map/0/type", "0x5\n");
    described.write(
        "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
        [6, 0, 0, 0, 1],
    );
    let root = described.path("");
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
        let file = machine.folder.write("state.json", state);
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
    let folder = Folder::new();
    let (kernel, state) = (
        folder.write("vmlinuz", kernel_image(0x8000)),
        folder.path("state.json"),
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
    std::fs::remove_dir_all(machine.folder.path("root/sys/firmware/efi/runtime-map")).unwrap();
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
fn what_is_no_kernel_is_named_and_no_way_is_tried() {
    let machine = with_gate();
    for (file, words) in [
        (
            &b"07070100000000"[..],
            "an initrd (cpio archive), and not a kernel",
        ),
        (b"\x1f\x8b\x08\0\0", "compressed data (gzip)"),
        (b"baton-manifest 1\n", "a manifest, and not a kernel"),
    ] {
        std::fs::write(&machine.kernel, file).unwrap();
        let said = machine.load(&[]);
        assert_eq!(reason(&said), (4, "not-a-kernel".into()), "{words}");
        let message = message(&said);
        assert!(
            message.starts_with("kernel refused: ") && message.contains(words),
            "{message}"
        );
    }
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

/// A machine that has enrolled one key and would start a gate that it signed.
fn with_gate() -> Machine {
    let o = owners();
    Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.p256)
        .with_gate(&o.p256, &o.rsa)
}

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
            message.contains("gate refused: revoked by SBAT: its component \"baton.gate\" is of generation 1, and SbatLevelRT asks for 2"),
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
    std::fs::remove_dir_all(machine.folder.path("root/sys/firmware/efi/runtime-map")).unwrap();
    let said = machine.load(&[&"--via", &"gate"]);
    // Nor is the state of Secure Boot passed on.
    assert_eq!(reason(&said), (3, "secure-boot-not-on".into()));
    let policy = machine
        .folder
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
    std::fs::remove_file(machine.folder.path("root/sys/kernel/boot_params/data")).unwrap();
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
fn something_else_in_the_gates_place_is_no_gate() {
    let machine = Machine::locked_down();
    std::fs::copy(&machine.kernel, &machine.gate).unwrap();
    assert_eq!(
        reason(&machine.load(&[&"--via", &"gate"])),
        (4, "bad-gate".into())
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
fn what_is_no_bzimage_is_malformed() {
    let machine = Machine::locked_down();
    let mut bytes = kernel_image(0x8000);
    put(&mut bytes, 0x202, b"SrdH");
    std::fs::write(&machine.kernel, bytes).unwrap();
    assert_eq!(machine.load(&[&"--via", &"kernel"]).code, 4);
}

#[test]
fn several_initrds_are_records_of_one_handover() {
    let o = owners();
    let machine = Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.rsa)
        .with_gate(&o.rsa, &o.rsa);
    let one = machine.folder.write("one", vec![1; 5000]);
    let two = machine.folder.write("two", b"2");
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
    let new = machine.folder.path("new.handover");
    let old = machine.folder.write("old.handover", b"readable for all");
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
    let initrd = machine.folder.write("initrd", b"initrd");
    let saved = machine.folder.path("saved.handover");
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
        let before = std::fs::read(machine.folder.path(&format!("root/{file}"))).ok();
        machine.set(file, text);
        assert_eq!(reason(&machine.crash_load(&[])), (code, word.into()));
        match before {
            Some(bytes) => machine.set(file, bytes),
            None => std::fs::remove_file(machine.folder.path(&format!("root/{file}"))).unwrap(),
        }
    }
    std::fs::remove_file(machine.folder.path("root/sys/kernel/kexec_loaded")).unwrap();
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
fn missing_files_and_wrong_usage_have_their_codes() {
    let machine = Machine::locked_down();
    let missing = machine.folder.path("missing");
    let said = baton(&[&"load", &missing]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("missing"), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1);
    assert_eq!(machine.load(&[&"--initrd", &missing]).code, 1);
    let empty = machine.folder.write("empty", "");
    assert!(message(&machine.load(&[&"--initrd", &empty])).contains("empty"));
    assert_eq!(baton(&[&"load"]).code, 2);
    assert_eq!(baton(&[&"--nonsense"]).code, 2);
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
