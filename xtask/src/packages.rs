//! What the virtual machines are made of, fetched by package name into the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow};

use crate::apt::{self, Apt};
use crate::cache::Cache;
use crate::exec;
use crate::modules::{Modules, decompressed};
use crate::peers::Peers;

/// Packages of firmware, boot programs and guests' tools, unpacked as they are.
const PARTS: &[&str] = &[
    "ovmf",
    "shim-signed",
    "grub-efi-amd64-signed",
    "systemd-boot-efi",
    "busybox-static",
];

/// What the images that guests load besides kernels are made of: a package, and the release that it is
/// taken from if not [`apt::BASE`].
const IMAGES: &[(&str, Option<&str>)] = &[
    ("memtest86+", None),
    ("xen-hypervisor-4.17-amd64", None),
    // Profiles and addons need ukify 257 or newer, and its own stubs.
    ("systemd-ukify", Some(apt::NEWEST)),
    ("systemd-boot-efi", Some(apt::NEWEST)),
];

/// A Debian kernel for virtual machines (NVMe and ext4 built in), signed by Debian.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// Its version in two numbers, as scenarios call it: `6.12`.
    pub label: String,
    /// What `uname -r` says.
    pub release: String,
    /// The signed image.
    pub image: PathBuf,
    /// Its modules.
    pub modules: Modules,
}

/// Everything fetched.
#[derive(Debug, Clone)]
pub struct Packages {
    /// Oldest first.
    pub kernels: Vec<Kernel>,
    /// Programs that read dumps.
    pub peers: Peers,
    parts: PathBuf,
    kexec: PathBuf,
    images: PathBuf,
    venv: PathBuf,
}

impl Packages {
    /// Fetches what isn't in the cache yet.
    pub fn fetch(cache: &Cache) -> Result<Packages> {
        // Neither needs the other, and both mostly wait.
        let (packages, venv) = thread::scope(|scope| {
            let venv = scope.spawn(|| cache.once("venv-3", make_venv));
            let packages = cache.once("packages-4", |draft| fetch_all(cache, draft));
            let images = cache.once("images", |draft| fetch_images(cache, draft));
            let peers = Peers::fetch(cache);
            (packages.and_then(|p| Ok((p, images?, peers?))), venv.join())
        });
        let (packages, images, peers) = packages?;
        Ok(Packages {
            kernels: kernels(&packages.join("kernels"))?,
            peers,
            parts: packages.join("parts"),
            kexec: packages.join("kexec"),
            images,
            venv: venv.map_err(|_| anyhow!("making the Python environment panicked"))??,
        })
    }

    /// The kernel called `label`.
    pub fn kernel(&self, label: &str) -> Result<&Kernel> {
        self.kernels
            .iter()
            .find(|k| k.label == label)
            .with_context(|| format!("no kernel {label} was fetched"))
    }

    /// A file of OVMF, the firmware.
    pub fn ovmf(&self, name: &str) -> PathBuf {
        self.parts.join("usr/share/OVMF").join(name)
    }

    /// The test key whose public half is in `OVMF_VARS_4M.snakeoil.fd`, and its certificate.
    pub fn snakeoil(&self) -> (PathBuf, PathBuf) {
        let folder = self.parts.join("usr/share/ovmf");
        (
            folder.join("PkKek-1-snakeoil.key"),
            folder.join("PkKek-1-snakeoil.pem"),
        )
    }

    /// shim, signed by Microsoft.
    pub fn shim(&self) -> PathBuf {
        self.parts.join("usr/lib/shim/shimx64.efi.signed")
    }

    /// GRUB, signed by Debian.
    pub fn grub(&self) -> PathBuf {
        self.parts
            .join("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed")
    }

    /// busybox, linked statically.
    pub fn busybox(&self) -> PathBuf {
        self.parts.join("bin/busybox")
    }

    /// systemd-boot, not signed.
    pub fn systemd_boot(&self) -> PathBuf {
        self.parts
            .join("usr/lib/systemd/boot/efi/systemd-bootx64.efi")
    }

    /// Stock kexec and its libraries, as a file tree.
    pub fn kexec_tree(&self) -> &Path {
        &self.kexec
    }

    /// Python, with drgn.
    pub fn python(&self) -> Command {
        Command::new(self.venv.join("bin/python3"))
    }

    /// `virt-fw-vars`, which edits the firmware's variable store. Its own script names the folder it
    /// was installed in, so that it is called by module instead.
    pub fn fw_vars(&self) -> Command {
        let mut command = Command::new(self.venv.join("bin/python3"));
        command.args(["-c", "from virt.firmware.vars import main; main()"]);
        command
    }

    /// `ukify`, which makes unified kernel images.
    pub fn ukify(&self) -> Command {
        let mut command = Command::new(self.venv.join("bin/python3"));
        command.arg(self.images.join("usr/bin/ukify"));
        command
    }

