//! Signing with the tools that people have.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use fs_err as fs;

use super::super::making::Making;
use super::super::signer::Signer;
use super::keys::Named;
use super::several;
use crate::exec;

/// Who signs, and how.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// `baton sign`, in one of its ways.
    Baton(&'static str, &'static str),
    /// sbsign, which says when.
    Sbsign(&'static str),
    /// sbsign, with another certificate beside the signer's.
    SbsignWith(&'static str, &'static str),
    /// sbsign twice, joined to one message with both signers.
    Both(&'static str, &'static str),
    /// osslsigncode, with this hash.
    Osslsigncode(&'static str, &'static str),
}

/// Signs a file in its place.
pub fn sign(by: By, named: &Named, making: &Making<'_>, file: &Path) -> Result<()> {
    let out = file.with_extension("signed");
    match by {
        By::Baton(way, key) => {
            let signer = Signer {
                baton: making.signer.baton,
                pair: named.pair(key)?,
            };
            signer.sign(way, file, &out)?;
        }
        By::Sbsign(key) => exec::run(&mut sbsign(named, key, file, &out)?)?,
        By::SbsignWith(key, beside) => {
            let mut command = sbsign(named, key, file, &out)?;
            command
                .arg("--addcert")
                .arg(&named.pair(beside)?.certificate);
            exec::run(&mut command)?;
        }
        By::Both(one, other) => {
            let mut joined = Vec::new();
            for key in [one, other] {
                exec::run(&mut sbsign(named, key, file, &out)?)?;
                joined.push(fs::read(&out)?);
            }
            fs::write(&out, several::join(&joined[0], &joined[1])?)?;
        }
        By::Osslsigncode(hash, key) => {
            let pair = named.pair(key)?;
            exec::run(
                exec::tool("osslsigncode")
                    .args(["sign", "-h", hash, "-key"])
                    .arg(&pair.key)
                    .arg("-certs")
                    .arg(&pair.certificate)
                    .arg("-in")
                    .arg(file)
                    .arg("-out")
                    .arg(&out),
            )?;
        }
    }
    Ok(fs::rename(out, file)?)
}

fn sbsign(named: &Named, key: &str, file: &Path, out: &Path) -> Result<Command> {
    let pair = named.pair(key)?;
    let mut command = exec::tool("sbsign");
    command.arg("--key").arg(&pair.key);
    command.arg("--cert").arg(&pair.certificate);
    command.arg("--output").arg(out).arg(file);
    Ok(command)
}
