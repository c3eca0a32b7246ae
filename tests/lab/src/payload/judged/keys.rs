//! Keys besides those that every machine has.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use fs_err as fs;

use crate::exec;
use crate::keys::{Keys, Pair};

/// Those that are in the MOK list.
pub const ENROLLED: [&str; 8] = [
    "mok",
    "p256",
    "ca",
    "expired",
    "modules",
    "revoked",
    "revoked-digest",
    "rsa3072",
];

/// Keys by their names.
pub struct Named {
    directory: PathBuf,
    keys: Vec<(&'static str, Pair)>,
}

impl Named {
    /// The one of this name.
    pub fn pair(&self, name: &str) -> Result<&Pair> {
        let found = self.keys.iter().find(|(known, _)| *known == name);
        Ok(&found.with_context(|| format!("no key {name}"))?.1)
    }

    /// Its certificate in DER.
    pub fn der(&self, name: &str) -> Result<Vec<u8>> {
        exec::bytes(
            Command::new("openssl")
                .args(["x509", "-outform", "DER", "-in"])
                .arg(&self.pair(name)?.certificate),
        )
    }

    fn own(&mut self, name: &'static str) -> Pair {
        let pair = Pair {
            key: self.directory.join(format!("{name}.key")),
            certificate: self.directory.join(format!("{name}.pem")),
        };
        self.keys.push((name, pair.clone()));
        pair
    }

    /// A key with a certificate by itself.
    fn self_signed(&mut self, name: &'static str, bits: &str, extensions: &[&str]) -> Result<()> {
        let pair = self.own(name);
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-sha256", "-nodes", "-days", "3650"]);
        command.args(["-newkey", bits, "-subj", &subject(name)]);
        for extension in extensions {
            command.args(["-addext", extension]);
        }
        exec::run(
            command
                .arg("-keyout")
                .arg(pair.key)
                .arg("-out")
                .arg(pair.certificate),
        )
    }

    /// A key with a certificate by another.
    fn issued(&mut self, name: &'static str, by: &str, ca: bool) -> Result<()> {
        let (pair, request) = self.requested(name)?;
        let issuer = self.pair(by)?.clone();
        let extensions = self.directory.join("extensions");
        let ca = if ca { "TRUE" } else { "FALSE" };
        fs::write(
            &extensions,
            format!(
                "basicConstraints=critical,CA:{ca}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
            ),
        )?;
        exec::run(
            Command::new("openssl")
                .args(["x509", "-req", "-sha256", "-days", "3650"])
                .arg("-in")
                .arg(request)
                .arg("-CA")
                .arg(issuer.certificate)
                .arg("-CAkey")
                .arg(issuer.key)
                .args(["-set_serial", "0x5a17", "-extfile"])
                .arg(extensions)
                .arg("-out")
                .arg(pair.certificate),
        )
    }

    /// A key whose certificate was valid once.
    fn expired(&mut self, name: &'static str) -> Result<()> {
        let (pair, request) = self.requested(name)?;
        let at = self.directory.display();
        fs::write(self.directory.join("index.txt"), "")?;
        let config = self.directory.join("ca.cnf");
        fs::write(
            &config,
            format!(
                "[ca]\ndefault_ca = it\n[it]\ndatabase = {at}/index.txt\nnew_certs_dir = {at}\n\
                 rand_serial = yes\ndefault_md = sha256\npolicy = names\nx509_extensions = extensions\n\
                 [names]\ncommonName = supplied\n\
                 [extensions]\nbasicConstraints = critical,CA:FALSE\nsubjectKeyIdentifier = hash\n"
            ),
        )?;
        exec::run(
            Command::new("openssl")
                .args(["ca", "-batch", "-notext", "-selfsign"])
                .args([
                    "-startdate",
                    "20200101000000Z",
                    "-enddate",
                    "20210101000000Z",
                ])
                .arg("-config")
                .arg(config)
                .arg("-keyfile")
                .arg(pair.key)
                .arg("-in")
                .arg(request)
                .arg("-out")
                .arg(pair.certificate),
        )
    }

    fn requested(&mut self, name: &'static str) -> Result<(Pair, PathBuf)> {
        let pair = self.own(name);
        let request = self.directory.join(format!("{name}.csr"));
        exec::run(
            Command::new("openssl")
                .args(["req", "-new", "-sha256", "-nodes", "-newkey", "rsa:2048"])
                .args(["-subj", &subject(name), "-keyout"])
                .arg(&pair.key)
                .arg("-out")
                .arg(&request),
        )?;
        Ok((pair, request))
    }
}

fn subject(name: &str) -> String {
    format!("/CN=Baton judged {name}/")
}

/// Makes them beside the disk's tree.
pub fn make(tree: &Path, keys: &Keys) -> Result<Named> {
    let directory = tree.with_file_name("judged-keys");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let mut named = Named {
        directory,
        keys: vec![
            ("mok", keys.mok.clone()),
            ("untrusted", keys.untrusted.clone()),
            ("p256", keys.p256.clone()),
            ("db", keys.db.clone()),
        ],
    };
    let leaf = ["basicConstraints=critical,CA:FALSE"];
    let modules = [leaf[0], "extendedKeyUsage=1.3.6.1.4.1.2312.16.1.2"];
    named.self_signed("ca", "rsa:2048", &["basicConstraints=critical,CA:TRUE"])?;
    named.issued("leaf", "ca", false)?;
    named.issued("sub", "ca", true)?;
    named.issued("leaf-of-sub", "sub", false)?;
    named.issued("leaf-of-untrusted", "untrusted", false)?;
    named.self_signed("modules", "rsa:2048", &modules)?;
    named.self_signed("revoked", "rsa:2048", &leaf)?;
    named.self_signed("revoked-digest", "rsa:2048", &leaf)?;
    named.self_signed("rsa3072", "rsa:3072", &leaf)?;
    named.expired("expired")?;
    Ok(named)
}
