//! The initrd that our init is in, one for each kernel.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

use crate::fetch::packages::{Kernel, MAIN};
use crate::image::cpio::Archive;
use crate::machine;

/// Where boot loaders' entries are.
const ENTRIES: &str = "boot/loader/entries";

/// Where a kernel's initrd is on the host.
pub fn path(work: &Path, kernel: &Kernel) -> PathBuf {
    work.join(format!("initrd-{}.img", kernel.label))
}

/// Writes it: our init, the module it needs, and a file by which the guest knows this initrd.
pub fn write(work: &Path, init: &Path, kernel: &Kernel) -> Result<()> {
    let mut archive = Archive::default();
    for directory in [
        "proc",
        "sys",
        "dev",
        "tmp",
        "run",
        "payload",
        "boot",
        "boot/loader",
        ENTRIES,
    ] {
        archive.directory(directory)?;
    }
    archive.file("init", &fs::read(init)?)?;
    archive.file("efivarfs.ko", &kernel.modules.bytes("efivarfs")?)?;
    archive.file("marker-main", kernel.label.as_bytes())?;
    archive.file(&format!("{ENTRIES}/{MAIN}.conf"), entry().as_bytes())?;
    Ok(fs::write(path(work, kernel), archive.finish()?)?)
}

/// A boot loader's entry of the main kernel on the machines' disk, for the second stage.
fn entry() -> String {
    format!(
        "title Debian {MAIN}\nlinux /payload/kernels/{MAIN}/vmlinuz\ninitrd /payload/kernels/{MAIN}/initrd.img\n\
         initrd /payload/initrds/extra.img\noptions {}\n",
        machine::cmdline(2)
    )
}
