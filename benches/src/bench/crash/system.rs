//! The installation that crashes: a minimal Debian with kdump-tools, as its packages configure themselves,
//! on a disk of its own. Baton's programs lie beside, and take kdump-tools' place when the kernel's command
//! line says so.

use fs_err::{self as fs, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use baton_lab::debian::bootstrap::Bootstrap;
use baton_lab::fetch::apt::{self, Apt, Releases};
use baton_lab::fetch::cache::{Cache, Entry};
use baton_lab::fetch::packages::Kernel;
use baton_lab::fetch::sources;
use baton_lab::{exec, programs};

use super::guest::{Errand, Guest};

/// What it has besides Debian's required packages and a kernel. `kdump-tools` itself is installed after
/// them: its hook looks for the root file system's device, which there is none of while kernels are
/// installed.
const PACKAGES: &[&str] = &[
    "systemd-sysv",
    "udev",
    "kmod",
    "zstd",
    "e2fsprogs",
    "initramfs-tools",
    "busybox",
    "kexec-tools",
    "makedumpfile",
];

/// Room for all of the memory as it is, besides the system.
const DISK_SIZE: u64 = 3 << 30;

/// What is reserved while kdump-tools makes its initrd: enough in any case.
const RESERVED_MIB: u64 = 256;

/// Where our programs are on the disk.
const PROGRAMS: &str = "/usr/local/lib/baton";

/// What the machine does when it is up. It crashes whether or not anything is loaded: what counts is what
/// lies on the disk afterwards.
const SCRIPT: &str = "#!/bin/sh
load() { /usr/local/lib/baton/baton crash load --capture /usr/local/lib/baton/baton-capture; }
for word in $(cat /proc/cmdline); do case $word in
errand=prepare) sync; exec poweroff -f ;;
errand=small) tar -C / -xf /usr/local/lib/baton/small.tar; load ;;
errand=baton) load ;;
esac; done
sync
echo c > /proc/sysrq-trigger
";

const UNIT: &str = "[Unit]
Description=Crash, or prepare for it
After=basic.target kdump-tools.service
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/errand
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
";

/// The installation.
pub struct System {
    /// The kernel that it was installed with.
    pub kernel: PathBuf,
    /// The kernel's release, and kdump-tools' version.
    pub versions: [String; 2],
    /// Its disk, with our programs on it; machines get copies.
    pub disk: PathBuf,
}

impl System {
    /// Installs it, once, and puts our programs on a copy of its disk.
    pub fn make(
        cache: &Cache,
        root: &Path,
        work: &Path,
        small: &Kernel,
        kvm: bool,
    ) -> Result<System> {
        let directory = cache.once(Entry::CrashingSystem, |draft| make(cache, draft, kvm))?;
        let text = |name: &str| fs::read_to_string(directory.join(name));
        let disk = work.join("disk");
        copy(&directory.join("disk"), &disk)?;
        // What the journal still holds would undo what is written now.
        play_back(&disk)?;
        let script = work.join("programs");
        let mut commands = format!("mkdir {PROGRAMS}\n");
        for program in ["baton", "baton-capture"] {
            let built = programs::static_program(root, program, program)?;
            commands += &format!("write {} {PROGRAMS}/{program}\n", built.display());
        }
        let archive = packed(small, work)?;
        commands += &format!("write {} {PROGRAMS}/small.tar\n", archive.display());
        fs::write(&script, commands)?;
        exec::run(
            exec::tool("debugfs")
                .arg("-w")
                .arg("-f")
                .arg(&script)
                .arg(&disk),
        )?;
        Ok(System {
            kernel: directory.join("vmlinuz"),
            versions: [text("release")?, text("version")?],
            disk,
        })
    }
}

/// The small kernel, its modules, and the configuration that names it, as they lie below `/`.
fn packed(small: &Kernel, work: &Path) -> Result<PathBuf> {
    let tree = work.join("small");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let image = format!("boot/vmlinuz-{}", small.release);
    for directory in ["boot", "etc/baton", "usr/lib/modules"] {
        fs::create_dir_all(tree.join(directory))?;
    }
    fs::copy(&small.image, tree.join(&image))?;
    let config = format!("[kernel]\nimage = \"/{image}\"\n");
    fs::write(tree.join("etc/baton/crash.toml"), config)?;
    exec::run(
        Command::new("cp")
            .arg("-r")
            .arg(&small.modules.0)
            .arg(tree.join("usr/lib/modules").join(&small.release)),
    )?;
    let archive = work.join("small.tar");
    exec::run(
        Command::new("tar")
            .args(["--owner=0", "--group=0", "-cf"])
            .arg(&archive)
            .arg("-C")
            .arg(&tree)
            .args(["boot", "etc/baton", "usr/lib/modules"]),
    )?;
    Ok(archive)
}

