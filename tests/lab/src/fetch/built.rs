//! Kernels built from Debian's own source, for what none of Debian's kernels has.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use fs_err as fs;
use sha2::{Digest, Sha256};

use crate::exec;
use crate::fetch::apt::{Apt, NEWEST, Releases};
use crate::fetch::cache::{Cache, Entry};
use crate::fetch::packages::Kernel;

/// The small one that captures crashes, as `dist/capture-kernel` builds it for everybody.
pub const CAPTURE: &str = "capture";

/// One that is like it and can be crashed: it loads signed kernels, and keeps keys of encrypted volumes for them.
pub const CRYPT: &str = "crypt";

/// Both, with what is merged into the configuration besides.
const KERNELS: [(&str, Option<&str>); 2] = [(CAPTURE, None), (CRYPT, Some(CRYPT_CONFIG))];

/// Whether the kernel of this label is built here.
#[must_use]
pub fn is_built(label: &str) -> bool {
    KERNELS.iter().any(|(built, _)| *built == label)
}

/// What a first kernel needs besides what the small one has.
const CRYPT_CONFIG: &str = include_str!("built/crypt.config");

/// The recipe, below the repository's root.
const RECIPE: &str = "dist/capture-kernel";

/// The package of the source.
const SOURCE: &str = "linux-source-7.2";

/// Builds them, once for each configuration; that takes minutes. `root` is the repository.
pub fn kernels(cache: &Cache, root: &Path) -> Result<Vec<Kernel>> {
    let recipe = root.join(RECIPE);
    let digest = digest(&recipe)?;
    let directory = cache.once(Entry::BuiltKernels(&digest), |draft| {
        build_all(cache, &recipe, draft)
    })?;
    let labelled = KERNELS.iter().map(|(label, _)| {
        Ok(Kernel {
            label: (*label).to_owned(),
            ..Kernel::find(&directory.join(label))?
        })
    });
    labelled.collect()
}

/// Of all that decides what is built, but for the source.
fn digest(recipe: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for name in ["build", "capture.config"] {
        hash.update(fs::read(recipe.join(name))?);
    }
    hash.update(CRYPT_CONFIG);
    let hash = hash.finalize();
    Ok(hash.iter().take(4).map(|b| format!("{b:02x}")).collect())
}

fn build_all(cache: &Cache, recipe: &Path, draft: &Path) -> Result<()> {
    let whole = draft.join("whole");
    let source = source(cache, &whole)?;
    for (label, config) in KERNELS {
        eprintln!("building the kernel {label:?} from {SOURCE} (once)");
        let output = whole.join(label);
        let mut build = Command::new(recipe.join("build"));
        build.arg(&source).arg(&output);
        build.env("LOCALVERSION", format!("-{label}"));
        if let Some(config) = config {
            let file = whole.join("config");
            fs::write(&file, config)?;
            build.arg(file);
        }
        let said = exec::output(&mut build).with_context(|| format!("building {label}"))?;
        let release = said.lines().last().context("the build named no release")?;
        keep(&output.join("installed"), release, &draft.join(label))?;
    }
    Ok(fs::remove_dir_all(&whole)?)
}

fn source(cache: &Cache, whole: &Path) -> Result<PathBuf> {
    let apt = Apt::for_downloads(cache, Releases::WithNewest)?;
    apt.unpack_all(&[format!("{SOURCE}/{NEWEST}")], whole)?;
    let archive = whole.join(format!("usr/src/{SOURCE}.tar.xz"));
    exec::run(
        Command::new("tar")
            .arg("xf")
            .arg(&archive)
            .arg("-C")
            .arg(whole),
    )?;
    Ok(whole.join(SOURCE))
}

/// The image, and the modules beside it, as [`Kernel::find`] looks for them.
fn keep(installed: &Path, release: &str, into: &Path) -> Result<()> {
    let kept = into.join(release);
    fs::create_dir_all(&kept)?;
    let modules = installed.join("lib/modules").join(release);
    fs::copy(modules.join("vmlinuz"), kept.join("vmlinuz"))?;
    Ok(fs::rename(modules, kept.join("modules"))?)
}
