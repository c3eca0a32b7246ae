//! Keys of the test machines, and the firmware variable stores that trust them.

use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::exec;
use crate::fetch::cache::{Cache, Entry};
use crate::fetch::packages::Packages;

/// The GUID of shim's variables.
const SHIM: &str = "605dab50-e046-4300-abb6-3dd810dd8b23";

/// A private key and its certificate (PEM).
#[derive(Debug, Clone)]
pub struct Pair {
    /// The private key.
    pub key: PathBuf,
    /// Its certificate.
    pub certificate: PathBuf,
}

/// The keys there are. None of them guards anything: they are made for this cache alone.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Enrolled as a machine owner's key.
    pub mok: Pair,
    /// Trusted by nobody.
    pub untrusted: Pair,
    /// Trusted by the gates, and of no kind that the MOK is.
    pub p256: Pair,
    /// The same.
    pub p384: Pair,
    /// The only key in `db` of the firmware without Microsoft's.
    pub db: Pair,
    /// The certificate authority of Debian's kernels (DER), taken out of a signed kernel.
    pub debian_ca: PathBuf,
    /// Variable store with Microsoft's keys in `db`, and ours in `MokList`.
    pub vars_shim: PathBuf,
    /// Variable store with the db key alone.
    pub vars_db: PathBuf,
}

/// Makes what isn't in the cache yet.
pub fn make(cache: &Cache, packages: &Packages) -> Result<Keys> {
    let directory = cache.once(Entry::Keys, |draft| {
        let rsa = ["rsa:2048"];
        generate(draft, "mok", "Baton test MOK", &rsa)?;
        generate(
            draft,
            "untrusted",
            "Baton test key that nobody trusts",
            &rsa,
        )?;
        for (name, curve) in [
            ("p256", "ec_paramgen_curve:P-256"),
            ("p384", "ec_paramgen_curve:P-384"),
        ] {
            let ec = ["ec", "-pkeyopt", curve];
            generate(draft, name, &format!("Baton test {name}"), &ec)?;
        }
        unlock_snakeoil(draft, packages)?;
        extract_debian_ca(draft, packages)?;
        enrol(draft, packages)
    })?;
    let pair = |name: &str| Pair {
        key: directory.join(format!("{name}.key")),
        certificate: directory.join(format!("{name}.pem")),
    };
    Ok(Keys {
        mok: pair("mok"),
        untrusted: pair("untrusted"),
        p256: pair("p256"),
        p384: pair("p384"),
        db: pair("db"),
        debian_ca: directory.join("debian-ca.der"),
        vars_shim: directory.join("vars-shim.fd"),
        vars_db: packages.ovmf("OVMF_VARS_4M.snakeoil.fd"),
    })
}

