//! Machines that are described in a directory, on which `baton load` is asked what it would do.

use super::fake::under_secure_boot;
use super::{
    Owner, Said, WriteFile, baton, gate_stub, kernel_image, owners, sign, signature_list, temp_dir,
};
use baton_verify::Certificate;
use std::path::PathBuf;
use tempfile::TempDir;

/// A machine below a directory, and the files of a load.
pub struct Machine {
    pub directory: TempDir,
    pub kernel: PathBuf,
    pub gate: PathBuf,
}

impl Machine {
    /// Locked down, with memory for a crash kernel, without keys and without a gate.
    pub fn locked_down() -> Machine {
        let directory = temp_dir();
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
            directory.write(&format!("root/{file}"), text);
        }
        directory.write("root/sys/firmware/efi/runtime-map/0/type", "0x5\n");
        directory.write("root/sys/kernel/boot_params/data", under_secure_boot());
        Machine {
            kernel: directory.write("vmlinuz", kernel_image(0x8000)),
            gate: directory.path().join("gate.efi"),
            directory,
        }
    }

    pub fn not_locked_down() -> Machine {
        let machine = Machine::locked_down();
        machine.set(
            "sys/kernel/security/lockdown",
            "[none] integrity confidentiality\n",
        );
        machine
    }

    pub fn set(&self, file: &str, text: impl AsRef<[u8]>) {
        self.directory.write(&format!("root/{file}"), text);
    }

    /// Enrols a key with shim: it is in shim's list and in the kernel's `.machine`.
    pub fn with_mok(self, owner: &Owner) -> Machine {
        self.set(
            "sys/firmware/efi/mok-variables/MokListRT",
            signature_list(&[owner.der()]),
        );
        self.set("sys/firmware/efi/runtime-map/0/type", "0x5\n");
        self.with_keyring_entry(owner)
    }

    /// The key is in the kernel's keyring, and its certificate can't be read anywhere.
    pub fn with_keyring_entry(self, owner: &Owner) -> Machine {
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

    pub fn with_kernel_signed_by(self, owner: &Owner) -> Machine {
        sign(&self.kernel, owner);
        self
    }

    /// A gate that trusts `keys`, signed by `signer`.
    pub fn with_gate(self, keys: &Owner, signer: &Owner) -> Machine {
        self.with_gate_of(keys, signer, &[])
    }

    /// The same, built with more.
    pub fn with_gate_of(
        self,
        keys: &Owner,
        signer: &Owner,
        more: &[&dyn AsRef<std::ffi::OsStr>],
    ) -> Machine {
        let stub = self.directory.write("stub", gate_stub(0x10_0000));
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

    /// As efi=noruntime does.
    pub fn turn_runtime_services_off(&self) {
        let map = "root/sys/firmware/efi/runtime-map";
        std::fs::remove_dir_all(self.directory.path().join(map)).unwrap();
    }

    pub fn load(&self, more: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
        self.dry_run(&[&"load"], more)
    }

    pub fn crash_load(&self, more: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
        self.dry_run(&[&"crash", &"load"], more)
    }

    fn dry_run(
        &self,
        command: &[&dyn AsRef<std::ffi::OsStr>],
        more: &[&dyn AsRef<std::ffi::OsStr>],
    ) -> Said {
        let root = self.directory.path().join("root");
        let mut args = command.to_vec();
        args.extend::<[&dyn AsRef<std::ffi::OsStr>; 7]>([
            &self.kernel,
            &"--dry-run",
            &"--root",
            &root,
            &"--json",
            &"--gate",
            &self.gate,
        ]);
        args.extend(more);
        baton(&args)
    }
}

pub fn via(said: &Said) -> String {
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said.json()["via"].as_str().unwrap().to_owned()
}

pub fn reason(said: &Said) -> (i32, String) {
    let json = said.json();
    (
        said.code,
        json["error"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

pub fn message(said: &Said) -> String {
    said.json()["error"]["message"].as_str().unwrap().to_owned()
}

/// A machine that has enrolled one key and would start a gate that it signed.
pub fn with_gate() -> Machine {
    let o = owners();
    Machine::locked_down()
        .with_mok(&o.rsa)
        .with_kernel_signed_by(&o.p256)
        .with_gate(&o.p256, &o.rsa)
}
