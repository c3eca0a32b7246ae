//! The machines that an installed system runs on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use fs_err as fs;

use super::Installed;
use crate::exec;
use crate::fetch::packages::Packages;
use crate::image::disk;
use crate::machine::CMDLINE;
use crate::vm::firmware;

/// RAM in MiB.
const MEMORY_MIB: u64 = 1024;

/// The serial numbers of two disks with nothing on them.
pub const SPARES: [&str; 2] = ["spare-0", "spare-1"];

/// How large each is.
const SPARE_SIZE: u64 = 4 << 30;

/// A machine under Secure Boot with Microsoft's keys, as it leaves the factory: no key is enrolled. It keeps what it
/// writes, also over a reset, for as long as it runs.
pub fn under_secure_boot(
    packages: &Packages,
    system: &Installed,
    medium: &Path,
    directory: &Path,
    kvm: bool,
) -> Result<Command> {
    let mut command = plain(kvm);
    let vars = directory.join("vars.fd");
    fs::copy(packages.ovmf("OVMF_VARS_4M.ms.fd"), &vars)?;
    firmware::secure(&mut command, packages, &vars);
    drive(&mut command, "system", &system.disk, "snapshot=on");
    drive(&mut command, "medium", medium, "snapshot=on");
    for serial in SPARES {
        let spare = directory.join(format!("{serial}.img"));
        disk::blank(&spare, SPARE_SIZE)?;
        drive(&mut command, serial, &spare, "snapshot=on");
    }
    Ok(command)
}

/// A machine that is told its kernel, of a system whose disk has no boot loader yet.
pub fn without_boot_loader(tree: &Path, disk: &Path, kvm: bool) -> Result<Command> {
    let kernel = only_kernel(&tree.join("boot"))?;
    let release = kernel.to_string_lossy().replace("vmlinuz-", "initrd.img-");
    let mut command = plain(kvm);
    command.args(["-machine", "q35", "-no-reboot", "-kernel"]);
    command.arg(&kernel).arg("-initrd").arg(release);
    let root = format!("root=UUID={} rw {CMDLINE}", disk::ROOT_UUID);
    command.args(["-append", &root]);
    drive(&mut command, "system", disk, "cache=unsafe");
    Ok(command)
}

fn only_kernel(boot: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(boot)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("vmlinuz-") {
            return Ok(path);
        }
    }
    None.with_context(|| format!("there is no kernel in {}", boot.display()))
}

fn plain(kvm: bool) -> Command {
    let mut command = exec::qemu();
    let (accelerator, cpu) = if kvm {
        ("kvm", "host")
    } else {
        ("tcg,thread=multi", "max,la57=off")
    };
    command.args(["-accel", accelerator, "-cpu", cpu]);
    command.args(["-m", &MEMORY_MIB.to_string(), "-nodefaults"]);
    command.args(["-display", "none", "-serial", "stdio", "-rtc", "base=utc"]);
    command.args(["-object", "rng-random,id=rng,filename=/dev/urandom"]);
    command.args(["-device", "virtio-rng-pci,rng=rng"]);
    command
}

fn drive(command: &mut Command, serial: &str, file: &Path, options: &str) {
    let file = file.display();
    let drive = format!("if=none,id={serial},format=raw,{options},file={file}");
    let device = format!("nvme,drive={serial},serial={serial}");
    command.args(["-drive", &drive, "-device", &device]);
}
