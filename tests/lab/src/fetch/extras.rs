//! What most virtual machines do without: other kernels to load, peers, and what makes and reads files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Result, anyhow};
use fs_err as fs;

use crate::fetch::apt::{self, Apt, Releases};
use crate::fetch::cache::{Cache, Entry};
use crate::fetch::modules::decompressed;
use crate::fetch::newer;
use crate::fetch::packages::Kernel;
use crate::fetch::peers::Peers;
use crate::fetch::python;

/// What the images that guests load besides kernels are made of: a package, and the release that it is
/// taken from if not [`apt::BASE`].
const IMAGES: &[(&str, Option<&str>)] = &[
    ("memtest86+", None),
    ("xen-hypervisor-4.17-amd64", None),
    // Profiles and addons need ukify 257 or newer, and its own stubs.
    ("systemd-ukify", Some(apt::NEWEST)),
    ("systemd-boot-efi", Some(apt::NEWEST)),
];

/// Where the hypervisor is put, decompressed.
const XEN: &str = "boot/xen-4.17-amd64";

/// What was fetched.
#[derive(Debug, Clone)]
pub struct Extras {
    /// Programs that read dumps.
    pub peers: Peers,
    /// A kernel that Xen can have as its first guest, as those for virtual machines can't be.
    pub first_guest: Kernel,
    stock_kexec: PathBuf,
    lvm: PathBuf,
    images: PathBuf,
    python: PathBuf,
}

impl Extras {
    /// Fetches what isn't in the cache yet. None needs another, and all of them mostly wait for the
    /// network.
    pub fn fetch(cache: &Cache) -> Result<Extras> {
        thread::scope(|scope| {
            let python =
                scope.spawn(|| python::environment(cache, Entry::ToolsPython, &["pefile", "drgn"]));
            let peers = scope.spawn(|| Peers::fetch(cache));
            let first_guest = scope.spawn(|| Kernel::for_xen(cache));
            let images = scope.spawn(|| cache.once(Entry::Images, |draft| images(cache, draft)));
            let lvm = scope.spawn(|| cache.once(Entry::Lvm, |draft| lvm(cache, draft)));
            let stock_kexec = cache.once(Entry::StockKexec, |draft| stock_kexec(cache, draft));
            let joined = |panicked| anyhow!("fetching panicked: {panicked:?}");
            Ok(Extras {
                peers: peers.join().map_err(joined)??,
                first_guest: first_guest.join().map_err(joined)??,
                stock_kexec: stock_kexec?,
                lvm: lvm.join().map_err(joined)??,
                images: images.join().map_err(joined)??,
                python: python.join().map_err(joined)??,
            })
        })
    }

    /// Stock kexec and its libraries, as a file tree.
    pub fn kexec_tree(&self) -> &Path {
        &self.stock_kexec
    }

    /// LVM, dmsetup, mdadm, cryptsetup, mke2fs, mkfs.btrfs and their libraries, as a file tree.
    pub fn lvm_tree(&self) -> &Path {
        &self.lvm
    }

    /// The newest cryptsetup, which puts a volume's key into a keyring (2.7 and later), and beside it all that it links.
    pub fn newest_cryptsetup(&self) -> (PathBuf, PathBuf) {
        let tree = self.lvm.join(NEWER);
        (tree.join("usr/sbin/cryptsetup"), newer::libraries(&tree))
    }

    /// Python, with drgn.
    pub fn python(&self) -> Command {
        python::command(&self.python)
    }

    /// `ukify`, which makes unified kernel images.
    pub fn ukify(&self) -> Command {
        let mut command = self.python();
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

    /// The trees of packages with PE files, each by a name for people.
    pub fn trees(&self) -> Vec<(String, &Path)> {
        vec![("images".to_owned(), self.images.as_path())]
    }
}

fn stock_kexec(cache: &Cache, draft: &Path) -> Result<()> {
    let apt = Apt::for_downloads(cache, Releases::Stable)?;
    apt.unpack_all(&["kexec-tools"], draft)?;
    let libraries = apt.libraries("kexec-tools", apt::BASE)?;
    apt.unpack_all(&libraries, draft)
}

/// What mke2fs needs, which the package needs to be installed at all and so doesn't list as the others do.
const MKE2FS: &[&str] = &["e2fsprogs", "libext2fs2", "libcom-err2", "libuuid1"];

fn lvm(cache: &Cache, draft: &Path) -> Result<()> {
    let apt = Apt::for_downloads(cache, Releases::Stable)?;
    let programs = ["lvm2", "dmsetup", "mdadm", "btrfs-progs", "cryptsetup-bin"];
    apt.unpack_all(&programs, draft)?;
    apt.unpack_all(MKE2FS, draft)?;
    for package in programs {
        let libraries = apt.libraries(package, apt::BASE)?;
        apt.unpack_all(&libraries, draft)?;
    }
    let newest = Apt::for_downloads(cache, Releases::WithNewest)?;
    newer::unpack(&newest, "cryptsetup-bin", &draft.join(NEWER))
}

/// Where the newest cryptsetup is in that tree.
const NEWER: &str = "newer";

fn images(cache: &Cache, draft: &Path) -> Result<()> {
    let apt = Apt::for_downloads(cache, Releases::WithNewest)?;
    let packages: Vec<String> = IMAGES
        .iter()
        .map(|(package, release)| match release {
            Some(release) => format!("{package}/{release}"),
            None => (*package).to_owned(),
        })
        .collect();
    apt.unpack_all(&packages, draft)?;
    let xen = decompressed(&draft.join(format!("{XEN}.gz")))?;
    fs::write(draft.join(XEN), xen)?;
    Ok(())
}
