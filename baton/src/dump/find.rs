//! Finding dumps in folders.

use baton_kdump::{Dump, source};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How deep folders are looked into: kdump-tools and kdump-utils keep each dump in a folder of its own.
const DEPTH: usize = 3;
/// How many entries are looked at in all.
const MOST: usize = 100_000;
/// Kernel logs that are saved before the dump: by Baton, by kdump-utils; kdump-tools adds the time.
const LOGS: [&str; 3] = ["dmesg.txt", "vmcore-dmesg.txt", "dmesg."];

/// What was found.
pub(super) enum Found {
    /// A dump, or a part of a split one.
    Dump(PathBuf),
    /// A saved log in whose folder there is no dump.
    Log(PathBuf),
}

/// The dumps in a folder and those below it.
pub(super) fn find(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut left = MOST;
    // Only of the folder that was named it is an error that it can't be read.
    look(folder, DEPTH, &mut left, &mut found)?;
    Ok(found)
}

fn look(folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<Found>) -> io::Result<()> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let Some(less) = left.checked_sub(1) else {
            break;
        };
        *left = less;
        paths.push(entry?);
    }
    paths.sort_by_key(fs::DirEntry::file_name);
    let mut logs = Vec::new();
    let mut dumps = 0;
    for entry in paths {
        let path = entry.path();
        // Links aren't followed: they lead to dumps that are found themselves, or in circles.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth > 0 {
            let _ = look(&path, depth - 1, left, found);
        } else if kind.is_file() && is_dump(&path) {
            dumps += 1;
            found.push(Found::Dump(path));
        } else if kind.is_file() && is_log(&path) {
            logs.push(Found::Log(path));
        }
    }
    if dumps == 0 {
        found.extend(logs);
    }
    Ok(())
}

fn is_log(path: &Path) -> bool {
    let name = path.file_name().map(|it| it.to_string_lossy());
    name.is_some_and(|name| LOGS.iter().any(|log| name.starts_with(log)))
}

/// Whether a file begins as a dump does.
fn is_dump(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = source::open(path).and_then(|file| file.take(18).read_to_end(&mut start));
    // ET_CORE, not just any ELF file.
    let other_elf = start.starts_with(b"\x7fELF") && start.get(16..18) != Some(&[4, 0]);
    read.is_ok() && Dump::recognises(&start) && !other_elf
}

/// Whether a dump is being written, or was left so, by its name.
pub(super) fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().map(|it| it.to_string_lossy());
    name.is_some_and(|name| name.ends_with("incomplete"))
}

/// Whether a dump is a part of a split one, and is without the others.
pub(super) fn is_part(dump: &Dump) -> bool {
    dump.stated().split
}