/// A copy that takes no more room than there are data.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    exec::run(
        Command::new("cp")
            .args(["--sparse=always", "--"])
            .arg(from)
            .arg(to),
    )
}

/// Plays a file system's journal back, as the next start would do.
pub fn play_back(disk: &Path) -> Result<()> {
    let mut check = exec::tool("e2fsck");
    check.args(["-p", "-E", "journal_only"]).arg(disk);
    let status = check.output()?.status;
    // 1: something was corrected.
    ensure!(
        matches!(status.code(), Some(0 | 1)),
        "the file system of {} is damaged: e2fsck ended with {status}",
        disk.display()
    );
    Ok(())
}

fn make(cache: &Cache, draft: &Path, kvm: bool) -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root can install a system into a directory: run `cargo xtask bench crash` once as root"
    );
    let apt = Apt::for_downloads(cache, Releases::Stable)?;
    let kernel = apt::newest(apt.search(r"^linux-image-6\.12\..*-cloud-amd64$")?)?;
    let release = kernel.trim_start_matches("linux-image-");
    eprintln!("installing Debian with Linux {release} and kdump-tools into a directory (once)");
    let tree = draft.join("tree");
    install(draft, &tree, &kernel)?;
    let version = exec::output(
        Command::new("dpkg-query")
            .arg("--admindir")
            .arg(tree.join("var/lib/dpkg"))
            .args(["-f", "${Version}", "-W", "kdump-tools"]),
    )?;
    fs::write(draft.join("release"), release)?;
    fs::write(draft.join("version"), version)?;
    adapt(&tree)?;
    fs::copy(
        tree.join(format!("boot/vmlinuz-{release}")),
        draft.join("vmlinuz"),
    )?;
    image(&tree, &draft.join("disk"))?;
    fs::remove_dir_all(&tree)?;
    prepare(draft, release, kvm)
}

/// Packages of the base release; the kernel is from its backports.
fn install(draft: &Path, tree: &Path, kernel: &str) -> Result<()> {
    let system = sources::system()?;
    let mut packages: Vec<String> = PACKAGES.iter().map(|it| (*it).to_owned()).collect();
    packages.push(kernel.to_owned());
    let bootstrap = Bootstrap {
        suites: vec![
            system.with_suite(apt::BASE),
            system.with_suite(apt::BACKPORTS),
        ],
        packages,
        then: vec!["chroot \"$1\" apt-get install -y kdump-tools".to_owned()],
    };
    bootstrap.install(tree, draft)
}

/// The root file system's place, and the errand.
fn adapt(tree: &Path) -> Result<()> {
    fs::write(tree.join("etc/fstab"), "/dev/nvme0n1 / ext4 defaults 0 1\n")?;
    let script = tree.join("usr/local/sbin/errand");
    fs::write(&script, SCRIPT)?;
    fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    let units = tree.join("etc/systemd/system");
    fs::write(units.join("errand.service"), UNIT)?;
    let wants = units.join("multi-user.target.wants");
    fs::create_dir_all(&wants)?;
    Ok(symlink("../errand.service", wants.join("errand.service"))?)
}

fn image(tree: &Path, disk: &Path) -> Result<()> {
    File::create(disk)?.set_len(DISK_SIZE)?;
    // Tables that the guest would write in the background are written now.
    let options = "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0";
    exec::run(
        exec::tool("mke2fs")
            .args(["-q", "-F", "-t", "ext4", "-E", options, "-d"])
            .arg(tree)
            .arg(disk),
    )
}

/// The first start, in which kdump-tools makes its initrd: with the modules for this machine alone, as on
/// every machine that Debian's installer has installed.
fn prepare(draft: &Path, release: &str, kvm: bool) -> Result<()> {
    let guest = Guest {
        kernel: &draft.join("vmlinuz"),
        disk: &draft.join("disk"),
        errand: Errand::Prepare,
        reserved_mib: RESERVED_MIB,
        kvm,
    };
    let run = guest.run(draft)?;
    let initrd = format!("stat /var/lib/kdump/initrd.img-{release}");
    let found = exec::output(exec::tool("debugfs").args(["-R", &initrd]).arg(guest.disk))?;
    ensure!(
        found.contains("Type: regular"),
        "kdump-tools made no initrd when its machine was first started:\n{}",
        run.transcript.to_text()
    );
    Ok(())
}
