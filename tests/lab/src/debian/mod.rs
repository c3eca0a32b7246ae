//! Debian as its own packages install and configure it, on a disk of its own: under Secure Boot with shim and GRUB, with
//! systemd, and with a newer kernel to upgrade to.
//!
//! The system is made once and kept ([`Installed`]). It has no network: what is installed later is on a second disk
//! ([`medium`]), Baton's packages among it.

mod adapt;
pub mod bootstrap;
pub mod machine;
pub mod medium;
pub mod shell;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use fs_err as fs;

use crate::fetch::apt;
use crate::fetch::cache::{Cache, Entry};
use crate::fetch::sources;
use crate::fetch::tools::{self, Need};
use crate::image::disk;
use crate::vm::terminal::Terminal;
use bootstrap::Bootstrap;
use shell::Shell;

/// A release of Debian, and the kernels that it is tried with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// What scenarios call it.
    pub name: &'static str,
    /// Its packages.
    suite: &'static str,
    /// The release whose kernel it is installed with.
    kernel: &'static str,
    /// The release whose kernel it is upgraded to.
    newer: &'static str,
}

/// The package that brings a release's kernel for virtual machines: NVMe and ext4 are built in.
pub const KERNEL: &str = "linux-image-cloud-amd64";

/// Oldest first.
pub const RELEASES: [Release; 3] = [
    Release {
        name: "debian-12",
        suite: apt::BASE,
        kernel: apt::BASE,
        newer: apt::BACKPORTS,
    },
    Release {
        name: "debian-13",
        suite: "trixie",
        kernel: "trixie",
        newer: "trixie-backports",
    },
    // systemd's newest release, with the kernel before the newest.
    Release {
        name: "debian-sid",
        suite: apt::NEWEST,
        kernel: "trixie",
        newer: apt::NEWEST,
    },
];

/// What a bootable system has besides Debian's required packages.
const PACKAGES: &[&str] = &[
    "systemd-sysv",
    "dbus",
    "udev",
    "kmod",
    "zstd",
    "e2fsprogs",
    "dosfstools",
    "initramfs-tools",
    "login",
    "shim-signed",
    "grub-efi-amd64",
    "grub-efi-amd64-signed",
    "mokutil",
    "efibootmgr",
];

/// What Baton stands beside or in for, and the program that writes its dumps.
pub const PEERS: &str = "kexec-tools kdump-tools makedumpfile";

/// What makes logical volumes.
pub const VOLUMES: &str = "lvm2";

/// What makes arrays of disks.
pub const ARRAYS: &str = "mdadm";

/// What encrypts disks, and asks for their passphrase when the machine boots.
pub const ENCRYPTION: &str = "cryptsetup-initramfs";

/// Fetches what a command of apt-get would install in the directory that the shell knows as `$1`.
const DOWNLOAD: &str = "chroot \"$1\" apt-get -y --download-only";

/// Room for a second kernel, and a third initrd while that is made.
const DISK_SIZE: u64 = 2 << 30;

/// A busy host that emulates takes minutes to boot.
const FIRST_BOOT: Duration = Duration::from_secs(1800);

/// A system that is installed.
pub struct Installed {
    /// Its disk, with its boot loader on it; machines write to it in memory.
    pub disk: PathBuf,
    /// The packages of what is installed later: a newer kernel, kexec-tools and kdump-tools, what makes volumes, arrays
    /// and encrypted disks, and what those need.
    pub later: PathBuf,
}

impl Installed {
    /// Installs a release, once.
    pub fn make(cache: &Cache, release: Release, kvm: bool) -> Result<Installed> {
        let directory = cache.once(Entry::Debian(release.name), |draft| {
            make(cache, release, draft, kvm)
        })?;
        Ok(Installed {
            disk: directory.join(DISK),
            later: directory.join(LATER),
        })
    }
}

/// What an entry of the cache holds.
const DISK: &str = "disk";
const LATER: &str = "later";

fn make(cache: &Cache, release: Release, draft: &Path, kvm: bool) -> Result<()> {
    tools::ensure(cache, Need::Suite)?;
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root can install a system into a directory: run this scenario once as root"
    );
    eprintln!("installing {} into a directory (once)", release.name);
    let tree = draft.join("tree");
    let later = draft.join(LATER);
    fs::create_dir(&later)?;
    release.bootstrap(&later)?.install(&tree, draft)?;
    adapt::adapt(&tree)?;
    let image = draft.join(DISK);
    disk::installed(&image, &tree, DISK_SIZE)?;
    boot_loader(draft, &tree, kvm)?;
    Ok(fs::remove_dir_all(tree)?)
}

impl Release {
    fn bootstrap(self, later: &Path) -> Result<Bootstrap> {
        let mut suites = vec![self.suite, self.kernel, self.newer];
        suites.sort_unstable();
        suites.dedup();
        let system = sources::system()?;
        let mut packages: Vec<String> = PACKAGES.iter().map(|it| (*it).to_owned()).collect();
        packages.push(format!("{KERNEL}/{}", self.kernel));
        Ok(Bootstrap {
            suites: suites.iter().map(|it| system.with_suite(it)).collect(),
            packages,
            // What it needs, and isn't installed, comes along; what was installed goes first.
            then: vec![
                "chroot \"$1\" apt-get clean".to_owned(),
                format!("{DOWNLOAD} -t {} install {KERNEL}", self.newer),
                format!("{DOWNLOAD} install {PEERS} {VOLUMES} {ARRAYS} {ENCRYPTION}"),
                format!("cp \"$1\"/var/cache/apt/archives/*.deb {}", later.display()),
            ],
        })
    }
}

/// The first start, in which its programs write its boot loader: they look at the disk that they run from.
fn boot_loader(draft: &Path, tree: &Path, kvm: bool) -> Result<()> {
    let command = machine::without_boot_loader(tree, &draft.join(DISK), kvm)?;
    let terminal = Terminal::start(command, draft, FIRST_BOOT)?;
    let mut shell = Shell { terminal };
    shell.log_in()?;
    for command in BOOT_LOADER {
        let said = shell.run(command, &[])?;
        ensure!(said.status == 0, "{command} failed: {}", said.text);
    }
    shell.terminal.type_in("poweroff\n")?;
    shell.terminal.wait_for_end()
}

/// For machines whose firmware doesn't remember what it boots, as for a stick. shim goes there, since it is installed.
const BOOT_LOADER: [&str; 2] = [
    "grub-install --target=x86_64-efi --no-nvram --force-extra-removable",
    "update-grub",
];
