//! Signing with a key that is elsewhere, in two steps, of which each is taken by Baton and by systemd-sbsign.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use baton_lab::exec;
use baton_lab::fetch::sbsign::SystemdSbsign;
use fs_err as fs;

use super::Tally;
use super::peers::{Bench, End, Tool};

/// Signs an image in each way, and has each tool verify what was made.
pub fn compare(bench: &Bench, sbsign: &SystemdSbsign, image: &Path) -> Result<Tally> {
    let bench = Steps {
        bench,
        sbsign,
        image,
    };
    let version = exec::output(sbsign.command().arg("--version"))?;
    let version = version.lines().next().unwrap_or_default().to_owned();
    println!("keys that are elsewhere, with systemd-sbsign of {version}:");
    let mut tally = Tally::default();
    let at_once = bench.by_baton_at_once()?;
    let both = bench.prepared_by_baton_attached_by_sbsign()?;
    let mut problems = bench.refused(&both)?;
    if fs::read(&both)? != fs::read(&at_once)? {
        problems.push("it isn't what `baton sign` makes with the key at hand".into());
    }
    tally.count("Baton prepares, systemd-sbsign attaches", &problems);
    let both = bench.prepared_by_sbsign_attached_by_baton()?;
    let problems = bench.refused(&both)?;
    tally.count("systemd-sbsign prepares, Baton attaches", &problems);
    let theirs = bench.by_sbsign_at_once()?;
    let problems = bench.refused(&theirs)?;
    tally.count("systemd-sbsign signs", &problems);
    Ok(tally)
}

struct Steps<'a> {
    bench: &'a Bench,
    sbsign: &'a SystemdSbsign,
    image: &'a Path,
}

impl Steps<'_> {
    fn baton(&self) -> Command {
        let mut command = Command::new(&self.bench.baton);
        command.args(["sign", "--force"]);
        command
    }

    fn sbsign(&self) -> Command {
        let mut command = self.sbsign.command();
        command.args(["sign", "--certificate"]);
        command.arg(&self.bench.pair.certificate);
        command
    }

    /// As whoever has the key, and nothing of either.
    fn signature(&self, data: &Path) -> Result<PathBuf> {
        let out = data.with_extension("signature");
        let mut openssl = Command::new("openssl");
        openssl.args(["dgst", "-sha256", "-sign"]);
        openssl.arg(&self.bench.pair.key).arg("-out").arg(&out);
        exec::run(openssl.arg(data))?;
        Ok(out)
    }

    fn by_baton_at_once(&self) -> Result<PathBuf> {
        let out = self.bench.path("at-once.efi");
        let mut sign = self.baton();
        sign.arg("--key").arg(&self.bench.pair.key);
        sign.arg("--cert").arg(&self.bench.pair.certificate);
        exec::run(sign.arg(self.image).arg("-o").arg(&out))?;
        Ok(out)
    }

    fn by_sbsign_at_once(&self) -> Result<PathBuf> {
        let out = self.bench.path("theirs.efi");
        let mut sign = self.sbsign();
        sign.arg("--private-key").arg(&self.bench.pair.key);
        exec::run(sign.arg("--output").arg(&out).arg(self.image))?;
        Ok(out)
    }

    fn prepared_by_baton_attached_by_sbsign(&self) -> Result<PathBuf> {
        let (data, out) = (self.bench.path("ours.data"), self.bench.path("ours.efi"));
        exec::run(self.baton().arg("--digest-out").arg(&data).arg(self.image))?;
        let signature = self.signature(&data)?;
        let mut attach = self.sbsign();
        attach.arg("--signed-data").arg(&data);
        attach.arg("--signed-data-signature").arg(&signature);
        exec::run(attach.arg("--output").arg(&out).arg(self.image))?;
        Ok(out)
    }

    fn prepared_by_sbsign_attached_by_baton(&self) -> Result<PathBuf> {
        let (data, out) = (self.bench.path("their.data"), self.bench.path("their.efi"));
        let mut prepare = self.sbsign();
        prepare.arg("--prepare-offline-signing");
        exec::run(prepare.arg("--output").arg(&data).arg(self.image))?;
        let mut attach = self.baton();
        attach.arg("--attach").arg(self.signature(&data)?);
        attach.arg("--signed-data").arg(&data);
        attach.arg("--cert").arg(&self.bench.pair.certificate);
        exec::run(attach.arg(self.image).arg("-o").arg(&out))?;
        Ok(out)
    }

    /// Who doesn't accept it, and why.
    fn refused(&self, signed: &Path) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        for tool in [Tool::Baton, Tool::Sbsigntool] {
            let end = self.bench.verify(tool, signed)?;
            if end != End::Success {
                problems.push(format!("{} refuses it: {}", tool.name(), end.words()));
            }
        }
        Ok(problems)
    }
}
