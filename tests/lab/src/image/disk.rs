//! Disks of the virtual machines, made without root and without loop devices.

use fs_err::{self as fs, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::exec;
use crate::machine::Target;

const MIB: u64 = 1 << 20;

/// Makes an EFI system partition that fills its disk, with these files (`(path on it, source)`).
pub fn esp(image: &Path, files: &[(&str, &Path)]) -> Result<()> {
    let mut size = 4 * MIB;
    for (_, source) in files {
        size += fs::metadata(source)
            .with_context(|| format!("{}", source.display()))?
            .len();
    }
    // FAT32 wants 65525 clusters at least; -F makes it so from 34 MiB.
    blank(image, size.next_multiple_of(MIB).max(36 * MIB))?;
    exec::run(mtools("mformat").arg("-i").arg(image).args(["-F", "::"]))?;
    let mut directories: Vec<PathBuf> = files.iter().flat_map(|(path, _)| parents(path)).collect();
    directories.sort();
    directories.dedup();
    if !directories.is_empty() {
        let names = directories
            .iter()
            .map(|directory| format!("::/{}", directory.display()));
        exec::run(mtools("mmd").arg("-i").arg(image).args(names))?;
    }
    for (path, source) in files {
        exec::run(
            mtools("mcopy")
                .arg("-i")
                .arg(image)
                .arg(source)
                .arg(format!("::/{path}")),
        )?;
    }
    Ok(())
}

/// Every directory above a file, outermost first.
fn parents(path: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Path::new(path)
        .ancestors()
        .skip(1)
        .filter(|p| !p.as_os_str().is_empty())
        .map(PathBuf::from)
        .collect();
    found.reverse();
    found
}

fn mtools(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("MTOOLS_SKIP_CHECK", "1");
    command
}

/// The identifiers of the file systems of [`installed`].
pub const ROOT_UUID: &str = "6d3c5d63-6ac6-4cb1-9e1c-3d7e3c0b5a12";
/// As blkid(8) says it of FAT.
pub const ESP_UUID: &str = "BA70-0001";

/// Where the EFI system partition begins, and the root file system's after it, in MiB.
const PARTITIONS: [u64; 2] = [1, 65];

/// Makes the disk of an installed system: an empty EFI system partition, and a root file system from a directory.
pub fn installed(image: &Path, tree: &Path, size: u64) -> Result<()> {
    blank(image, size)?;
    let [esp, root] = PARTITIONS;
    let table = format!(
        "label: gpt\nstart={esp}MiB, size={}MiB, type=uefi\nstart={root}MiB\n",
        root - esp
    );
    partition(image, &table)?;
    let sectors = (esp * MIB / 512).to_string();
    let id = ESP_UUID.replace('-', "");
    let kib = ((root - esp) * 1024).to_string();
    // Firmware takes what has fewer than 65525 clusters for FAT16, so that each is one sector.
    exec::run(
        exec::tool("mkfs.vfat")
            .args(["-F", "32", "-s", "1", "-i", &id, "--offset", &sectors])
            .arg(image)
            .arg(kib),
    )?;
    // Tables that the guest would write in the background are written now.
    let options = format!(
        "offset={},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0",
        root * MIB
    );
    // The table's copy is in the last 33 sectors.
    let kib = (size - root * MIB - MIB) / 1024;
    exec::run(
        exec::tool("mke2fs")
            .args([
                "-q", "-F", "-t", "ext4", "-U", ROOT_UUID, "-E", &options, "-d",
            ])
            .arg(tree)
            .arg(image)
            .arg(kib.to_string()),
    )
}

/// Makes an ext4 file system from a directory. Its label is its file's name.
pub fn ext4(image: &Path, tree: &Path) -> Result<()> {
    // A third on top for the file system's own tables, and room for what a guest writes.
    let size = (tree_size(tree)? * 4 / 3 + 32 * MIB).next_multiple_of(MIB);
    blank(image, size)?;
    exec::run(
        exec::tool("mke2fs")
            .args([
                "-q",
                "-F",
                "-t",
                "ext4",
                "-m",
                "0",
                "-O",
                "^has_journal",
                "-E",
                "root_owner=0:0",
                "-L",
            ])
            .arg(image.file_stem().unwrap_or_default())
            .arg("-d")
            .arg(tree)
            .arg(image),
    )
}

/// Makes a disk for crash dumps. Its file system's label is the disk's format, in capitals.
pub fn target(image: &Path, target: &Target) -> Result<()> {
    blank(image, target.size_mib * MIB)?;
    let label = target.format.to_uppercase();
    let (program, arguments): (_, &[&str]) = match target.format {
        "blank" => return Ok(()),
        "raw" => return partitioned(image),
        "ext4" => ("mke2fs", &["-q", "-F", "-t", "ext4", "-m", "0", "-L"]),
        "xfs" => ("mkfs.xfs", &["-q", "-f", "-L"]),
        "btrfs" => ("mkfs.btrfs", &["-q", "-f", "-L"]),
        "vfat" => ("mkfs.vfat", &["-F", "32", "-n"]),
        other => bail!("no program makes {other}"),
    };
    exec::run(exec::tool(program).args(arguments).arg(label).arg(image))
}

/// The identifier of the one partition of a disk that has no file system.
pub const RAW_PARTITION: &str = "6d3c5d63-6ac6-4cb1-9e1c-3d7e3c0b5a11";

/// Where that partition begins, in bytes.
pub const RAW_BEGINS: u64 = MIB;

fn partitioned(image: &Path) -> Result<()> {
    let table = format!("label: gpt\nstart=1MiB, uuid={RAW_PARTITION}, name=baton-raw\n");
    partition(image, &table)
}

/// Writes a table of partitions, which sfdisk(8) is told.
fn partition(image: &Path, text: &str) -> Result<()> {
    let table = image.with_extension("partitions");
    fs::write(&table, text)?;
    exec::run(
        exec::tool("sfdisk")
            .arg("-q")
            .arg(image)
            .stdin(File::open(&table)?.into_file()),
    )?;
    Ok(fs::remove_file(table)?)
}

/// Makes a disk that is only this text, padded with zeros to whole sectors.
pub fn raw(image: &Path, text: &[u8], size: usize) -> Result<()> {
    ensure!(
        text.len() < size,
        "{} bytes don't fit a disk of {size}",
        text.len()
    );
    let mut bytes = text.to_vec();
    bytes.resize(size, 0);
    Ok(fs::write(image, bytes)?)
}

/// A disk of so many bytes with nothing on it.
pub fn blank(image: &Path, size: u64) -> Result<()> {
    let file = File::create(image).with_context(|| format!("can't make {}", image.display()))?;
    Ok(file.set_len(size)?)
}

fn tree_size(tree: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(tree)? {
        let entry = entry?;
        let about = entry.metadata()?;
        // Each file takes whole blocks, once whatever the number of its names.
        size += if about.is_dir() {
            tree_size(&entry.path())?
        } else {
            about.len().next_multiple_of(4096) / about.nlink()
        };
    }
    Ok(size)
}
