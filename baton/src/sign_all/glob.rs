//! The files that a pattern names: `*` and `?` in any part of a path, and neither matches a leading dot.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files, in order. A pattern without `*` and `?` names one, whether it is there or not.
///
/// # Errors
/// When a directory can't be read. One that isn't there has no files.
pub fn files(pattern: &str) -> io::Result<Vec<PathBuf>> {
    let mut paths = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for path in paths {
            if is_plain(part) {
                next.push(path.join(part));
            } else {
                next.extend(matching(&path, part)?);
            }
        }
        paths = next;
    }
    if !is_plain(pattern) {
        paths.retain(|path| path.is_file());
    }
    Ok(paths)
}

fn is_plain(part: &str) -> bool {
    !part.contains(['*', '?'])
}

fn matching(directory: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(e) => return Err(e),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if matches(pattern.as_bytes(), name.as_encoded_bytes()) {
            found.push(directory.join(name));
        }
    }
    found.sort();
    Ok(found)
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let hidden = name.first() == Some(&b'.') && pattern.first() != Some(&b'.');
    !hidden && matches_rest(pattern, name)
}

/// In time of the product of both lengths: only the last `*` is ever taken back.
fn matches_rest(mut pattern: &[u8], mut name: &[u8]) -> bool {
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, name) {
            ([b'*', rest @ ..], _) => {
                pattern = rest;
                again = Some((rest, name));
            }
            ([b'?', after @ ..], [_, rest @ ..]) => (pattern, name) = (after, rest),
            ([wanted, after @ ..], [byte, rest @ ..]) if wanted == byte => {
                (pattern, name) = (after, rest);
            }
            ([], []) => return true,
            _ => match again {
                Some((after, [_, rest @ ..])) => {
                    (pattern, name) = (after, rest);
                    again = Some((after, rest));
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("vmlinuz-*", "vmlinuz-6.12", true),
            ("vmlinuz-*", "vmlinuz-", true),
            ("vmlinuz-*", "xvmlinuz-6.12", false),
            ("*.efi", "a.efi.efi", true),
            ("*.efi", ".efi", false),
            ("*", ".baton.1.0", false),
            (".*", ".hidden", true),
            ("?", "", false),
            ("a?c*d", "abcxxdxd", true),
            ("a*b*c", "aXbXbX", false),
            ("", "", true),
        ] {
            let found = matches(pattern.as_bytes(), name.as_bytes());
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_names_files_of_several_directories_and_none_that_is_not_there() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b/linux", "a/linux", "a/other", "c"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = |pattern: &str| files(&format!("{}/{pattern}", root.path().display())).unwrap();
        let expected = ["a/linux", "b/linux"].map(|name| root.path().join(name));
        assert_eq!(found("*/linux"), expected);
        assert!(found("none/*").is_empty() && found("c/*").is_empty());
        assert_eq!(found("?"), [root.path().join("c")]);
        assert_eq!(found("none"), [root.path().join("none")]);
    }
}
