//! What every virtual machine is made of, fetched by package name into the cache.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow};
use fs_err as fs;

use crate::fetch::apt::{self, Apt, Releases};
use crate::fetch::cache::{Cache, Entry};
use crate::fetch::modules::Modules;
use crate::fetch::python;

/// Packages of firmware, boot programs and guests' tools, unpacked as they are.
const FIRMWARE: &[&str] = &[
    "ovmf",
    "shim-signed",
    "grub-efi-amd64-signed",
    "systemd-boot-efi",
    "busybox-static",
];

/// A kernel to be fetched: what it is called in the cache, and where it is found.
struct Wanted {
    name: &'static str,
    /// Its package's name, as a regular expression.
    package: &'static str,
    releases: Releases,
}

/// Oldest first.
const KERNELS: &[Wanted] = &[
    Wanted {
        name: "6.1",
        package: r"linux-image-6\.1\..*-cloud-amd64",
        releases: Releases::Stable,
    },
    FOR_MOST_SCENARIOS,
    Wanted {
        name: "newest",
        package: "linux-binary-[0-9].*-cloud-amd64",
        releases: Releases::WithNewest,
    },
];

/// The kernel that most scenarios run, and that bad variants are made of.
pub const MAIN: &str = "6.12";

/// That one.
const FOR_MOST_SCENARIOS: Wanted = Wanted {
    name: MAIN,
    package: r"linux-image-6\.12\..*-cloud-amd64",
    releases: Releases::Stable,
};

/// Debian's kernels for virtual machines can't be Xen's first guest.
const FIRST_GUEST: Wanted = Wanted {
    name: "xen-guest",
    package: r"linux-image-6\.12\.[^-]*-amd64",
    releases: Releases::Stable,
};

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

/// Firmware, boot loaders and kernels.
#[derive(Debug, Clone)]
pub struct Packages {
    /// Oldest first.
    pub kernels: Vec<Kernel>,
    /// What was built from source besides, where a scenario wants it: see [`super::built`].
    pub built: Vec<Kernel>,
    firmware: PathBuf,
    python: PathBuf,
}

impl Packages {
    /// Fetches what isn't in the cache yet, with every kernel.
    pub fn fetch(cache: &Cache) -> Result<Packages> {
        Packages::with_kernels(cache, KERNELS)
    }

    /// The same with the kernel that most scenarios run alone.
    pub fn fetch_for_demo(cache: &Cache) -> Result<Packages> {
        Packages::with_kernels(cache, &[FOR_MOST_SCENARIOS])
    }

    /// None needs another, and all of them mostly wait for the network.
    fn with_kernels(cache: &Cache, wanted: &[Wanted]) -> Result<Packages> {
        thread::scope(|scope| {
            let python = scope
                .spawn(|| python::environment(cache, Entry::FirmwarePython, &["virt-firmware"]));
            let kernels: Vec<_> = wanted
                .iter()
                .map(|wanted| scope.spawn(move || Kernel::fetch(cache, wanted)))
                .collect();
            let firmware = cache.once(Entry::Firmware, |draft| {
                Apt::for_downloads(cache, Releases::Stable)?.unpack_all(FIRMWARE, draft)
            });
            let joined = |panicked| anyhow!("fetching panicked: {panicked:?}");
            Ok(Packages {
                kernels: kernels
                    .into_iter()
                    .map(|kernel| kernel.join().map_err(joined)?)
                    .collect::<Result<_>>()?,
                built: Vec::new(),
                firmware: firmware?,
                python: python.join().map_err(joined)??,
            })
        })
    }

    /// The kernel called `label`.
    pub fn kernel(&self, label: &str) -> Result<&Kernel> {
        self.kernels
            .iter()
            .chain(&self.built)
            .find(|k| k.label == label)
            .with_context(|| format!("no kernel {label} was fetched"))
    }

    /// A file of OVMF, the firmware.
    pub fn ovmf(&self, name: &str) -> PathBuf {
        self.firmware.join("usr/share/OVMF").join(name)
    }

    /// The test key whose public half is in `OVMF_VARS_4M.snakeoil.fd`, and its certificate.
    pub fn snakeoil(&self) -> (PathBuf, PathBuf) {
        let directory = self.firmware.join("usr/share/ovmf");
        (
            directory.join("PkKek-1-snakeoil.key"),
            directory.join("PkKek-1-snakeoil.pem"),
        )
    }

