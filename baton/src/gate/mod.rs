//! `baton gate build`: a gate from its stub and what its owner adds: certificates, policy, SBAT.

pub mod image;
pub mod policy;

use crate::certs;
use crate::cli::GateBuildArgs;
use crate::failure::{Failure, Result};
use crate::output;
use baton_verify::Certificate;
use image::Parts;
use std::path::{Path, PathBuf};

/// The gate's own generation, by which it can be revoked. It goes up with every security fix.
const OWN_SBAT: &str = concat!(
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n",
    "baton.gate,1,Baton,baton-gate,",
    env!("CARGO_PKG_VERSION"),
    ",\n"
);

/// Carries out the command.
///
/// # Errors
/// When an input can't be read or isn't what it should be; nothing is written then.
pub fn build(args: &GateBuildArgs) -> Result<()> {
    let stub = read(&args.stub)?;
    let parts = Parts {
        keys: keys(&args.cert)?,
        policy: match &args.policy {
            Some(path) => policy::read(path)?,
            None => Vec::new(),
        },
        sbat: match &args.sbat {
            Some(path) => sbat(path)?,
            None => OWN_SBAT.as_bytes().to_vec(),
        },
    };
    let gate = image::assemble(&stub, &parts)
        .map_err(|why| Failure::failed(format!("{}: {}", args.stub.display(), why.message)))?;
    output::replace(&args.out, &gate, Some(&args.stub))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Failure::io(path, &e))
}

/// All certificates, one after another. One that couldn't vouch for anything is refused: whoever adds it
/// believes that it can.
fn keys(paths: &[PathBuf]) -> Result<Vec<u8>> {
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for path in paths {
        for certificate in certs::read(path)? {
            let refused = |why: String| Failure::failed(format!("{}: {why}", path.display()));
            let parsed =
                Certificate::parse(&certificate.der).map_err(|e| refused(e.to_string()))?;
            if let Some(why) = parsed.unusable_key() {
                return Err(refused(format!(
                    "the certificate's key can't be used: {why}"
                )));
            }
            if seen.contains(&certificate.der) {
                return Err(refused(format!(
                    "the certificate of \"{}\" is given twice; leave one out",
                    parsed.subject_name()
                )));
            }
            seen.push(certificate.der);
        }
    }
    Ok(seen.concat())
}

/// SBAT metadata: CSV whose first row is about SBAT itself (shim's SBAT.md).
fn sbat(path: &Path) -> Result<Vec<u8>> {
    let bytes = read(path)?;
    check_sbat(&bytes)
        .map_err(|why| Failure::failed(format!("{}: not SBAT metadata: {why}", path.display())))?;
    Ok(bytes)
}

fn check_sbat(bytes: &[u8]) -> std::result::Result<(), String> {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.is_ascii() && !text.contains('\0'))
        .ok_or("it isn't plain ASCII text")?;
    let mut rows = text.lines().filter(|line| !line.is_empty()).peekable();
    if !rows.peek().is_some_and(|row| row.starts_with("sbat,1,")) {
        return Err("the first row must begin with \"sbat,1,\"".into());
    }
    for row in rows {
        let mut fields = row.split(',');
        let component = fields.next().unwrap_or_default();
        let generation = fields.next().unwrap_or_default();
        if component.is_empty() || !generation.parse::<u32>().is_ok_and(|n| n > 0) {
            return Err(format!("\"{row}\" isn't COMPONENT,GENERATION,…"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_names_its_own_generation_unless_told_otherwise() {
        assert_eq!(check_sbat(OWN_SBAT.as_bytes()), Ok(()));
        assert!(OWN_SBAT.contains("\nbaton.gate,1,"));
    }

    #[test]
    fn sbat_rows_name_a_component_and_a_generation() {
        assert!(check_sbat(b"sbat,1,SBAT Version,sbat,1,url\nbaton,1,x,baton,1,url\n").is_ok());
        assert!(check_sbat(b"").is_err());
        assert!(check_sbat(b"baton,1,x\n").is_err());
        assert!(check_sbat(b"sbat,1,x\nbaton,zero,x\n").is_err());
        assert!(check_sbat(b"sbat,1,x\n\xff,1\n").is_err());
    }
}