    /// The program at the start of a unified kernel image, not signed.
    pub fn uki_stub(&self) -> PathBuf {
        self.images
            .join("usr/lib/systemd/boot/efi/linuxx64.efi.stub")
    }

    /// The program at the start of an addon or a profile: it does nothing.
    pub fn addon_stub(&self) -> PathBuf {
        self.images
            .join("usr/lib/systemd/boot/efi/addonx64.efi.stub")
    }

    /// Memtest86+: a bzImage that isn't Linux, not relocatable and not signed.
    pub fn memtest(&self) -> PathBuf {
        self.images.join("boot/memtest86+x64.bin")
    }

    /// The Xen hypervisor: a multiboot2 kernel (32-bit ELF), not signed.
    pub fn xen(&self) -> PathBuf {
        self.images.join(XEN)
    }
}

/// Where the hypervisor is put, decompressed.
const XEN: &str = "boot/xen-4.17-amd64";

fn fetch_all(cache: &Cache, draft: &Path) -> Result<()> {
    eprintln!("fetching firmware, boot loaders and kernels (once)");
    let apt = &Apt::for_downloads(cache)?;
    apt.update()?;
    for package in PARTS {
        apt.unpack(package, &made(draft.join("parts"))?)?;
    }
    let kexec = made(draft.join("kexec"))?;
    apt.unpack("kexec-tools", &kexec)?;
    for library in apt.libraries("kexec-tools", apt::BASE)? {
        apt.unpack(&library, &kexec)?;
    }
    for pattern in [
        "linux-image-6\\.1\\.",
        "linux-image-6\\.12\\.",
        "linux-binary-[0-9]",
    ] {
        let found = apt.search(&format!("^{pattern}.*-cloud-amd64$"))?;
        let package = apt::newest(found)
            .with_context(|| format!("no package matches {pattern}*-cloud-amd64"))?;
        fetch_kernel(apt, &package, &draft.join("kernels"))?;
    }
    Ok(())
}

fn fetch_images(cache: &Cache, draft: &Path) -> Result<()> {
    eprintln!("fetching Memtest86+, Xen and ukify (once)");
    let apt = &Apt::for_downloads(cache)?;
    apt.update()?;
    for (package, release) in IMAGES {
        match release {
            Some(release) => apt.unpack(&format!("{package}/{release}"), draft)?,
            None => apt.unpack(package, draft)?,
        }
    }
    let xen = decompressed(&draft.join(format!("{XEN}.gz")))?;
    fs::write(draft.join(XEN), xen)?;
    Ok(())
}

/// Keeps a kernel's image and the modules that guests need.
fn fetch_kernel(apt: &Apt, package: &str, kernels: &Path) -> Result<()> {
    let whole = made(kernels.join("whole"))?;
    apt.unpack(package, &whole)?;
    if let Some(release) = package.strip_prefix("linux-binary-") {
        apt.unpack(&format!("linux-modules-{release}"), &whole)?;
        // The lists of what is built in.
        apt.unpack(&format!("linux-base-{release}"), &whole)?;
    }
    let release = package
        .trim_start_matches("linux-image-")
        .trim_start_matches("linux-binary-");
    let kept = made(kernels.join(release))?;
    let image = first(&whole, &|p| file_name(p).starts_with("vmlinuz"))
        .with_context(|| format!("{package} has no kernel image"))?;
    fs::copy(image, kept.join("vmlinuz"))?;
    Modules::keep(&whole, release, &kept)?;
    fs::remove_dir_all(&whole)?;
    Ok(())
}

fn kernels(folder: &Path) -> Result<Vec<Kernel>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let release = entry.file_name().to_string_lossy().into_owned();
        let label = release.split('.').take(2).collect::<Vec<_>>().join(".");
        found.push(Kernel {
            label,
            image: entry.path().join("vmlinuz"),
            modules: Modules(entry.path().join("modules")),
            release,
        });
    }
    found.sort_by_key(|k| apt::numbers(&k.release));
    Ok(found)
}

/// virt-firmware writes keys into the firmware's variable store; ukify needs pefile; drgn reads dumps.
fn make_venv(draft: &Path) -> Result<()> {
    exec::run(Command::new("python3").args(["-m", "venv"]).arg(draft))?;
    let mut pip = Command::new(draft.join("bin/python3"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "virt-firmware",
        "pefile",
        "drgn",
    ]);
    exec::run(&mut pip)
        .context("installing virt-firmware, pefile and drgn from the Python package index")
}

fn made(folder: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The first file below `folder` that `wanted` accepts.
fn first(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        let kind = entry.file_type().ok()?;
        if kind.is_dir() {
            if let Some(found) = first(&path, wanted) {
                return Some(found);
            }
        } else if kind.is_file() && wanted(&path) {
            return Some(path);
        }
    }
    None
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default()
}
