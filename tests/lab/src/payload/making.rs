//! What the signed files of the disk are made of.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

use super::signer::Signer;
use crate::fetch::extras::Extras;
use crate::fetch::packages::{Kernel, Packages};

/// A disk in the making.
pub(super) struct Making<'a> {
    /// Its files.
    pub tree: &'a Path,
    pub packages: &'a Packages,
    pub extras: &'a Extras,
    pub signer: Signer<'a>,
}

impl Making<'_> {
    /// A directory of the disk, made if it isn't there.
    pub fn directory(&self, name: &str) -> Result<PathBuf> {
        let directory = self.tree.join(name);
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    /// The initrd that goes with a kernel.
    pub fn initrd(&self, kernel: &Kernel) -> PathBuf {
        let kernels = self.tree.join("kernels");
        kernels.join(&kernel.label).join("initrd.img")
    }
}
