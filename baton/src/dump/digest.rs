//! The digest that lies beside a dump, as `sha256sum` writes it.

use super::progress::Bar;
use crate::failure::{Failure, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// What is read at once.
const CHUNK: usize = 1 << 20;
/// No list of digests beside a dump is longer.
const MOST: u64 = 1 << 16;

/// How a file compares with the digest beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Compared {
    /// There is no digest of it.
    Missing,
    /// It has the digest.
    Same,
    /// It hasn't.
    Different,
}

/// Compares a dump's file with its digest in `FILE.sha256`.
pub(super) fn compare(file: &Path, bar: &Bar) -> Result<Compared> {
    let Some(expected) = expected(file)? else {
        return Ok(Compared::Missing);
    };
    let found = digest(file, bar)?;
    Ok(match found == expected {
        true => Compared::Same,
        false => Compared::Different,
    })
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

/// The digest that the list beside the file has for its name.
fn expected(file: &Path) -> Result<Option<String>> {
    let list = beside(file);
    let opened = match File::open(&list) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| Failure::io(&list, &error))?,
    };
    let mut text = String::new();
    opened
        .take(MOST)
        .read_to_string(&mut text)
        .map_err(|error| Failure::io(&list, &error))?;
    let name = file.file_name().map(|it| it.to_string_lossy());
    let name = name.unwrap_or_default();
    let found = text.lines().find_map(|line| {
        // Two characters part them: a space, and one that tells text (a space) from binary (an asterisk).
        let (digest, rest) = line.split_once(' ')?;
        let named = rest.strip_prefix([' ', '*'])?;
        Some(digest).filter(|_| named == name)
    });
    let digest = found.filter(|it| it.len() == 64 && it.bytes().all(|c| c.is_ascii_hexdigit()));
    let digest = digest.ok_or_else(|| {
        Failure::failed(format!(
            "{}: it has no SHA-256 digest of {name}: make it anew with sha256sum, or remove it",
            list.display()
        ))
    })?;
    Ok(Some(digest.to_ascii_lowercase()))
}

fn digest(file: &Path, bar: &Bar) -> Result<String> {
    let failed = |error| Failure::io(file, &error);
    let mut opened = File::open(file).map_err(failed)?;
    let total = opened.metadata().map_err(failed)?.len();
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut done = 0;
    loop {
        let count = opened.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            let digest = hash.finalize();
            return Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&buffer[..count]);
        done += count as u64;
        bar.show("digest", done, total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_compared_with_what_sha256sum_wrote() {
        let folder = std::env::temp_dir().join(format!("baton-digest-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("vmcore");
        std::fs::write(&file, "abc").unwrap();
        let compared = || compare(&file, &Bar::new());
        assert_eq!(compared(), Ok(Compared::Missing));
        // FIPS 180-4's example.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let list = |text: String| std::fs::write(folder.join("vmcore.sha256"), text).unwrap();
        for (text, result) in [
            (format!("{abc}  vmcore\n"), Compared::Same),
            (format!("00  other\n{abc} *vmcore\n"), Compared::Same),
            (format!("{}  vmcore\n", abc.to_uppercase()), Compared::Same),
            (format!("{}  vmcore\n", "0".repeat(64)), Compared::Different),
        ] {
            list(text);
            assert_eq!(compared(), Ok(result));
        }
        for text in ["", "vmcore", "zz  vmcore\n", "ba78  vmcore\n"] {
            list(text.to_owned());
            let error = compared().unwrap_err().to_string();
            assert!(error.contains("no SHA-256 digest of vmcore"), "{error}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
