//! ELF kernels, taken out of Debian's bzImages and signed in each way there is for them.

use fs_err as fs;
use std::path::Path;

use anyhow::Result;

use super::Signer;
use crate::packages::Packages;
use crate::vmlinux;

/// Adds `elf/LABEL.WAY`, and the detached signature as `elf/LABEL.detached.p7s`.
pub(super) fn add(tree: &Path, packages: &Packages, signer: &Signer) -> Result<()> {
    let folder = tree.join("elf");
    fs::create_dir_all(&folder)?;
    for kernel in &packages.kernels {
        let named = |way: &str| folder.join(format!("{}.{way}", kernel.label));
        let bare = named("detached");
        vmlinux::extract(&kernel.image, &bare)?;
        signer.detached(&bare)?;
        for way in ["appended", "note"] {
            signer.sign(way, &bare, &named(way))?;
        }
    }
    Ok(())
}
