//! The PE files of the packages: all tools must agree on every one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use baton_formats::pe::{Pe, PeError};
use baton_formats::sbat::Sbat;
use fs_err as fs;

use super::Tally;
use super::malformed::reference;
use super::peers::{Bench, Digest, End, TOOLS, Tool, signed_digests};

/// What must be among the files, so that a package without what it had isn't overlooked.
const EXPECTED: [&str; 10] = [
    "vmlinuz",
    "shimx64.efi.signed",
    "grubx64.efi.signed",
    "systemd-bootx64.efi",
    "linuxx64.efi.stub",
    "addonx64.efi.stub",
    "memtest86+x64.efi",
    "6.1.",
    "6.12.",
    "7.2.",
];

/// Compares the digests of all PE files in these trees, which have names for people, and lets each tool
/// verify what the others sign.
pub fn compare(bench: &Bench, trees: &[(String, &Path)]) -> Result<Tally> {
    let mut tally = Tally::default();
    println!("files of packages:");
    let files = files(trees)?;
    for expected in EXPECTED {
        if !files.iter().any(|file| file.name.contains(expected)) {
            bail!("no {expected} among the packages");
        }
    }
    for file in files {
        let PackagedFile { name, path: file } = file;
        let bytes = fs::read(&file)?;
        let found = match Pe::parse(&bytes) {
            Ok(pe) if has_malformed_sbat(&pe) => {
                among_the_others(bench, &file, &bytes, "malformed SBAT metadata", "SBAT")
            }
            Ok(pe) => file_of(bench, &file, &pe, &bytes),
            Err(PeError::Pe32) => among_the_others(bench, &file, &bytes, "a 32-bit image", "PE32+"),
            Err(error) => Ok(Found {
                line: "refused".into(),
                problems: vec![format!("Baton refuses it: {error}")],
            }),
        };
        let found = found.with_context(|| name.clone())?;
        tally.count(&format!("{name}: {}", found.line), &found.problems);
    }
    Ok(tally)
}

struct Found {
    line: String,
    problems: Vec<String>,
}

fn file_of(bench: &Bench, file: &Path, pe: &Pe<'_>, bytes: &[u8]) -> Result<Found> {
    let bare = without_signatures(pe, bytes);
    let expected = reference(&bare).context("it has no digest")?;
    let bare = bench.file("bare.efi", &bare)?;
    let mut found = as_it_is(bench, file, pe)?;
    let made_by_others = found.len();
    for tool in TOOLS {
        let who = format!("{} for it without signatures", tool.name());
        found.push((who, signed_by(bench, tool, &bare)?));
    }
    let problems = found
        .iter()
        .filter(|(_, digest)| *digest != Some(expected))
        .map(|(who, _)| format!("{who} has another digest"))
        .chain(refusals(bench)?);
    Ok(Found {
        problems: problems.collect(),
        line: format!(
            "{}, {} times the same",
            hex(&expected),
            made_by_others + TOOLS.len()
        ),
    })
}

/// The digests of a signed file: what its makers signed, and what the tools find.
fn as_it_is(bench: &Bench, file: &Path, pe: &Pe<'_>) -> Result<Vec<(String, Option<Digest>)>> {
    let mut found = Vec::new();
    for entry in pe.certificates().filter_map(Result::ok) {
        // A timestamp has such a digest, too, of the signature; it comes after the image's.
        let signed = signed_digests(entry.data).first().copied();
        found.push(("its signature".to_owned(), signed));
    }
    if found.len() == 1 {
        // osslsigncode reads no table of several entries (shim's, signed twice by Microsoft).
        let calculated = bench.calculated(file)?.and_then(|text| from_hex(&text));
        found.push(("osslsigncode".into(), calculated));
    }
    if pe.is_signed() {
        found.push(("sbsign".into(), signed_by(bench, Tool::Sbsigntool, file)?));
    }
    Ok(found)
}

/// Who refuses what another (or itself) has just signed.
fn refusals(bench: &Bench) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for signer in TOOLS {
        for verifier in TOOLS {
            let end = bench.verify(verifier, &signed_file(bench, signer))?;
            if end != End::Success {
                found.push(format!(
                    "{} refuses what {} signed ({})",
                    verifier.name(),
                    signer.name(),
                    end.words()
                ));
            }
        }
    }
    Ok(found)
}

/// shim refuses such an image as well, and signing it is no use.
fn has_malformed_sbat(pe: &Pe<'_>) -> bool {
    let sections = pe.sections();
    let mut named = sections.filter(|section| section.is_named(".sbat"));
    named.any(|section| Sbat::parse(section.data()).is_err())
}

/// Baton alone refuses it, and says this `word`; the others agree with each other.
fn among_the_others(
    bench: &Bench,
    file: &Path,
    bytes: &[u8],
    what: &str,
    word: &str,
) -> Result<Found> {
    let expected = reference(bytes);
    let mut problems = Vec::new();
    let end = bench.sign(Tool::Baton, file, &signed_file(bench, Tool::Baton))?;
    if end == End::Success || !end.words().contains(word) {
        problems.push(format!("Baton's reason isn't {word}, but: {}", end.words()));
    }
    for tool in [Tool::Sbsigntool, Tool::Osslsigncode] {
        if signed_by(bench, tool, file)? != expected {
            problems.push(format!("the digest of {} is another", tool.name()));
        }
    }
    Ok(Found {
        line: format!("{what}, refused by Baton alone"),
        problems,
    })
}

/// Where a tool's signed file is.
fn signed_file(bench: &Bench, tool: Tool) -> PathBuf {
    bench.path(&format!("{}.efi", tool.name()))
}

/// The digest that a tool signs.
fn signed_by(bench: &Bench, tool: Tool, image: &Path) -> Result<Option<Digest>> {
    let out = signed_file(bench, tool);
    match bench.sign(tool, image, &out)? {
        End::Success => Ok(signed_digests(&fs::read(out)?).pop()),
        _ => Ok(None),
    }
}

/// The image before its certificate table, whose directory entry is cleared.
fn without_signatures(pe: &Pe<'_>, bytes: &[u8]) -> Vec<u8> {
    let mut bare = bytes[..pe.signed_len()].to_vec();
    if let Some(at) = pe.offsets().certificate_directory {
        bare[at..at + 8].fill(0);
    }
    bare
}

/// A PE file, and what it is called in the report: the tree's name, and its path there.
struct PackagedFile {
    name: String,
    path: PathBuf,
}

/// The PE files that were fetched, sorted.
fn files(trees: &[(String, &Path)]) -> Result<Vec<PackagedFile>> {
    let mut found = Vec::new();
    for (name, tree) in trees {
        collect(name, tree, &mut found)?;
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn collect(name: &str, directory: &Path, found: &mut Vec<PackagedFile>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if kind.is_dir() {
            collect(&name, &path, found)?;
        } else if kind.is_file() && is_pe(&fs::read(&path)?) {
            found.push(PackagedFile { name, path });
        }
    }
    Ok(())
}

/// Whether a file claims to be a PE file.
fn is_pe(bytes: &[u8]) -> bool {
    let at = bytes
        .get(0x3c..0x40)
        .and_then(|field| field.try_into().ok())
        .map_or(0, u32::from_le_bytes) as usize;
    Pe::recognises(bytes) && bytes.get(at..at + 4) == Some(b"PE\0\0")
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Digest> {
    let bytes: Option<Vec<u8>> = (0..text.len() / 2)
        .map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    bytes?.try_into().ok()
}
