//! The disk with everything that guests load: kernels good and bad, gates, handovers, programs.
//!
//! | path | |
//! |---|---|
//! | `bin/kexec`, `bin/baton` | stock kexec (its libraries are under `system/`), and ours |
//! | `drop-in/kexec` | ours by that name |
//! | `scripts/{kexec-load,kexec}` | what Debian's kexec-tools runs at shutdown |
//! | `newer` | the newest cryptsetup, its libraries, and a dynamic linker for it |
//! | `bin/{lvm,dmsetup,mdadm,cryptsetup,mke2fs,mkfs.btrfs}` | what makes volumes, arrays and file systems, as distributed |
//! | `bin/busybox` | for what no program of ours does |
//! | `bin/baton-capture` | what captures a crash |
//! | `modules/RELEASE/MODULE/` | a module and what it needs, decompressed |
//! | `system/lib/modules/RELEASE` | the same, as Debian's packages install them |
//! | `kernels/LABEL/vmlinuz`, `initrd.img` | Debian's signed kernel, and our initrd for it |
//! | `kernels/{capture,crypt}/vmlinuz` | what was built from source, where a scenario wants it, signed by the MOK |
//! | `kernels/LABEL/db.efi` | the same kernel, signed with the db key alone |
//! | `kernels/6.12/{p256,p384}.efi` | the same kernel, signed with ECDSA |
//! | `kernels/6.12/{token,pkcs12,encrypted,offline}.efi` | the same kernel, signed by the MOK, by how that is held |
//! | `initrds/extra.img` | a second initrd |
//! | `initrds/large.img` | one that is large, and nowhere zero |
//! | `uki/LABEL.efi`, `uki/profiles.efi` | a UKI of that kernel; the same of 6.12 with a second profile |
//! | `uki/cmdline.addon.efi` | an addon that lengthens the command line |
//! | `elf/LABEL.{appended,note,detached}` | the ELF kernel in Debian's bzImage, signed in each way |
//! | `manifest/{LABEL,memtest,xen}` | kernels without a signature, and manifests of theirs beside them |
//! | `xen-guest/{vmlinuz,initrd.img}` | a kernel that Xen can have as its first guest, and our initrd for it |
//! | `manifest/xen-guest.manifest` | of Xen with these two |
//! | `bad/{bit,transplant}/` | the same files with one bit changed, or another image's signature |
//! | `bad/*.efi` | kernels that must be refused |
//! | `gate/{mok,db,untrusted}.efi` | the gate, by who signed it |
//! | `gate/{signed-initrd,sealed,forcing,scoped,sbat,revoking-*}.efi` | the gate with other policies, or with a list of what is revoked |
//! | `own-key.pem`, `gate/own-key.efi`, `kernels/6.12/own-key.efi` | the certificate of a key that `baton keys new` made, and what it signed |
//! | `bad/*.handover` | handovers that must be refused |
//! | `bad/signed-initrd.img` | a signed initrd that would run as a kernel |
//! | `bad/ssdt/LABEL.img` | that kernel's initrd, with a table for ACPI |
//! | `judged/*` | images of which it is told beforehand what the kernel will say |

mod acpi;
mod altered;
mod elf;
pub mod forge;
pub mod gate;
pub mod held;
pub mod initrd;
pub mod initrd_kernel;
pub mod judged;
mod making;
mod manifest;
pub mod own_key;
mod signature_list;
mod signer;
pub mod steps;
pub mod uki;
mod vmlinux;

use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use baton_guest::script::EARLY_MODULES;

use crate::exec;
use crate::fetch::extras::Extras;
use crate::fetch::packages::{Kernel, MAIN, Packages};
use crate::image::cpio::Archive;
use crate::image::disk;
use crate::keys::{self, Keys, Pair};
use crate::programs::Ours;
use making::Making;
use signer::Signer;

/// The variable stores' names, beside the disk's: of a machine whose owner has revoked the UKI of the main kernel, and of
/// one that has the keys of [`judged`].
pub const VARS_REVOKING: &str = "vars-revoking.fd";
/// As above.
pub const VARS_JUDGED: &str = "vars-judged.fd";

