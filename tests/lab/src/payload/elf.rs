//! ELF kernels, taken out of Debian's bzImages and signed in each way there is for them.

use anyhow::Result;

use super::making::Making;
use super::vmlinux;

/// Adds `elf/LABEL.WAY`, and the detached signature as `elf/LABEL.detached.p7s`.
pub(super) fn add(making: &Making) -> Result<()> {
    let directory = making.directory("elf")?;
    let signer = &making.signer;
    for kernel in &making.packages.kernels {
        let named = |way: &str| directory.join(format!("{}.{way}", kernel.label));
        let bare = named("detached");
        vmlinux::extract(&kernel.image, &bare)?;
        signer.detached(&bare)?;
        for way in ["appended", "note"] {
            signer.sign(way, &bare, &named(way))?;
        }
    }
    Ok(())
}
