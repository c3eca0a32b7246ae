//! What a crash has left on the disk. kdump-tools calls a dump saved that is none, since it loses
//! makedumpfile's exit status in a pipe: so that every page of it is read.

use fs_err::{self as fs, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use baton_lab::exec;
use baton_lab::fetch::peers::{Peers, said};

use super::guest::PANIC;
use super::system;

/// How a flattened dump begins (makedumpfile.h, `MAKEDUMPFILE_SIGNATURE`).
const FLATTENED: &[u8] = b"makedumpfile\0";

/// `disk_dump_header.status`, and its bit for a dump that was cut off (makedumpfile's diskdump_mod.h).
const STATUS: usize = 424;
const INCOMPLETE: u32 = 8;

/// Finds the dump on the disk and reads it; says what is wrong with it, or how many bytes it takes.
pub fn examine(peers: &Peers, disk: &Path, directory: &Path) -> Result<u64> {
    let into = directory.join("dumps");
    if into.exists() {
        fs::remove_dir_all(&into)?;
    }
    fs::create_dir_all(&into)?;
    take(disk, &into)?;
    let found = find(&into)?;
    let [dump] = found.as_slice() else {
        bail!("{} dumps are on the disk", found.len());
    };
    let size = fs::metadata(dump)?.len();
    read(peers, &rearranged(peers, dump)?)?;
    Ok(size)
}

/// Takes everything from where dumps go on the disk.
fn take(disk: &Path, into: &Path) -> Result<()> {
    system::play_back(disk)?;
    let command = format!("rdump /var/crash {}", into.display());
    exec::run(exec::tool("debugfs").args(["-R", &command]).arg(disk))
}

/// kdump-tools' dumps are called `dump.TIME`, ours `vmcore`.
fn find(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            found.extend(find(&path)?);
        } else if name == "vmcore" || name.starts_with("dump.") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The dump itself, which a flattened one is brought back to.
fn rearranged(peers: &Peers, dump: &Path) -> Result<PathBuf> {
    let mut begin = Vec::new();
    File::open(dump)?.take(64).read_to_end(&mut begin)?;
    if !begin.starts_with(FLATTENED) {
        return Ok(dump.to_owned());
    }
    let whole = dump.with_file_name("rearranged");
    said(
        peers
            .makedumpfile()
            .arg("-R")
            .arg(&whole)
            .stdin(File::open(dump)?.into_file()),
    )?;
    Ok(whole)
}

/// The kernel's last words are in it, it says that it is complete, and all of its pages can be read.
fn read(peers: &Peers, dump: &Path) -> Result<()> {
    let mut header = Vec::new();
    File::open(dump)?.take(4096).read_to_end(&mut header)?;
    let status = header.get(STATUS..STATUS + 4).context("it is cut short")?;
    let status = u32::from_le_bytes(status.try_into()?);
    ensure!(status & INCOMPLETE == 0, "it says that it is incomplete");
    let makedumpfile = |arguments: &[&str], into: &Path| {
        let mut command: Command = peers.makedumpfile();
        said(command.args(arguments).arg(dump).arg(into))
    };
    let log = dump.with_extension("log");
    makedumpfile(&["-f", "--dump-dmesg"], &log)?;
    let log = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    ensure!(log.contains(PANIC), "the kernel's log has no panic");
    let again = dump.with_extension("again");
    makedumpfile(&["-f", "-c", "-d", "31"], &again)?;
    Ok(fs::remove_file(again)?)
}
