//! The main kernel, signed by the same key however that is held: in a token, in PKCS#12, encrypted, or elsewhere.

use fs_err as fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::signer::Signer;
use crate::exec;
use crate::fetch::packages::MAIN;

/// How the key is held, and the names of the kernels.
pub const WAYS: [&str; 4] = ["token", "pkcs12", "encrypted", "offline"];

/// SoftHSM's module (the package libsofthsm2).
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// It guards nothing.
const PASSPHRASE: &str = "1234";

/// Signs the kernel in each way. Debian's signature goes: the running kernel looks at the first alone.
pub(super) fn add(tree: &Path, work: &Path, signer: &Signer) -> Result<()> {
    let scratch = work.join("held");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(scratch.join("tokens"))?;
    let holder = Holder {
        scratch: &scratch,
        signer,
    };
    holder.passphrase()?;
    let kernels = tree.join("kernels").join(MAIN);
    let kernel = kernels.join("vmlinuz");
    for way in WAYS {
        let out = kernels.join(format!("{way}.efi"));
        match way {
            "token" => holder.by_token(&kernel, &out)?,
            "pkcs12" => holder.by_pkcs12(&kernel, &out)?,
            "encrypted" => holder.by_encrypted_key(&kernel, &out)?,
            _ => holder.elsewhere(&kernel, &out)?,
        }
    }
    Ok(fs::remove_dir_all(scratch)?)
}

struct Holder<'a> {
    scratch: &'a Path,
    signer: &'a Signer<'a>,
}

impl Holder<'_> {
    /// The file with the passphrase, which Baton wants nobody else to read.
    fn passphrase(&self) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.scratch.join("passphrase");
        fs::write(&path, PASSPHRASE)?;
        Ok(fs::set_permissions(
            path,
            std::fs::Permissions::from_mode(0o600),
        )?)
    }

    /// `baton sign`, without Debian's signature.
    fn sign(&self, kernel: &Path, out: &Path) -> Command {
        let mut command = Command::new(self.signer.baton);
        command.args(["sign", "--replace"]).arg(kernel);
        command.arg("-o").arg(out);
        command
    }

    fn by_token(&self, kernel: &Path, out: &Path) -> Result<()> {
        let config = self.scratch.join("softhsm2.conf");
        let tokens = self.scratch.join("tokens");
        fs::write(
            &config,
            format!("directories.tokendir = {}\n", tokens.display()),
        )?;
        let token = |program: &str, words: &str| {
            let mut command = Command::new(program);
            command.env("SOFTHSM2_CONF", &config);
            command.args(words.split(' '));
            command
        };
        let pin = format!("--pin {PASSPHRASE}");
        exec::run(&mut token(
            "softhsm2-util",
            &format!("--init-token --free --label lab --so-pin 5678 {pin}"),
        ))?;
        exec::run(
            token(
                "softhsm2-util",
                &format!("--token lab --label mok --id 01 {pin} --import"),
            )
            .arg(&self.signer.pair.key),
        )?;
        let uri = format!(
            "pkcs11:token=lab;object=mok?module-path={MODULE}&pin-source=file:{}",
            self.scratch.join("passphrase").display()
        );
        exec::run(
            self.sign(kernel, out)
                .env("SOFTHSM2_CONF", &config)
                .args(["--key", &uri, "--cert"])
                .arg(&self.signer.pair.certificate),
        )
    }

    fn by_pkcs12(&self, kernel: &Path, out: &Path) -> Result<()> {
        let p12 = self.scratch.join("key.p12");
        let pair = self.signer.pair;
        let mut export = Command::new("openssl");
        export.args(["pkcs12", "-export", "-passout"]);
        export.arg(format!("pass:{PASSPHRASE}"));
        export
            .arg("-inkey")
            .arg(&pair.key)
            .arg("-in")
            .arg(&pair.certificate);
        exec::run(export.arg("-out").arg(&p12))?;
        exec::run(
            self.sign(kernel, out)
                .arg("--passphrase-file")
                .arg(self.scratch.join("passphrase"))
                .arg("--key")
                .arg(p12),
        )
    }

    fn by_encrypted_key(&self, kernel: &Path, out: &Path) -> Result<()> {
        let key = self.scratch.join("encrypted.key");
        let pair = self.signer.pair;
        let mut encrypt = Command::new("openssl");
        encrypt.args(["pkcs8", "-topk8", "-passout"]);
        encrypt.arg(format!("pass:{PASSPHRASE}"));
        exec::run(encrypt.arg("-in").arg(&pair.key).arg("-out").arg(&key))?;
        exec::run(
            self.sign(kernel, out)
                .arg("--passphrase-file")
                .arg(self.scratch.join("passphrase"))
                .arg("--key")
                .arg(key)
                .arg("--cert")
                .arg(&pair.certificate),
        )
    }

    fn elsewhere(&self, kernel: &Path, out: &Path) -> Result<()> {
        let [data, signature] = ["data", "signature"].map(|name| self.scratch.join(name));
        let pair = self.signer.pair;
        let mut prepare = Command::new(self.signer.baton);
        prepare
            .args(["sign", "--replace", "--digest-out"])
            .arg(&data);
        exec::run(prepare.arg(kernel))?;
        let mut sign = Command::new("openssl");
        sign.args(["dgst", "-sha256", "-sign"]).arg(&pair.key);
        exec::run(sign.arg("-out").arg(&signature).arg(&data))?;
        exec::run(
            self.sign(kernel, out)
                .arg("--attach")
                .arg(signature)
                .arg("--cert")
                .arg(&pair.certificate),
        )
    }
}
