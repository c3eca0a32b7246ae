//! The boot disk of a machine.

use fs_err as fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::image::disk;
use crate::keys;
use crate::machine::{Boot, Machine};
use crate::setup::Lab;

/// Makes the boot disk in `directory`; none where the virtual machine loads the kernel itself.
pub fn make(lab: &Lab, machine: &Machine, directory: &Path) -> Result<Option<PathBuf>> {
    let image = directory.join("esp.img");
    match machine.boot {
        Boot::Shim => shim(lab, machine, directory, &image)?,
        Boot::DbKey => systemd_boot(lab, machine, directory, &image)?,
        Boot::Bios => return Ok(None),
    }
    Ok(Some(image))
}

/// Debian's signed GRUB reads `/EFI/debian/grub.cfg` on the disk it was started from.
fn shim(lab: &Lab, machine: &Machine, directory: &Path, image: &Path) -> Result<()> {
    let kernel = lab.packages.kernel(&machine.kernel)?;
    let config = directory.join("grub.cfg");
    fs::write(
        &config,
        format!(
            "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial\n\
             linux /vmlinuz {}\ninitrd /initrd.img\nboot\n",
            machine.first_cmdline()
        ),
    )?;
    disk::esp(
        image,
        &[
            ("EFI/BOOT/BOOTX64.EFI", &lab.packages.shim()),
            ("EFI/BOOT/grubx64.efi", &lab.packages.grub()),
            ("EFI/debian/grub.cfg", &config),
            ("vmlinuz", &kernel.image),
            ("initrd.img", &lab.initrd(kernel)),
        ],
    )
}

fn systemd_boot(lab: &Lab, machine: &Machine, directory: &Path, image: &Path) -> Result<()> {
    let kernel = lab.packages.kernel(&machine.kernel)?;
    let loader = directory.join("loader.efi");
    keys::sign(&lab.keys.db, &lab.packages.systemd_boot(), &loader)?;
    let settings = directory.join("loader.conf");
    fs::write(&settings, "timeout 0\n")?;
    let entry = directory.join("entry.conf");
    fs::write(
        &entry,
        format!(
            "title test\nlinux /vmlinuz.efi\ninitrd /initrd.img\noptions {}\n",
            machine.first_cmdline()
        ),
    )?;
    let signed = lab
        .work
        .join("payload/kernels")
        .join(&kernel.label)
        .join("db.efi");
    disk::esp(
        image,
        &[
            ("EFI/BOOT/BOOTX64.EFI", &loader),
            ("loader/loader.conf", &settings),
            ("loader/entries/test.conf", &entry),
            ("vmlinuz.efi", &signed),
            ("initrd.img", &lab.initrd(kernel)),
        ],
    )
}
