//! The cores of real kernels that tests are given: `BATON_VMCORES` is a directory of files `vmcore-VERSION`, by default
//! `baton-vmcores` in the cache, with makedumpfile in its `bin`.

#![allow(dead_code, reason = "no test uses all of it")]

use baton_kdump::Dump;
use baton_kdump::convert::{Crash, Format, Options, Summary, convert};
use baton_kdump::write::{FileOutput, Unobserved};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where they are.
pub fn directory() -> PathBuf {
    std::env::var_os("BATON_VMCORES").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/baton-vmcores"),
        PathBuf::from,
    )
}

/// makedumpfile.
pub fn makedumpfile() -> PathBuf {
    directory().join("bin/makedumpfile")
}

/// The files, by the kernels' versions.
pub fn all() -> Vec<PathBuf> {
    let directory = directory();
    let entries = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}: no vmcores", directory.display()));
    let mut files: Vec<_> = entries
        .map(|it| it.unwrap().path())
        .filter(|it| {
            let name = it.file_name().unwrap().to_string_lossy();
            // By the kernel's version; what else is there may be large.
            let version = name.strip_prefix("vmcore-");
            version.is_some_and(|it| it.bytes().all(|c| c == b'.' || c.is_ascii_digit()))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}: no vmcore-*", directory.display());
    files
}

/// Opens a dump of one file.
pub fn open(path: &Path) -> Dump {
    Dump::open(&[path.to_owned()]).unwrap()
}

/// Writes a dump as the capture does, without compression.
pub fn write(source: &Dump, level: u8, path: &Path) -> Summary {
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .unwrap();
    let crash = Crash {
        memory: source,
        machine: source.machine(),
        segments: source.segments(),
        notes: source.note_bytes(),
        seconds: 0,
        whole: source.survey().complete(),
    };
    let options = Options {
        format: Format::Kdump,
        compression: "none".parse().unwrap(),
        level: level.try_into().unwrap(),
        on_doubt: Default::default(),
        page_structs: Default::default(),
        threads: 2.try_into().unwrap(),
        checkpoint: u64::MAX,
    };
    let output = FileOutput::new(file).unwrap();
    convert(&crash, &output, &options, &Unobserved).unwrap()
}
