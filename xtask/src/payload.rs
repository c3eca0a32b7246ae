//! The disk with everything that guests load: kernels good and bad, gates, handovers, programs.
//!
//! | path | |
//! |---|---|
//! | `bin/kexec`, `bin/baton` | stock kexec (its libraries are under `system/`), and ours |
//! | `kernels/LABEL/vmlinuz`, `initrd.img` | Debian's signed kernel, and our initrd for it |
//! | `kernels/LABEL/db.efi` | the same kernel, signed with the db key alone |
//! | `initrds/extra.img` | a second initrd |
//! | `bad/*.efi` | kernels that must be refused |
//! | `gate/{mok,db,untrusted}.efi` | the gate, by who signed it |
//! | `bad/*.handover` | handovers that must be refused |

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cpio::Archive;
use crate::keys::{self, Keys, Pair};
use crate::packages::{Kernel, Packages};
use crate::{build, disk, exec, forge, gate, lab};

/// The kernel that bad variants are made of.
pub const MAIN: &str = "6.12";

/// Makes the disk. The second result says why it has no gate, if it has none.
pub fn make(
    root: &Path,
    work: &Path,
    packages: &Packages,
    keys: &Keys,
) -> Result<(PathBuf, Result<()>)> {
    let tree = work.join("payload");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    for folder in ["bin", "kernels", "initrds", "bad", "gate", "system/usr/lib"] {
        fs::create_dir_all(tree.join(folder))?;
    }
    stock_kexec(packages, &tree)?;
    for kernel in &packages.kernels {
        add_kernel(work, &tree, keys, kernel)?;
    }
    let mut extra = Archive::default();
    extra.file("marker-extra", b"extra")?;
    fs::write(tree.join("initrds/extra.img"), extra.finish()?)?;
    bad_kernels(&tree, keys)?;
    let gate = add_ours(root, &tree, keys);
    let image = work.join("payload.img");
    disk::ext4(&image, &tree)?;
    Ok((image, gate))
}

fn stock_kexec(packages: &Packages, tree: &Path) -> Result<()> {
    let from = packages.kexec_tree();
    fs::copy(from.join("sbin/kexec"), tree.join("bin/kexec"))?;
    for (source, place) in [
        ("lib", "system/lib"),
        ("lib64", "system/lib64"),
        (
            "usr/lib/x86_64-linux-gnu",
            "system/usr/lib/x86_64-linux-gnu",
        ),
    ] {
        exec::run(
            Command::new("cp")
                .args(["-a", "--no-preserve=ownership"])
                .arg(from.join(source))
                .arg(tree.join(place)),
        )?;
    }
    // Character sets: large, and nobody converts any.
    let conversions = tree.join("system/usr/lib/x86_64-linux-gnu/gconv");
    if conversions.exists() {
        fs::remove_dir_all(conversions)?;
    }
    Ok(())
}

fn add_kernel(work: &Path, tree: &Path, keys: &Keys, kernel: &Kernel) -> Result<()> {
    let folder = tree.join("kernels").join(&kernel.label);
    fs::create_dir_all(&folder)?;
    fs::copy(&kernel.image, folder.join("vmlinuz"))?;
    fs::copy(lab::initrd_path(work, kernel), folder.join("initrd.img"))?;
    resign(&keys.db, &kernel.image, &folder.join("db.efi"))
}

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

/// What is built from our sources. Without it, scenarios that need it fail and say why.
fn add_ours(root: &Path, tree: &Path, keys: &Keys) -> Result<()> {
    let baton = build::static_program(root, "baton", "baton")?;
    fs::copy(&baton, tree.join("bin/baton"))?;
    let stub = gate::build(root)?.image;
    for (name, pair) in [
        ("mok", &keys.mok),
        ("db", &keys.db),
        ("untrusted", &keys.untrusted),
    ] {
        let bare = tree.join("gate").join(format!("{name}.bare"));
        exec::run(
            Command::new(&baton)
                .args(["gate", "build", "--stub"])
                .arg(&stub)
                // Without shim there is no MOK table: the gate must bring the keys itself.
                .arg("--cert")
                .arg(&keys.debian_ca)
                .arg("--cert")
                .arg(&keys.db.certificate)
                .arg("--out")
                .arg(&bare),
        )?;
        let signed = bare.with_extension("efi");
        exec::run(
            Command::new(&baton)
                .arg("sign")
                .arg("--key")
                .arg(&pair.key)
                .arg("--cert")
                .arg(&pair.certificate)
                .arg(&bare)
                .arg(&signed),
        )?;
        fs::remove_file(bare)?;
    }
    forge::handovers(tree)
}