/// Makes the disk. The second result says why it has no gate, if it has none.
pub fn make(
    work: &Path,
    packages: &Packages,
    extras: &Extras,
    keys: &Keys,
    ours: &Result<Ours, String>,
) -> Result<(PathBuf, Result<(), String>)> {
    let tree = usual(work, packages, keys)?;
    stock_kexec(extras, &tree)?;
    lvm(extras, &tree)?;
    add_first_guest(&tree, extras)?;
    let mut large = Archive::default();
    large.file("marker-large", &[0xa5; 24 << 20])?;
    fs::write(tree.join("initrds/large.img"), large.finish()?)?;
    bad_kernels(&tree, keys)?;
    acpi::add(&tree, packages)?;
    for (name, pair) in [("p256", &keys.p256), ("p384", &keys.p384)] {
        let kernels = tree.join("kernels").join(MAIN);
        resign(
            pair,
            &kernels.join("vmlinuz"),
            &kernels.join(format!("{name}.efi")),
        )?;
    }
    let gate = ours.as_ref().map_err(Clone::clone).and_then(|ours| {
        add_ours(work, &tree, packages, extras, keys, ours).map_err(|error| format!("{error:#}"))
    });
    Ok((image(work, &tree)?, gate))
}

/// Makes the disk for the demo: kernels, the stock gate, and `baton` alone.
pub fn make_for_demo(
    work: &Path,
    packages: &Packages,
    keys: &Keys,
    ours: &Ours,
) -> Result<PathBuf> {
    let tree = usual(work, packages, keys)?;
    fs::copy(&ours.baton, tree.join("bin/baton"))?;
    gate::add_stock(&tree, keys, ours)?;
    image(work, &tree)
}

/// The tree with what every disk has: kernels with their initrds, and another initrd.
fn usual(work: &Path, packages: &Packages, keys: &Keys) -> Result<PathBuf> {
    let tree = work.join("payload");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    for directory in ["bin", "kernels", "initrds", "bad", "gate", "system/usr/lib"] {
        fs::create_dir_all(tree.join(directory))?;
    }
    for kernel in &packages.kernels {
        add_kernel(work, &tree, keys, kernel)?;
    }
    fs::copy(packages.busybox(), tree.join("bin/busybox"))?;
    let mut extra = Archive::default();
    extra.file("marker-extra", b"extra")?;
    fs::write(tree.join("initrds/extra.img"), extra.finish()?)?;
    Ok(tree)
}

/// Adds kernels that were built from source to the disk that [`make`] made, signed by the machines' owner; returns them as
/// they are there.
pub fn add_built(work: &Path, keys: &Keys, built: Vec<Kernel>) -> Result<Vec<Kernel>> {
    let tree = work.join("payload");
    let mut signed = Vec::new();
    for kernel in built {
        let directory = tree.join("kernels").join(&kernel.label);
        fs::create_dir_all(&directory)?;
        let image = directory.join("vmlinuz");
        keys::sign(&keys.mok, &kernel.image, &image)?;
        add_modules(&tree, &kernel, &[GUEST_MODULES, BUILT_MODULES])?;
        signed.push(Kernel { image, ..kernel });
    }
    image(work, &tree)?;
    Ok(signed)
}

fn image(work: &Path, tree: &Path) -> Result<PathBuf> {
    let image = work.join("payload.img");
    disk::ext4(&image, tree)?;
    Ok(image)
}

fn stock_kexec(extras: &Extras, tree: &Path) -> Result<()> {
    let from = extras.kexec_tree();
    fs::copy(from.join("sbin/kexec"), tree.join("bin/kexec"))?;
    libraries(from, tree)?;
    kexec_scripts(from, tree)
}

fn lvm(extras: &Extras, tree: &Path) -> Result<()> {
    let from = extras.lvm_tree();
    for program in [
        "sbin/lvm",
        "sbin/dmsetup",
        "sbin/mdadm",
        "sbin/mke2fs",
        "sbin/mkfs.btrfs",
        "sbin/cryptsetup",
        "bin/btrfs",
    ] {
        let name = program.rsplit('/').next().unwrap_or(program);
        fs::copy(from.join(program), tree.join("bin").join(name))?;
    }
    newest_cryptsetup(extras, tree)?;
    libraries(from, tree)
}

