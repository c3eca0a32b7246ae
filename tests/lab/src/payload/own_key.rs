//! A key that `baton keys new` made, and what its owner would sign with it: a gate, and a kernel. It is enrolled beside the
//! MOK of the other machines.

use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{gate, resign};
use crate::exec;
use crate::fetch::packages::{MAIN, Packages};
use crate::keys::{self, Keys, Pair};
use crate::programs::Ours;

/// What its certificate is called.
pub const NAME: &str = "Key made by Baton";

/// The variable store in which it is enrolled, beside the disk.
pub const VARS: &str = "vars-own-key.fd";

/// Adds `own-key.pem`, `gate/own-key.efi` and `kernels/6.12/own-key.efi`.
pub(super) fn add(tree: &Path, packages: &Packages, keys: &Keys, ours: &Ours) -> Result<()> {
    let directory = tree.with_file_name("own-key");
    exec::run(
        Command::new(&ours.baton)
            .args(["keys", "new", "--force", "--cn", NAME, "--output"])
            .arg(&directory),
    )?;
    let pair = Pair {
        key: directory.join("mok.key"),
        certificate: directory.join("mok.pem"),
    };
    fs::copy(&pair.certificate, tree.join("own-key.pem"))?;
    gate::add_by(tree, ours, "own-key", &pair)?;
    let kernels = tree.join("kernels").join(MAIN);
    resign(
        &pair,
        &kernels.join("vmlinuz"),
        &kernels.join("own-key.efi"),
    )?;
    keys::enrol_besides(packages, keys, &pair.certificate, &vars(tree))
}

/// The variable store.
fn vars(tree: &Path) -> PathBuf {
    tree.with_file_name(VARS)
}
