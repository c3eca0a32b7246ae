//! Paths in a configuration.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{found}\" {flaw}; give an absolute path such as {example}")]
pub struct PathError {
    /// The path.
    pub found: String,
    /// What is wrong with it.
    pub flaw: PathFlaw,
    /// A valid path.
    pub example: &'static str,
}

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFlaw {
    /// The path doesn't begin with a slash.
    #[error("is relative")]
    Relative,
    /// The path has a component `..`.
    #[error("has \"..\" in it")]
    Parent,
    /// The path contains a control character.
    #[error("has a control character in it")]
    Control,
    /// The path ends like that of a directory where a file is needed.
    #[error("is a directory")]
    Directory,
}

/// Checks that a path is absolute and has no `..` and no control characters in it.
pub(crate) fn check(path: &str) -> Result<(), PathFlaw> {
    if path.contains(char::is_control) {
        return Err(PathFlaw::Control);
    }
    if !path.starts_with('/') {
        return Err(PathFlaw::Relative);
    }
    if path.split('/').any(|part| part == "..") {
        Err(PathFlaw::Parent)
    } else {
        Ok(())
    }
}

/// A directory of a file system, written as an absolute path from that file system's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Directory(PathBuf);

impl Directory {
    /// The directory with these parts, which are names.
    #[must_use]
    pub fn below(parts: &[&str]) -> Directory {
        Directory(parts.iter().collect())
    }

    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new("/").join(&self.0)
    }

    /// The path relative to the root; empty for the root itself.
    #[must_use]
    pub fn below_root(&self) -> &Path {
        &self.0
    }
}

/// Where dumps go if nothing else is said: `/var/crash`.
impl Default for Directory {
    fn default() -> Directory {
        Directory("var/crash".into())
    }
}

impl TryFrom<String> for Directory {
    type Error = PathError;

    fn try_from(found: String) -> Result<Directory, PathError> {
        match check(&found) {
            Ok(()) => {
                let parts = found.split('/').filter(|it| !matches!(*it, "" | "."));
                Ok(Directory(parts.collect()))
            }
            Err(flaw) => Err(PathError {
                found,
                flaw,
                example: "/var/crash",
            }),
        }
    }
}

impl From<Directory> for String {
    fn from(directory: Directory) -> String {
        directory.to_string()
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0.display())
    }
}

/// The absolute path of a file in the initramfs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InitramfsFile(String);

impl InitramfsFile {
    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl TryFrom<String> for InitramfsFile {
    type Error = PathError;

    fn try_from(found: String) -> Result<InitramfsFile, PathError> {
        let is_file = !found.ends_with('/');
        match check(&found).and_then(|()| is_file.then_some(()).ok_or(PathFlaw::Directory)) {
            Ok(()) => Ok(InitramfsFile(found)),
            Err(flaw) => Err(PathError {
                found,
                flaw,
                example: "/lib/modules/ext4.ko",
            }),
        }
    }
}

impl From<InitramfsFile> for String {
    fn from(file: InitramfsFile) -> String {
        file.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_written_in_one_way() {
        for (text, written) in [
            ("/", "/"),
            ("/var/crash/", "/var/crash"),
            ("//a/./b", "/a/b"),
        ] {
            let directory = Directory::try_from(text.to_owned()).unwrap();
            assert_eq!(directory.to_string(), written);
            assert!(directory.below_root().is_relative());
        }
        assert!(Directory::try_from("/var/../srv".to_owned()).is_err());
        assert!(Directory::try_from("srv".to_owned()).is_err());
    }

    #[test]
    fn a_file_is_no_directory() {
        for (text, flaw) in [
            ("/lib/modules/", PathFlaw::Directory),
            ("ext4", PathFlaw::Relative),
            ("/a\nb", PathFlaw::Control),
        ] {
            let error = InitramfsFile::try_from(text.to_owned()).unwrap_err();
            assert_eq!(error.flaw, flaw);
        }
    }
}