/// With a library path and a dynamic linker of its own.
fn newest_cryptsetup(extras: &Extras, tree: &Path) -> Result<()> {
    let place = tree.join("newer");
    fs::create_dir_all(&place)?;
    let (program, libraries) = extras.newest_cryptsetup();
    fs::copy(program, place.join("cryptsetup"))?;
    for entry in fs::read_dir(libraries)? {
        let path = entry?.path();
        // Links, too, become files.
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            fs::copy(&path, place.join(name))?;
        }
    }
    Ok(())
}

/// What programs link, where guests' loaders look for it.
fn libraries(from: &Path, tree: &Path) -> Result<()> {
    for (source, place) in [
        ("lib", "system/lib"),
        ("lib64", "system/lib64"),
        (
            "usr/lib/x86_64-linux-gnu",
            "system/usr/lib/x86_64-linux-gnu",
        ),
    ] {
        // What is in the directory, since the kernels' modules may be in the other one already.
        let place = tree.join(place);
        fs::create_dir_all(&place)?;
        exec::run(
            Command::new("cp")
                .args(["-a", "--no-preserve=ownership"])
                .arg(from.join(source).join("."))
                .arg(place),
        )?;
    }
    // Character sets: large, and nobody converts any.
    let conversions = tree.join("system/usr/lib/x86_64-linux-gnu/gconv");
    if conversions.exists() {
        fs::remove_dir_all(conversions)?;
    }
    Ok(())
}

