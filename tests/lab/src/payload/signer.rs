//! `baton sign`, with a key.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::exec;
use crate::keys::Pair;

/// Who signs, and with what.
pub(super) struct Signer<'a> {
    pub baton: &'a Path,
    pub pair: &'a Pair,
}

impl Signer<'_> {
    /// Signs a file in one of `baton sign --as`'s ways.
    pub fn sign(&self, way: &str, file: &Path, out: &Path) -> Result<()> {
        exec::run(self.command(way).arg(file).arg("-o").arg(out))
    }

    /// Writes a signature beside the file.
    pub fn detached(&self, file: &Path) -> Result<()> {
        exec::run(self.command("detached").arg(file))
    }

    fn command(&self, way: &str) -> Command {
        let mut command = Command::new(self.baton);
        command.arg("sign").arg("--key").arg(&self.pair.key);
        command.arg("--cert").arg(&self.pair.certificate);
        command.args(["--as", way]);
        command
    }
}
