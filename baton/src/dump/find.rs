//! Finds dumps in directories.

use baton_kdump::{Dump, source};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The depth to which directories are searched. kdump-tools and kdump-utils put each dump into its own directory.
const MAX_DEPTH: usize = 3;
/// The largest number of directory entries that are examined.
const MAX_ENTRIES: usize = 100_000;
/// The names of kernel logs that are saved before the dump: those of Baton and kdump-utils, and the prefix that
/// kdump-tools puts before the time.
const LOGS: [&str; 3] = ["dmesg.txt", "vmcore-dmesg.txt", "dmesg."];

/// A file that a search found.
pub(super) enum Found {
    /// A dump, or a part of a split one.
    Dump(PathBuf),
    /// A saved log in a directory without a dump.
    Log(PathBuf),
}

/// The dumps in a directory and its subdirectories.
pub(super) fn find(directory: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut left = MAX_ENTRIES;
    // Subdirectories that can't be read are skipped; for the directory itself it is an error.
    search(directory, MAX_DEPTH, &mut left, &mut found)?;
    Ok(found)
}

fn search(
    directory: &Path,
    depth: usize,
    left: &mut usize,
    found: &mut Vec<Found>,
) -> io::Result<()> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
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
        // Symbolic links aren't followed: they lead to dumps that are found anyway, or in circles.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth > 0 {
            let _ = search(&path, depth - 1, left, found);
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

/// Whether a file begins like a dump.
fn is_dump(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = source::open(path).and_then(|file| file.take(18).read_to_end(&mut start));
    read.is_ok() && Dump::recognises(&start)
}

/// Whether a dump's name marks it as unfinished.
pub(super) fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().map(|it| it.to_string_lossy());
    name.is_some_and(|name| name.ends_with("incomplete"))
}

/// Whether a dump's name says that it was to be read back, and wasn't to its end.
pub(super) fn is_unverified(path: &Path) -> bool {
    let name = path.file_name().map(|it| it.to_string_lossy());
    name.is_some_and(|name| name.ends_with(".unverified"))
}

/// Whether a dump is one part of a split dump.
pub(super) fn is_part(dump: &Dump) -> bool {
    dump.stated().split
}