/// What Debian's scripts say in which words is nobody's matter here.
const INIT_FUNCTIONS: &str = "\
log_action_begin_msg() { echo \"$@\"; }
log_action_end_msg() { echo \"ended with $1\"; }
log_action_msg() { echo \"$@\"; }
log_failure_msg() { echo \"$@\"; }
";

/// The scripts that Debian's kexec-tools runs when the machine is shut down.
fn kexec_scripts(from: &Path, tree: &Path) -> Result<()> {
    let scripts = tree.join("scripts");
    fs::create_dir_all(&scripts)?;
    for name in ["kexec-load", "kexec"] {
        fs::copy(from.join("etc/init.d").join(name), scripts.join(name))?;
    }
    let functions = tree.join("system/lib/lsb");
    fs::create_dir_all(&functions)?;
    Ok(fs::write(functions.join("init-functions"), INIT_FUNCTIONS)?)
}

fn add_kernel(work: &Path, tree: &Path, keys: &Keys, kernel: &Kernel) -> Result<()> {
    let directory = tree.join("kernels").join(&kernel.label);
    fs::create_dir_all(&directory)?;
    fs::copy(&kernel.image, directory.join("vmlinuz"))?;
    fs::copy(initrd::path(work, kernel), directory.join("initrd.img"))?;
    add_modules(tree, kernel, &[GUEST_MODULES])?;
    resign(&keys.db, &kernel.image, &directory.join("db.efi"))
}

/// Modules that guests load themselves.
const GUEST_MODULES: &[&str] = &[
    "ahci",
    "btrfs",
    "dm_mod",
    "dm_multipath",
    "dm_round_robin",
    "dm_snapshot",
    "ext4",
    "i6300esb",
    "linear",
    "nls_ascii",
    "nls_cp437",
    "raid0",
    "raid1",
    "raid10",
    "sd_mod",
    "vfat",
    "virtio_blk",
    "virtio_net",
    "virtio_pci",
    "virtio_scsi",
    "xfs",
];

/// What those load besides whose kernel is built from source: all of its modules are there.
const BUILT_MODULES: &[&str] = &["algif_skcipher", "dm_crypt", "dm_raid"];

fn add_modules(tree: &Path, kernel: &Kernel, names: &[&[&str]]) -> Result<()> {
    let installed = tree.join("system/lib/modules");
    fs::create_dir_all(&installed)?;
    let from = &kernel.modules.0;
    exec::run(
        Command::new("cp")
            .args(["-a", "--no-preserve=ownership"])
            .arg(from)
            .arg(installed.join(&kernel.release)),
    )?;
    for name in names.iter().copied().flatten() {
        let directory = tree.join("modules").join(&kernel.release).join(name);
        fs::create_dir_all(&directory)?;
        for (number, (module, bytes)) in kernel.modules.loadable(&[name])?.iter().enumerate() {
            fs::write(directory.join(format!("{number:02}-{module}.ko")), bytes)?;
        }
    }
    Ok(())
}

/// What Xen starts first must find its disks with modules: our initrd goes after an archive of these.
fn add_first_guest(tree: &Path, extras: &Extras) -> Result<()> {
    let directory = tree.join("xen-guest");
    fs::create_dir_all(&directory)?;
    fs::copy(&extras.first_guest.image, directory.join("vmlinuz"))?;
    let mut modules = Archive::default();
    modules.directory(EARLY_MODULES)?;
    let found = extras.first_guest.modules.loadable(FIRST_GUEST_MODULES)?;
    for (number, (name, bytes)) in found.iter().enumerate() {
        modules.file(&format!("{EARLY_MODULES}/{number:02}-{name}.ko"), bytes)?;
    }
    let mut initrd = modules.finish()?;
    initrd.extend(fs::read(
        tree.join("kernels").join(MAIN).join("initrd.img"),
    )?);
    Ok(fs::write(directory.join("initrd.img"), initrd)?)
}

/// What the payload's disk and file system need in a kernel that isn't made for virtual machines.
const FIRST_GUEST_MODULES: &[&str] = &["crc32c_generic", "ext4", "nvme"];

/// The running kernel judges an image by its first signature, so Debian's must go first.
fn resign(pair: &Pair, image: &Path, out: &Path) -> Result<()> {
    let bare = out.with_extension("bare");
    keys::strip(image, &bare)?;
    keys::sign(pair, &bare, out)?;
    Ok(fs::remove_file(bare)?)
}

fn bad_kernels(tree: &Path, keys: &Keys) -> Result<()> {
    let good = tree.join("kernels").join(MAIN).join("vmlinuz");
    let bad = tree.join("bad");
    keys::strip(&good, &bad.join("unsigned.efi"))?;
    resign(&keys.untrusted, &good, &bad.join("untrusted.efi"))?;
    let mut bytes = fs::read(&good)?;
    // In the middle of the compressed kernel, far from every header.
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("an empty kernel")? ^= 1;
    Ok(fs::write(bad.join("flipped.efi"), bytes)?)
}

/// A variable store, beside the disk's tree.
fn vars(tree: &Path, name: &str) -> PathBuf {
    tree.with_file_name(name)
}

/// `baton` by its other name.
fn drop_in(tree: &Path) -> Result<()> {
    fs::create_dir_all(tree.join("drop-in"))?;
    Ok(fs::os::unix::fs::symlink(
        "../bin/baton",
        tree.join("drop-in/kexec"),
    )?)
}

/// What is built from our sources, and forged with it.
fn add_ours(
    work: &Path,
    tree: &Path,
    packages: &Packages,
    extras: &Extras,
    keys: &Keys,
    ours: &Ours,
) -> Result<()> {
    fs::copy(&ours.baton, tree.join("bin/baton"))?;
    drop_in(tree)?;
    if let Some(capture) = &ours.capture {
        fs::copy(capture, tree.join("bin/baton-capture"))?;
    }
    let making = Making {
        tree,
        packages,
        extras,
        signer: Signer {
            baton: &ours.baton,
            pair: &keys.mok,
        },
    };
    uki::add(&making)?;
    gate::add(tree, keys, ours)?;
    forge::handovers(tree)?;
    initrd_kernel::add(tree, &making.signer)?;
    elf::add(&making)?;
    manifest::add(&making)?;
    held::add(tree, work, &making.signer)?;
    let revoked = gate::revoked_image(tree)?;
    let revoked = [("MokListX", &revoked[..])];
    keys::store(packages, keys, &revoked, &vars(tree, VARS_REVOKING))?;
    own_key::add(tree, packages, keys, ours)?;
    judged::add(&making, keys, &vars(tree, VARS_JUDGED))?;
    altered::add(tree)
}