    /// shim, signed by Microsoft.
    pub fn shim(&self) -> PathBuf {
        self.firmware.join("usr/lib/shim/shimx64.efi.signed")
    }

    /// GRUB, signed by Debian.
    pub fn grub(&self) -> PathBuf {
        self.firmware
            .join("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed")
    }

    /// busybox, linked statically.
    pub fn busybox(&self) -> PathBuf {
        self.firmware.join("bin/busybox")
    }

    /// systemd-boot, not signed.
    pub fn systemd_boot(&self) -> PathBuf {
        self.firmware
            .join("usr/lib/systemd/boot/efi/systemd-bootx64.efi")
    }

    /// `virt-fw-vars`, which edits the firmware's variable store. Its own script names the directory it
    /// was installed in, so that it is called by module instead.
    pub fn fw_vars(&self) -> Command {
        let mut command = python::command(&self.python);
        command.args(["-c", "from virt.firmware.vars import main; main()"]);
        command
    }

    /// The trees that these packages were unpacked into, each by a name for people.
    pub fn trees(&self) -> Vec<(String, &Path)> {
        let mut trees = vec![("firmware".to_owned(), self.firmware.as_path())];
        for kernel in &self.kernels {
            let directory = kernel.image.parent().unwrap_or(&kernel.image);
            trees.push((kernel.release.clone(), directory));
        }
        trees
    }
}

/// A file of the packages of firmware and boot loaders, if they have been fetched.
pub fn fetched(cache: &Cache, file: &str) -> Option<PathBuf> {
    Some(cache.find(Entry::Firmware)?.join(file))
}

impl Kernel {
    /// The one that Xen can have as its first guest.
    pub fn for_xen(cache: &Cache) -> Result<Kernel> {
        Kernel::fetch(cache, &FIRST_GUEST)
    }

    fn fetch(cache: &Cache, wanted: &Wanted) -> Result<Kernel> {
        let directory = cache.once(Entry::Kernel(wanted.name), |draft| {
            let apt = Apt::for_downloads(cache, wanted.releases)?;
            let found = apt.search(&format!("^{}$", wanted.package))?;
            let package = apt::newest(found)
                .with_context(|| format!("no package matches {}", wanted.package))?;
            fetch_kernel(&apt, &package, draft)
        })?;
        Kernel::find(&directory)
    }

    /// Below the only directory there, which is called by its release.
    pub(super) fn find(directory: &Path) -> Result<Kernel> {
        let entry = fs::read_dir(directory)?
            .next()
            .with_context(|| format!("{} is empty: remove it", directory.display()))??;
        let release = entry.file_name().to_string_lossy().into_owned();
        Ok(Kernel {
            label: release.split('.').take(2).collect::<Vec<_>>().join("."),
            image: entry.path().join("vmlinuz"),
            modules: Modules(entry.path().join("modules")),
            release,
        })
    }
}

/// Keeps a kernel's image and the modules that guests need.
fn fetch_kernel(apt: &Apt, package: &str, draft: &Path) -> Result<()> {
    let whole = draft.join("whole");
    match package.strip_prefix("linux-binary-") {
        None => apt.unpack_all(&[package], &whole)?,
        Some(release) => apt.unpack_all(
            &[
                package,
                &format!("linux-modules-{release}"),
                // The lists of what is built in.
                &format!("linux-base-{release}"),
            ],
            &whole,
        )?,
    }
    let release = package
        .trim_start_matches("linux-image-")
        .trim_start_matches("linux-binary-");
    let kept = draft.join(release);
    fs::create_dir_all(&kept)?;
    let image = first(&whole, &|p| file_name(p).starts_with("vmlinuz"))
        .with_context(|| format!("{package} has no kernel image"))?;
    fs::copy(image, kept.join("vmlinuz"))?;
    Modules::keep(&whole, release, &kept)?;
    fs::remove_dir_all(&whole)?;
    Ok(())
}

/// The first file below `directory` that `wanted` accepts.
fn first(directory: &Path, wanted: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    for entry in fs::read_dir(directory).ok()?.flatten() {
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
