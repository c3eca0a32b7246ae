//! Kernels without a signature, and the signed manifests that vouch for them.

use fs_err as fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::making::Making;
use super::signer::Signer;
use crate::{exec, keys, machine};

/// Adds `manifest/NAME` and `manifest/NAME.manifest` for each kernel's label (with two initrds), for
/// `memtest` and for `xen`; and `manifest/xen-guest.manifest` for Xen with its first guest.
pub(super) fn add(making: &Making) -> Result<()> {
    let directory = making.directory("manifest")?;
    let Making { tree, signer, .. } = making;
    for kernel in &making.packages.kernels {
        let bare = directory.join(&kernel.label);
        keys::strip(&kernel.image, &bare)?;
        let mut manifest = of(signer, &bare, "Debian's kernel without its signature");
        manifest.arg("--initrd").arg(making.initrd(kernel));
        manifest.arg("--initrd").arg(tree.join("initrds/extra.img"));
        write(
            signer,
            manifest.args(["--cmdline-prefix", machine::CMDLINE]),
            &bare,
        )?;
    }
    let extras = making.extras;
    for (name, image) in [("memtest", extras.memtest()), ("xen", extras.xen())] {
        let bare = directory.join(name);
        fs::copy(image, &bare)?;
        write(signer, &mut of(signer, &bare, "No Linux at all"), &bare)?;
    }
    let mut manifest = of(signer, &directory.join("xen"), "Xen and its first guest");
    for module in ["vmlinuz", "initrd.img"] {
        manifest
            .arg("--initrd")
            .arg(tree.join("xen-guest").join(module));
    }
    write(signer, &mut manifest, &directory.join("xen-guest"))
}

fn of(signer: &Signer, kernel: &Path, name: &str) -> Command {
    let mut manifest = Command::new(signer.baton);
    manifest
        .args(["manifest", "--name", name, "--kernel"])
        .arg(kernel);
    manifest
}

fn write(signer: &Signer, manifest: &mut Command, kernel: &Path) -> Result<()> {
    let mut out = kernel.to_path_buf();
    out.as_mut_os_string().push(".manifest");
    exec::run(manifest.arg(&out))?;
    signer.detached(&out)
}
