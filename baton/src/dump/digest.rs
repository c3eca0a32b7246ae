//! The digest of a dump: in a file beside it, in the format of `sha256sum`, or at the end of a raw partition.

use super::progress::Bar;
use super::raw;
use crate::failure::dump::DumpFailure;
use crate::failure::{IoError, Result};
use baton_kdump::{Source, source};
use baton_sys::hex;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// How many bytes are read at a time.
const CHUNK: usize = 1 << 20;
/// The most bytes of a list of digests that are read.
const MAX_LIST_BYTES: u64 = 1 << 16;

/// The result of comparing a dump with its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Compared {
    /// There is no digest.
    Missing,
    /// The dump matches its digest.
    Same,
    /// The dump doesn't match its digest.
    Different,
}

/// Compares a dump with its digest in `FILE.sha256`, or in the partition.
pub(super) fn compare(file: &Path, bar: &Bar) -> Result<Compared> {
    if let Some(expected) = expected(file)? {
        let length = size(file)?;
        return Ok(verdict(digest(file, length, bar)? == expected));
    }
    let trailer = raw::trailer(file)?;
    match trailer.and_then(|it| Some((it.digest?, it.length))) {
        None => Ok(Compared::Missing),
        Some((expected, length)) => Ok(verdict(digest(file, length, bar)? == expected)),
    }
}

fn verdict(same: bool) -> Compared {
    if same {
        Compared::Same
    } else {
        Compared::Different
    }
}

fn size(file: &Path) -> Result<u64> {
    let size = source::open(file).and_then(|file| file.size());
    Ok(size.map_err(|error| IoError::reading(file, error))?)
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

/// The digest for this file's name in the list beside it.
fn expected(file: &Path) -> Result<Option<[u8; 32]>> {
    let list = beside(file);
    let opened = match source::open(&list) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| IoError::reading(&list, error))?,
    };
    let mut text = String::new();
    opened
        .take(MAX_LIST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| IoError::reading(&list, error))?;
    let name = file.file_name().map(|it| it.to_string_lossy());
    let name = name.unwrap_or_default();
    let found = text.lines().find_map(|line| {
        // Digest and name are separated by a space and the mode: a space for text, an asterisk for binary.
        let (digest, rest) = line.split_once(' ')?;
        let named = rest.strip_prefix([' ', '*'])?;
        Some(digest).filter(|_| named == name)
    });
    let digest = found.and_then(hex::decode_digest);
    let digest = digest.ok_or_else(|| DumpFailure::NoDigest {
        list: list.clone(),
        name: name.to_string(),
    })?;
    Ok(Some(digest))
}

/// The digest of the first `length` bytes of a file, or of the whole file if it is shorter.
fn digest(file: &Path, length: u64, bar: &Bar) -> Result<[u8; 32]> {
    let failed = |error| IoError::reading(file, error);
    let mut opened = source::open(file).map_err(failed)?.take(length);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = opened.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(&buffer[..count]);
        bar.show("digest", length - opened.limit(), length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_kdump::write::FileOutput;
    use std::fs::File;

    #[test]
    fn a_file_is_compared_with_what_sha256sum_wrote() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("vmcore");
        std::fs::write(&file, "abc").unwrap();
        let compared = || compare(&file, &Bar::new());
        assert_eq!(compared().unwrap(), Compared::Missing);
        // FIPS 180-4's example.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let list = |text: String| std::fs::write(file.with_extension("sha256"), text).unwrap();
        for (text, result) in [
            (format!("{abc}  vmcore\n"), Compared::Same),
            (format!("00  other\n{abc} *vmcore\n"), Compared::Same),
            (format!("{}  vmcore\n", abc.to_uppercase()), Compared::Same),
            (format!("{}  vmcore\n", "0".repeat(64)), Compared::Different),
        ] {
            list(text);
            assert_eq!(compared().unwrap(), result);
        }
        for text in ["", "vmcore", "zz  vmcore\n", "ba78  vmcore\n"] {
            list(text.to_owned());
            let error = compared().unwrap_err().to_string();
            assert!(error.contains("no SHA-256 digest of vmcore"), "{error}");
        }
    }

    #[test]
    fn a_partition_is_compared_with_the_digest_at_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("partition");
        let size = 8 << 20;
        for (written, result) in [("abc", Compared::Same), ("abd", Compared::Different)] {
            std::fs::write(&file, written).unwrap();
            let partition = File::options().write(true).read(true).open(&file).unwrap();
            partition.set_len(size).unwrap();
            let trailer = baton_capture::trailer::Trailer {
                complete: true,
                length: 3,
                digest: Some(Sha256::digest("abc").into()),
                ..Default::default()
            };
            let place = baton_capture::trailer::place(size).unwrap();
            let output = FileOutput::new(partition).unwrap();
            baton_capture::trailer::write(&output, place, &trailer).unwrap();
            assert_eq!(compare(&file, &Bar::new()).unwrap(), result);
        }
    }
}
