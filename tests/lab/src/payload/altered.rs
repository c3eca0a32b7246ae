//! Good images spoilt in two ways, in directories laid out as the payload is: under `bad/bit` they have one bit
//! changed, under `bad/transplant` they carry the signature of another image. All of these signatures are
//! good ones of trusted signers, so that it is for the image alone that they are refused.

use fs_err as fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use baton_formats::elf::Elf;
use baton_formats::module_signature;

use crate::fetch::packages::MAIN;
use crate::{exec, keys};

/// The kernel whose signatures [`MAIN`]'s get.
const DONOR: &str = "6.1";

/// Adds `bad/bit` and `bad/transplant`.
pub(super) fn add(tree: &Path) -> Result<()> {
    flip_bits(tree, &tree.join("bad/bit"))?;
    transplant(tree, &tree.join("bad/transplant"))
}

fn flip_bits(tree: &Path, bad: &Path) -> Result<()> {
    link_directories(tree, bad)?;
    for name in [
        format!("uki/{MAIN}.efi"),
        "uki/cmdline.addon.efi".into(),
        format!("elf/{MAIN}.appended"),
        format!("elf/{MAIN}.note"),
        format!("elf/{MAIN}.detached"),
        format!("manifest/{MAIN}"),
        "manifest/memtest".into(),
        "manifest/xen".into(),
        format!("kernels/{MAIN}/vmlinuz"),
        "initrds/extra.img".into(),
    ] {
        flip(&tree.join(&name), &bad.join(&name))?;
    }
    // Beside the good one, which the changed kernel needs.
    let manifest = |name: &str| bad.join("manifest").join(name);
    flip(
        &manifest(&format!("{MAIN}.manifest")),
        &manifest("changed.manifest"),
    )?;
    fs::hard_link(
        manifest(&format!("{MAIN}.manifest.p7s")),
        manifest("changed.manifest.p7s"),
    )?;
    Ok(())
}

fn transplant(tree: &Path, bad: &Path) -> Result<()> {
    link_directories(tree, bad)?;
    let name = |pattern: &str, label: &str| pattern.replace('*', label);
    for (pattern, from) in [
        ("uki/*.efi", "uki/*.efi"),
        ("uki/cmdline.addon.efi", "uki/*.efi"),
        ("kernels/*/vmlinuz", "kernels/*/vmlinuz"),
    ] {
        let image = tree.join(name(pattern, MAIN));
        authenticode(
            &tree.join(name(from, DONOR)),
            &image,
            &bad.join(name(pattern, MAIN)),
        )?;
    }
    for (pattern, exchange) in [
        (
            "elf/*.appended",
            appended as fn(&[u8], Vec<u8>) -> Result<Vec<u8>>,
        ),
        ("elf/*.note", note),
        ("elf/*.detached.p7s", whole),
        ("manifest/*.manifest.p7s", whole),
    ] {
        let from = fs::read(tree.join(name(pattern, DONOR)))?;
        let place = bad.join(name(pattern, MAIN));
        let changed = exchange(&from, fs::read(&place)?)?;
        replace(&place, &changed)?;
    }
    let from = fs::read(tree.join(name("manifest/*.manifest.p7s", DONOR)))?;
    for other in ["memtest", "xen"] {
        replace(&bad.join(format!("manifest/{other}.manifest.p7s")), &from)?;
    }
    Ok(())
}

/// The same files under other names, not copied: what is altered is replaced.
fn link_directories(tree: &Path, bad: &Path) -> Result<()> {
    for directory in [
        "uki",
        "elf",
        "manifest",
        "initrds",
        &format!("kernels/{MAIN}"),
    ] {
        for entry in fs::read_dir(tree.join(directory))? {
            let entry = entry?;
            let place = bad.join(directory).join(entry.file_name());
            fs::create_dir_all(bad.join(directory))?;
            fs::hard_link(entry.path(), place)?;
        }
    }
    Ok(())
}

/// Puts new contents in the place of a link, and not into the file that it shares.
fn replace(place: &Path, contents: &[u8]) -> Result<()> {
    if place.exists() {
        fs::remove_file(place)?;
    }
    fs::write(place, contents).with_context(|| format!("writing {}", place.display()))
}

/// Changes a bit in the middle, far from every header and signature.
fn flip(image: &Path, out: &Path) -> Result<()> {
    let mut bytes = fs::read(image)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("an empty file")? ^= 1;
    replace(out, &bytes)
}

/// A PE image's first signature, on another image.
fn authenticode(from: &Path, image: &Path, out: &Path) -> Result<()> {
    let signature = out.with_extension("signature");
    exec::run(
        exec::tool("sbattach")
            .arg("--detach")
            .arg(&signature)
            .arg(from),
    )?;
    fs::remove_file(out)?;
    keys::strip(image, out)?;
    exec::run(
        exec::tool("sbattach")
            .arg("--attach")
            .arg(&signature)
            .arg(out),
    )?;
    Ok(fs::remove_file(signature)?)
}

/// What follows one file's data, after the other's.
fn appended(from: &[u8], file: Vec<u8>) -> Result<Vec<u8>> {
    let signed = |bytes| -> Result<usize> {
        let parts = module_signature::split(bytes).map_err(|e| anyhow!("{e}"))?;
        Ok(parts.context("no appended signature")?.data.len())
    };
    let trailer = from.get(signed(from)?..).context("no trailer")?;
    let mut changed = file.get(..signed(&file)?).context("no data")?.to_vec();
    changed.extend(trailer);
    Ok(changed)
}

/// The signature in one file's note, in the other's, which has the same room for it.
fn note(from: &[u8], mut file: Vec<u8>) -> Result<Vec<u8>> {
    let range = |bytes| -> Result<_> {
        let elf = Elf::parse(bytes).map_err(|e| anyhow!("{e}"))?;
        elf.signature_note().context("no signature note")
    };
    let (source, place) = (range(from)?, range(&file)?);
    ensure!(source.len() == place.len(), "the notes differ in length");
    let signature = from.get(source).context("no signature")?;
    file.get_mut(place)
        .context("no place")?
        .copy_from_slice(signature);
    Ok(file)
}

/// One file in the other's place.
fn whole(from: &[u8], _: Vec<u8>) -> Result<Vec<u8>> {
    Ok(from.to_vec())
}