fn generate(directory: &Path, name: &str, common_name: &str, algorithm: &[&str]) -> Result<()> {
    exec::run(
        Command::new("openssl")
            .args([
                "req", "-x509", "-sha256", "-nodes", "-days", "3650", "-newkey",
            ])
            .args(algorithm)
            .args([
                "-subj",
                &format!("/CN={common_name}/"),
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .args([
                "-addext",
                "keyUsage=digitalSignature",
                "-addext",
                "extendedKeyUsage=codeSigning",
            ])
            .arg("-keyout")
            .arg(directory.join(format!("{name}.key")))
            .arg("-out")
            .arg(directory.join(format!("{name}.pem"))),
    )
}

/// The pass phrase of OVMF's published test key is its name.
fn unlock_snakeoil(directory: &Path, packages: &Packages) -> Result<()> {
    let (key, certificate) = packages.snakeoil();
    let out = directory.join("db.key");
    exec::run(
        Command::new("openssl")
            .args(["rsa", "-passin", "pass:snakeoil", "-in"])
            .arg(key)
            .arg("-out")
            .arg(out),
    )?;
    fs::copy(certificate, directory.join("db.pem"))?;
    Ok(())
}

/// shim knows Debian's authority as its vendor certificate; machines without shim need it in a file.
/// It isn't embedded in the kernels' signatures, but in shim itself.
fn extract_debian_ca(directory: &Path, packages: &Packages) -> Result<()> {
    let section = directory.join("vendor_cert");
    exec::run(
        Command::new("objcopy")
            .args(["-O", "binary", "--only-section=.vendor_cert"])
            .arg(packages.shim())
            .arg(&section),
    )?;
    let table = fs::read(&section)?;
    fs::write(directory.join("debian-ca.der"), vendor_certificate(&table)?)?;
    fs::remove_file(section)?;
    Ok(())
}

/// `.vendor_cert` is shim's `cert_table`: four 32-bit numbers (size of the certificate, size of the
/// revocations, offset of each from the table's beginning), see shim's cert.S.
fn vendor_certificate(section: &[u8]) -> Result<&[u8]> {
    let number = |at: usize| -> Option<usize> {
        let bytes = section.get(at..at.checked_add(4)?)?;
        usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
    };
    let range = || -> Option<&[u8]> {
        let (size, offset) = (number(0)?, number(8)?);
        section.get(offset..offset.checked_add(size)?)
    };
    range()
        .filter(|der| der.first() == Some(&0x30))
        .ok_or_else(|| anyhow::anyhow!("shim's .vendor_cert isn't understood"))
}

/// Puts the MOK into a copy of the store that holds Microsoft's keys.
fn enrol(directory: &Path, packages: &Packages) -> Result<()> {
    add_mok(
        packages,
        &packages.ovmf("OVMF_VARS_4M.ms.fd"),
        &directory.join("mok.pem"),
        &directory.join("vars-shim.fd"),
    )
}

/// The store that `enrol` makes, with another MOK.
pub fn enrol_besides(
    packages: &Packages,
    keys: &Keys,
    certificate: &Path,
    out: &Path,
) -> Result<()> {
    add_mok(packages, &keys.vars_shim, certificate, out)
}

fn add_mok(packages: &Packages, store: &Path, certificate: &Path, out: &Path) -> Result<()> {
    exec::run(
        packages
            .fw_vars()
            .arg("--input")
            .arg(store)
            .arg("--output")
            .arg(out)
            // The owner's GUID is of no meaning; it is that of shim's own variables.
            .args(["--add-mok", SHIM])
            .arg(certificate),
    )
}

/// The store that `enrol` makes, with these signature lists as variables of shim's.
pub fn store(packages: &Packages, keys: &Keys, lists: &[(&str, &[u8])], out: &Path) -> Result<()> {
    let hex = |list: &[u8]| -> String { list.iter().map(|byte| format!("{byte:02x}")).collect() };
    let variables: Vec<serde_json::Value> = lists
        .iter()
        // Non-volatile, and gone once the boot loader has left: shim takes no other (mok.c).
        .map(|(name, list)| {
            serde_json::json!({"name": name, "guid": SHIM, "attr": 3, "data": hex(list)})
        })
        .collect();
    let json = serde_json::json!({"version": 2, "variables": variables});
    let file = out.with_extension("json");
    fs::write(&file, json.to_string())?;
    exec::run(
        packages
            .fw_vars()
            .arg("--input")
            .arg(&keys.vars_shim)
            .arg("--output")
            .arg(out)
            .arg("--set-json")
            .arg(&file),
    )
}

/// Signs a PE image with sbsign, after any signature it has.
pub fn sign(pair: &Pair, image: &Path, out: &Path) -> Result<()> {
    exec::run(
        exec::tool("sbsign")
            .arg("--key")
            .arg(&pair.key)
            .arg("--cert")
            .arg(&pair.certificate)
            .arg("--output")
            .arg(out)
            .arg(image),
    )
}

/// Copies a PE image without its signatures.
pub fn strip(image: &Path, out: &Path) -> Result<()> {
    fs::copy(image, out)?;
    exec::run(exec::tool("sbattach").arg("--remove").arg(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_table_that_points_outside_is_refused() {
        let mut table = [0u8; 20];
        table[0] = 4;
        table[8] = 16;
        table[16] = 0x30;
        assert_eq!(vendor_certificate(&table).unwrap(), [0x30, 0, 0, 0]);
        table[8] = 17;
        assert!(vendor_certificate(&table).is_err());
    }
}
