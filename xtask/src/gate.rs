//! Builds the gate's stub: the image without certificates, policy and signature.
//!
//! Its bytes depend on the sources, the lock file and the toolchain alone, not on where they lie,
//! so that others can build it again and sign what they reviewed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{TARGET, cargo, run, without_paths};

/// Where `.bss` begins (gate.ld): signed sections and the signature must fit before it.
const LIMIT: usize = 0x10_0000;

/// SHA-2 in loops instead of unrolled: 24 KB less. Processors with SHA instructions don't use it for
/// SHA-256; the others hash 0.27 GB/s instead of 0.38.
pub const COMPACT_SHA2: &str = "--cfg=sha2_backend_soft=\"compact\"";

/// What was built.
pub struct Stub {
    /// The flat image.
    pub image: PathBuf,
    /// The linked program that the image was taken from, with its symbols.
    pub program: PathBuf,
}

/// What a gate can be built with: kernel formats, and the screen. Each is a feature of the package.
pub const FORMATS: [&str; 6] = ["bzimage", "uki", "elf", "pvh", "multiboot2", "screen"];

/// Some of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formats(Vec<&'static str>);

impl Formats {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Self(FORMATS.into())
    }

    /// Those in a list, separated by commas.
    ///
    /// # Errors
    /// When there is no such format, or none that can be booted.
    pub fn parse(list: &str) -> Result<Self> {
        let known = |name: &str| FORMATS.into_iter().find(|known| *known == name);
        let mut formats = Vec::new();
        for name in list.split(',') {
            let format = known(name).with_context(|| {
                format!(
                    "there is no format {name:?}: use some of {}",
                    FORMATS.join(",")
                )
            })?;
            formats.push(format);
        }
        ensure!(
            formats.iter().any(|it| *it != "screen"),
            "a gate with {list} alone boots nothing: add a format of kernels"
        );
        Ok(Self(formats))
    }

    fn features(&self) -> String {
        format!("image,{}", self.0.join(","))
    }
}

/// The gate as it is freestanding.
const IMAGE: [&str; 4] = [
    "--package",
    "baton-gate",
    "--no-default-features",
    "--features",
];

/// Builds the stub with all formats from the sources in `root` into `root/target/gate`.
///
/// # Errors
/// When cargo or objcopy fails, or what they made can't be a gate.
pub fn build(root: &Path) -> Result<Stub> {
    build_with(root, &Formats::all(), &root.join("target/gate"))
}

/// Builds it with these formats into a directory.
///
/// # Errors
/// As [`build`].
pub fn build_with(root: &Path, formats: &Formats, directory: &Path) -> Result<Stub> {
    build_as(root, formats, directory, Lines::Left)
}

/// The same with the table of the source lines that its code is from in the linked program. The image has the same
/// functions, in another order: cargo's hashes of crates, which are in the symbols' names, are of the profile, too.
///
/// # Errors
/// As [`build`].
pub fn build_with_lines(root: &Path, formats: &Formats, directory: &Path) -> Result<Stub> {
    build_as(root, formats, directory, Lines::Listed)
}

/// Whether the linked program says which source lines its code is from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Left,
    Listed,
}

fn build_as(root: &Path, formats: &Formats, directory: &Path, lines: Lines) -> Result<Stub> {
    let (target_dir, debug) = match lines {
        Lines::Left => ("target/gate-build", "none"),
        Lines::Listed => ("target/gate-lines-build", "line-tables-only"),
    };
    let target_dir = root.join(target_dir);
    run(Command::new(cargo())
        .current_dir(root)
        .env("CARGO_PROFILE_GATE_DEBUG", debug)
        .args(["build", "--locked", "--bin", "baton-gate"])
        .args(IMAGE)
        .arg(formats.features())
        .args(["--profile", "gate", "--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(root)?.join("\x1f"))
        .env("SOURCE_DATE_EPOCH", "0"))?;
    std::fs::create_dir_all(directory)?;
    let (image, program) = (directory.join("gate.stub"), directory.join("gate.elf"));
    std::fs::copy(target_dir.join(TARGET).join("gate/baton-gate"), &program)?;
    check_relocations(&program)?;
    run(Command::new("objcopy")
        .args(["-O", "binary"])
        .arg(&program)
        .arg(&image))?;
    check_image(&image)?;
    Ok(Stub { image, program })
}

/// Flags that keep paths out of the image and the image free of what a hosted program needs.
fn flags(root: &Path) -> Result<Vec<String>> {
    let mut flags: Vec<String> = [
        "-Crelocation-model=pie",
        "-Ctarget-feature=+crt-static",
        "-Cforce-unwind-tables=no",
        // Whose table of lines names files in full, where there is one.
        "-Cdwarf-version=5",
        COMPACT_SHA2,
    ]
    .map(String::from)
    .into();
    flags.extend(without_paths(root)?);
    Ok(flags)
}

/// The head applies R_X86_64_RELATIVE and nothing else.
fn check_relocations(program: &Path) -> Result<()> {
    let output = Command::new("readelf")
        .args(["--relocs", "--wide"])
        .arg(program)
        .output()
        .context("readelf")?;
    ensure!(
        output.status.success(),
        "readelf can't read {}",
        program.display()
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let other = text
        .lines()
        .find(|line| line.contains("R_X86_64_") && !line.contains("R_X86_64_RELATIVE"));
    match other {
        Some(line) => bail!("the gate has a relocation that its head can't apply: {line}"),
        None => Ok(()),
    }
}

fn check_image(image: &Path) -> Result<()> {
    let bytes = std::fs::read(image)?;
    ensure!(
        bytes.starts_with(b"MZ"),
        "{} has no PE header",
        image.display()
    );
    ensure!(
        bytes.len() % 4096 == 0 && bytes.len() < LIMIT,
        "{} is {} bytes long",
        image.display(),
        bytes.len()
    );
    Ok(())
}

/// Every crate from elsewhere that the image links, as cargo resolves it for the image alone.
///
/// # Errors
/// When cargo fails.
pub fn linked_crates(root: &Path) -> Result<BTreeSet<String>> {
    let output = Command::new(cargo())
        .current_dir(root)
        .args(["tree", "--locked"])
        .args(IMAGE)
        .arg(Formats::all().features())
        .args(["--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--format", "{p}"])
        .output()
        .context("can't start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo tree failed: {said}");
    let names = String::from_utf8(output.stdout)?;
    let names = names.lines().filter_map(|line| line.split(' ').next());
    let others = names.filter(|name| !name.is_empty() && !name.starts_with("baton"));
    Ok(others.map(str::to_owned).collect())
}
