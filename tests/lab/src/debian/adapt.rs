//! What an administrator of a test machine would configure: disks, a console at which root is logged in, and no work that
//! nobody waits for.

use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fs_err as fs;

use super::shell;
use crate::image::disk;
use crate::machine::CMDLINE;

/// Where [`super::medium`] is mounted.
pub const MEDIUM: &str = "/mnt";

/// What would only take time.
const MASKED: &[&str] = &[
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
];

const AUTOMATIC_LOGIN: &str = "[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --keep-baud 115200,57600,38400,9600 - dumb
";

/// Initrds that are made later hold what this machine needs alone, as Debian's installer offers it.
const SMALL_INITRD: &str = "MODULES=dep\nCOMPRESSLEVEL=1\n";

/// On a busy host that emulates, devices and services may take many times the minute and a half that they are given.
const PATIENCE: &str = "[Manager]
DefaultTimeoutStartSec=20min
DefaultDeviceTimeoutSec=20min
";

/// Adapts what was installed.
pub fn adapt(tree: &Path) -> Result<()> {
    let etc = tree.join("etc");
    fs::write(etc.join("hostname"), "guest\n")?;
    fs::write(etc.join("hosts"), "127.0.0.1 localhost guest\n")?;
    fs::write(etc.join("fstab"), fstab())?;
    fs::create_dir_all(tree.join("boot/efi"))?;
    let units = etc.join("systemd/system");
    let login = units.join("serial-getty@ttyS0.service.d");
    fs::create_dir_all(&login)?;
    fs::write(login.join("automatic.conf"), AUTOMATIC_LOGIN)?;
    let manager = etc.join("systemd/system.conf.d");
    fs::create_dir_all(&manager)?;
    fs::write(manager.join("patience.conf"), PATIENCE)?;
    for unit in MASKED {
        symlink("/dev/null", units.join(unit)).with_context(|| format!("masking {unit}"))?;
    }
    fs::write(tree.join("root/.bash_profile"), shell::PROFILE)?;
    fs::write(etc.join("initramfs-tools/conf.d/small"), SMALL_INITRD)?;
    packages(&etc)?;
    menu(&etc.join("default/grub"))
}

fn fstab() -> String {
    format!(
        "UUID={} / ext4 defaults 0 1\nUUID={} /boot/efi vfat umask=0077 0 1\nLABEL={} {MEDIUM} ext4 ro,nofail 0 0\n",
        disk::ROOT_UUID,
        disk::ESP_UUID,
        super::medium::LABEL
    )
}

/// There is no network: all that can be installed is on the other disk.
fn packages(etc: &Path) -> Result<()> {
    let configured = etc.join("apt/sources.list.d");
    if configured.exists() {
        fs::remove_dir_all(&configured)?;
    }
    fs::create_dir_all(&configured)?;
    let source = format!("deb [trusted=yes] file:{MEDIUM} ./\n");
    Ok(fs::write(etc.join("apt/sources.list"), source)?)
}

/// GRUB on the serial console, without a pause.
fn menu(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let of_debian = [
        "GRUB_TIMEOUT=",
        "GRUB_CMDLINE_LINUX=\"",
        "GRUB_CMDLINE_LINUX_DEFAULT=",
    ];
    let is_replaced = |line: &&str| of_debian.iter().any(|name| line.starts_with(name));
    ensure!(
        text.lines().filter(is_replaced).count() == of_debian.len(),
        "{} isn't as Debian installs it",
        file.display()
    );
    let mut kept: Vec<&str> = text.lines().filter(|line| !is_replaced(line)).collect();
    let ours = format!("GRUB_CMDLINE_LINUX=\"{CMDLINE}\"");
    kept.extend(["GRUB_TIMEOUT=0", &ours, "GRUB_TERMINAL=console", ""]);
    Ok(fs::write(file, kept.join("\n"))?)
}
